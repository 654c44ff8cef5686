import type { Handshake, WebhookRequest } from '../scheme.ts'
import { equal, tokenDigest } from './compare.ts'
import { queryValue } from './form.ts'
import { headerText } from './header.ts'

/** A longer challenge isn't echoed: the answer must stay bounded. */
const maxChallengeLength = 2048

/**
 * A sender's text, given back. Always as text/plain that no browser may sniff: an echo as HTML would let anyone run
 * a script from the receiver's address.
 */
export function echo(text: string | undefined): Handshake | undefined {
  if (text === undefined || text === '' || text.length > maxChallengeLength) return undefined
  return {
    status: 200,
    headers: { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' },
    body: text,
  }
}

export function json(value: unknown, status = 200): Handshake {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
    body: JSON.stringify(value),
  }
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Handshake {
  return { status, headers, body: '' }
}

/** A challenge out of the query of a request with this method. */
export function queryChallenge(request: WebhookRequest, method: string, name: string): string | undefined {
  if (request.method !== method) return undefined
  const text = queryValue(request.url, name)
  return text !== undefined && text !== '' && text.length <= maxChallengeLength ? text : undefined
}

/** A header that is echoed into a header: printable ASCII only, which HTTP's own parser has mostly seen to. */
export function headerChallenge(request: WebhookRequest, name: string): string | undefined {
  const text = headerText(request.headers, name)
  if (text === undefined || text.length > maxChallengeLength) return undefined
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? text : undefined
}

/** Whether a token is among the configured tokens, each compared in constant time. */
export function isOneOf(token: string, allowed: readonly string[]): boolean {
  const given = tokenDigest(token)
  return allowed.map(text => equal(tokenDigest(text), given)).includes(true)
}
