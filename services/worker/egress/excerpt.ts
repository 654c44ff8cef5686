import { decompress } from './decompress.ts'
import type { Answer } from './post.ts'
import { secretParts } from './secret-parts.ts'

/** Characters of a failed response that are shown. */
const maxCharacters = 200

/**
 * What a failed response says, for people: one line of text, at most 200 characters, without markup and control
 * characters, decompressed. Some servers send a request's headers back: where a header's value appears, its name stands
 * instead, so that no signature or token gets into logs. Empty where the body is empty or not text, or the values are too many.
 */
export function excerpt(
  answer: Pick<Answer, 'contentEncoding' | 'body' | 'cut'>,
  requestHeaders: readonly string[],
): string {
  if (answer.body.length === 0) return ''
  const plain = decompress(answer.body, answer.contentEncoding)
  if (plain === undefined) return ''
  const secrets = secretParts(secretHeaders(requestHeaders))
  if (secrets === undefined) return ''
  let text = new TextDecoder().decode(plain)
  let longest = 0
  for (const secret of secrets) {
    text = text.replaceAll(secret.text, `[${secret.name}]`)
    longest = Math.max(longest, secret.text.length)
  }
  // The beginning of a value may stand at the cut.
  if (answer.cut) text = text.slice(0, -longest || undefined)
  return text
    .replace(/<[^<>]*>/g, ' ')
    .replace(/[\p{C}\p{Z}\s\ufffd]+/gu, ' ')
    .trim()
    .slice(0, maxCharacters)
    .trimEnd()
}

/** Headers whose values are no secrets, and words that a useful answer may hold ("not application/json"). */
const harmless = /^(accept|content-|user-agent$|webhook-id$|webhook-timestamp$|fairlead-)/

function* secretHeaders(headers: readonly string[]): Generator<readonly [name: string, value: string]> {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase()
    if (!harmless.test(name)) yield [name, headers[i + 1]!]
  }
}
