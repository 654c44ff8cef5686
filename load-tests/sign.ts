import type { ProviderName } from './scenarios.ts'

/** Signs requests as four providers do: for both drivers, so nothing here is Node's. */

/** What k6 and Node have under other names. */
export interface Hmac {
  /** HMAC-SHA256 of text. @param key text is taken as UTF-8 */
  sha256(key: string | ArrayBuffer, text: string, encoding: 'hex' | 'base64'): string
  decodeBase64(text: string): ArrayBuffer
}

export interface Unsigned {
  /** Another one for each request: a repeat would be swallowed. */
  readonly id: string
  readonly body: string
  /** Unix ms. */
  readonly nowMs: number
  readonly secret: string
}

/** What all load-test sources verify with: text for all but Standard Webhooks, which wants base64. */
export const loadSecrets: Readonly<Record<ProviderName, string>> = {
  github: 'test-only-load-secret',
  stripe: 'whsec_test-only-load-secret',
  shopify: 'test-only-load-secret',
  'standard-webhooks': 'whsec_dGVzdC1vbmx5LWxvYWQtc2VjcmV0LTMyLWJ5dGVzISE=',
}

/** The headers of a request, with its signature. */
export function signedHeaders(
  provider: ProviderName,
  { id, body, nowMs, secret }: Unsigned,
  hmac: Hmac,
): Record<string, string> {
  const seconds = Math.floor(nowMs / 1000)
  switch (provider) {
    case 'github':
      return {
        'x-github-event': 'push',
        'x-github-delivery': id,
        'x-hub-signature-256': `sha256=${hmac.sha256(secret, body, 'hex')}`,
      }
    case 'stripe':
      return { 'stripe-signature': `t=${seconds},v1=${hmac.sha256(secret, `${seconds}.${body}`, 'hex')}` }
    case 'shopify':
      return {
        'x-shopify-topic': 'orders/create',
        'x-shopify-webhook-id': id,
        'x-shopify-hmac-sha256': hmac.sha256(secret, body, 'base64'),
      }
    case 'standard-webhooks': {
      const key = hmac.decodeBase64(secret.replace(/^whsec_/, ''))
      return {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${hmac.sha256(key, `${id}.${seconds}.${body}`, 'base64')}`,
      }
    }
    default:
      return provider satisfies never
  }
}
