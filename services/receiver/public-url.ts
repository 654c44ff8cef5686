import type { IncomingMessage } from 'node:http'
import type { TrustedProxies } from '@fairlead/daemon/peer'
import type { Scheme, Verdict, WebhookRequest } from '@fairlead/webhook/scheme'

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

export interface VerifiedAt {
  readonly received: WebhookRequest
  readonly verdict: Verdict
  /** The public URLs that were tried, without their query; the last one matched if any did. None: no URL is signed. */
  readonly tried: readonly string[]
}

/**
 * Verifies a request at the first of its URLs that is right. Whether a scheme reads the URL shows in asking for it:
 * the others, nearly all, are verified once.
 */
export async function verifyAt(
  scheme: Scheme,
  request: Omit<WebhookRequest, 'url'>,
  urls: readonly string[],
  nowMs: number,
): Promise<VerifiedAt> {
  const tried: string[] = []
  for (const [index, url] of urls.entries()) {
    let isRead = false
    const { method, headers, body } = request
    const received: WebhookRequest = {
      method,
      headers,
      body,
      get url() {
        isRead = scheme.signsUrl
        return url
      },
    }
    const checked = scheme.verify(received, nowMs)
    const verdict = checked instanceof Promise ? await checked : checked
    if (isRead) tried.push(url.split('?', 1)[0]!)
    if (!isRead || !isAboutUrl(verdict) || index === urls.length - 1) return { received, verdict, tried }
  }
  throw new TypeError('a request has no URL to verify it at')
}

/** Whether another URL could be the right one. JWTs hold it as a claim. */
function isAboutUrl(verdict: Verdict): boolean {
  return (
    verdict.kind === 'invalid' &&
    (verdict.reason === 'signature_mismatch' || verdict.reason === 'claims_invalid')
  )
}
