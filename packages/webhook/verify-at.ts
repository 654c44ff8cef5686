import type { Scheme, Verdict, WebhookRequest } from './scheme.ts'

export interface VerifiedAt {
  readonly received: WebhookRequest
  readonly verdict: Verdict
  /** The public URLs that were tried, without their query; the last one matched if any did. None: no URL is signed. */
  readonly tried: readonly string[]
}

/**
 * Verifies a request at the first of its URLs that is right. Whether a scheme reads the URL shows in asking for it:
 * the others, nearly all, are verified once.
 *
 * @param urls that the provider may have signed, the likeliest first; not empty
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

/** Whether the request may be right for another URL, by the verdict for this one. JWTs hold the URL as a claim. */
function isAboutUrl(verdict: Verdict): boolean {
  return (
    verdict.kind === 'invalid' &&
    (verdict.reason === 'signature_mismatch' || verdict.reason === 'claims_invalid')
  )
}
