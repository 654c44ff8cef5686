import { createHmac, timingSafeEqual } from 'node:crypto'

/** Signs probes as four providers sign, and verifies deliveries: written apart from the code that is probed. */

/** Names of the sources, and of their providers. */
export const probers = ['github', 'stripe', 'shopify', 'standard-webhooks'] as const
export type ProbeSource = (typeof probers)[number]

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text)
const bytesOf = (secret: string) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64')

/** Headers of a request. @param id the provider's id of it: the same for a request that is sent again */
export function signProbe(
  source: ProbeSource,
  {
    id,
    body,
    secret,
    nowMs,
  }: { readonly id: string; readonly body: string; readonly secret: string; readonly nowMs: number },
): Record<string, string> {
  const seconds = Math.floor(nowMs / 1_000)
  switch (source) {
    case 'github':
      return {
        'x-github-event': 'fairlead.probe',
        'x-github-delivery': id,
        'x-hub-signature-256': `sha256=${hmac(secret, body).digest('hex')}`,
      }
    case 'stripe':
      return { 'stripe-signature': `t=${seconds},v1=${hmac(secret, `${seconds}.${body}`).digest('hex')}` }
    case 'shopify':
      return {
        'x-shopify-topic': 'fairlead/probe',
        'x-shopify-webhook-id': id,
        'x-shopify-hmac-sha256': hmac(secret, body).digest('base64'),
      }
    case 'standard-webhooks':
      return {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${hmac(bytesOf(secret), `${id}.${seconds}.${body}`).digest('base64')}`,
      }
    default:
      return source satisfies never
  }
}

/** Whether a delivery has the Standard Webhooks signature of this key, made within five minutes. */
export function isSigned(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  signingKey: string,
  nowMs: number,
): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures } = headers
  if (typeof id !== 'string' || typeof seconds !== 'string' || typeof signatures !== 'string') return false
  if (!(Math.abs(nowMs / 1_000 - Number(seconds)) <= 300)) return false
  const wanted = hmac(bytesOf(signingKey), `${id}.${seconds}.${body}`).digest()
  return signatures.split(' ').some(signature => {
    const [version, text = ''] = signature.split(',')
    const given = Buffer.from(text, 'base64')
    return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted)
  })
}
