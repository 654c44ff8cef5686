import type { Exchange } from '@fairlead/wire/exchange'
import { redacted, secretHeader } from '@fairlead/wire/secret-headers'
import { decompress } from './decompress.ts'
import type { Answer, Traffic } from './post.ts'
import { type SecretPart, secretParts } from './secret-parts.ts'
import type { Target } from './target.ts'

/**
 * What is kept of an exchange for people. Values of secret headers are left out on both sides, and so are they where the
 * other end sends them back; of the URL the query, which may hold a token. What else an answer says is the destination's
 * own business: its body is shown as it came.
 */

/** Characters of the request's head that are kept. */
const maxRequestHead = 4096
/** How many names are kept with their verdict. */
const maxNames = 2000

export interface Recorded {
  readonly target: Target
  /** Names and values in turn, as they were sent. */
  readonly headers: readonly string[]
  readonly bodyBytes: number
  /** Lower-case names of headers whose values are secrets, beside those that any header of that name is. */
  readonly secretHeaders: ReadonlySet<string>
  readonly traffic: Traffic | undefined
  readonly answer: Answer | undefined
}

/** One for a sender: it keeps its verdict on names. Pure otherwise. */
export function openExchangeRecorder(): (seen: Recorded) => Exchange {
  /** Name → lower case, and whether it always names a secret. */
  const names = new Map<string, { readonly lower: string; readonly secret: boolean }>()
  const known = (name: string) => {
    let verdict = names.get(name)
    if (!verdict) {
      const lower = name.toLowerCase()
      verdict = { lower, secret: secretHeader.test(lower) }
      if (names.size >= maxNames) names.clear()
      names.set(name, verdict)
    }
    return verdict
  }

  return seen => {
    const { target, headers, bodyBytes, secretHeaders, traffic, answer } = seen
    const secretValues: [name: string, value: string][] = []
    let request = `POST ${withoutQuery(target.path)} HTTP/1.1\nhost: ${hostOf(target)}\n`
    let requestCut = false
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const { lower, secret } = known(headers[i]!)
      const isSecret = secret || secretHeaders.has(lower)
      if (isSecret) secretValues.push([lower, headers[i + 1]!])
      if (requestCut || request.length > maxRequestHead) requestCut = true
      else request += `${headers[i]!}: ${isSecret ? redacted : headers[i + 1]!.slice(0, maxRequestHead)}\n`
    }
    request += `content-length: ${bodyBytes}\n`
    // Where they are too many to be looked for, nothing of the answer is shown.
    const secrets = secretParts(secretValues)
    const body = answer && secrets && textOf(answer, secrets)
    const cut =
      requestCut ||
      secrets === undefined ||
      traffic?.headCut === true ||
      (answer?.cut === true && body !== undefined)
    return {
      ...(traffic && timesOf(traffic)),
      request,
      ...(traffic &&
        secrets &&
        traffic.head !== '' && { response: withoutSecrets(redactLines(traffic.head), secrets) }),
      ...(body !== undefined && { body }),
      ...(cut && { cut }),
    }
  }
}

function timesOf({ dialling, reused, waitMs, downloadMs }: Traffic): Omit<Exchange, 'request'> {
  const { address, dnsMs, connectMs, tlsMs } = dialling
  return {
    ...(address !== undefined && { address }),
    ...(reused && { reused }),
    ...(!reused && dnsMs !== undefined && { dnsMs: tenths(dnsMs) }),
    ...(!reused && connectMs !== undefined && { connectMs: tenths(connectMs) }),
    ...(!reused && tlsMs !== undefined && { tlsMs: tenths(tlsMs) }),
    ...(waitMs !== undefined && { waitMs: tenths(waitMs) }),
    ...(downloadMs !== undefined && { downloadMs: tenths(downloadMs) }),
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10

function withoutQuery(path: string): string {
  const at = path.indexOf('?')
  return at < 0 ? path : `${path.slice(0, at)}?${redacted}`
}

const hostOf = ({ origin }: Target): string => origin.slice(origin.indexOf('//') + 2)

/** Whether any line can be a secret's: most answers are seen to hold none at one look. */
const mayBeSecret = /cookie|token|secret|password|authorization|api-?key/i

function redactLines(head: string): string {
  if (!mayBeSecret.test(head)) return head
  return head
    .split('\n')
    .map(line => {
      const colon = line.indexOf(':')
      return colon > 0 && secretHeader.test(line.slice(0, colon).trim().toLowerCase())
        ? `${line.slice(0, colon)}: ${redacted}`
        : line
    })
    .join('\n')
}

/** The beginning of a body as text; undefined where it is none. */
function textOf(answer: Answer, secrets: readonly SecretPart[]): string | undefined {
  if (answer.body.length === 0) return ''
  const plain = decompress(answer.body, answer.contentEncoding)
  if (plain === undefined) return undefined
  const text = new TextDecoder().decode(plain)
  // Of text that is cut, the last character may be a part of one.
  const damaged = text.indexOf('\ufffd')
  if (damaged >= 0 && damaged < text.length - 2) return undefined
  // The beginning of a secret may stand at the cut.
  const longest = answer.cut ? Math.max(0, ...secrets.map(({ text }) => text.length)) : 0
  const whole = withoutSecrets(text, secrets)
  const shown = longest > 0 ? whole.slice(0, -longest) : whole
  return shown.replace(/[^\P{Cc}\n\t]|\ufffd/gu, ' ')
}

function withoutSecrets(text: string, secrets: readonly SecretPart[]): string {
  return secrets.reduce((safe, secret) => safe.replaceAll(secret.text, redacted), text)
}
