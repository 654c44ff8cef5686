import type { IncomingMessage } from 'node:http'
import type { TrustedProxies } from '@fairlead/daemon/peer'

/**
 * The URL that a provider was given, for schemes that sign it. A receiver behind proxies doesn't see it, and `Host` is
 * whatever a sender likes to write, so it comes from configuration, or from a proxy that configuration trusts:
 *
 *   the source's option publicUrl ── there? ──▶ it alone
 *     └─ FAIRLEAD_PUBLIC_URL, then what a trusted proxy says in X-Forwarded-Proto and X-Forwarded-Host
 *
 * The query is always the request's own.
 */
export interface PublicUrls {
  /** FAIRLEAD_PUBLIC_URL without a slash at its end. */
  readonly base: string
  readonly trusted: TrustedProxies
}

/** The URLs that the provider may have signed, the likeliest first; never empty. @param own the source's option */
export function publicUrlsOf(
  { url = '/', headers, socket }: Pick<IncomingMessage, 'url' | 'headers' | 'socket'>,
  own: unknown,
  { base, trusted }: PublicUrls,
): readonly string[] {
  if (typeof own === 'string') {
    const query = url.indexOf('?')
    return [own + (query < 0 ? '' : url.slice(query))]
  }
  const configured = base + url
  const forwarded = forwardedBase(headers, socket.remoteAddress, trusted)
  return forwarded === undefined || forwarded === base ? [configured] : [configured, forwarded + url]
}

function forwardedBase(
  headers: IncomingMessage['headers'],
  peer: string | undefined,
  trusted: TrustedProxies,
): string | undefined {
  if (headers['x-forwarded-host'] === undefined || !trusted.trusts(peer)) return undefined
  const scheme = lastOf(headers['x-forwarded-proto'])
  const host = lastOf(headers['x-forwarded-host'])
  const isHost = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host)
  return isHost && /^https?$/.test(scheme) ? `${scheme}://${host}` : undefined
}

/** The last element, which the nearest proxy wrote; earlier ones may be the sender's. */
function lastOf(header: string | string[] | undefined): string {
  return String(header ?? '')
    .slice(-512)
    .split(',')
    .at(-1)!
    .trim()
}
