import { encode, utf8 } from './encode.ts'
import { hmac } from './hmac.ts'

/** Providers whose requests no table of headers describes, but a few lines do. */
export const signingRules = ['mailgun', 'microsoft-graph', 'twilio'] as const
export type SigningRule = (typeof signingRules)[number]

interface Asked {
  readonly body: string
  readonly secret: string
  readonly url: string
  readonly nowMs: number
}

/** What a rule adds: a header, or members of the body. Throws a SyntaxError for a body that should be JSON and isn't. */
export interface Added {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export function signByRule(rule: SigningRule, asked: Asked): Promise<Added> {
  switch (rule) {
    case 'mailgun':
      return signMailgun(asked)
    case 'microsoft-graph':
      return Promise.resolve({ body: withClientState(asked) })
    case 'twilio':
      return signTwilio(asked)
    default:
      return rule satisfies never
  }
}

/** https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks */
async function signMailgun({ body, secret, nowMs }: Asked): Promise<Added> {
  const timestamp = String(Math.floor(nowMs / 1_000))
  const token = encode(crypto.getRandomValues(new Uint8Array(25)), 'hex')
  const signature = encode(await hmac('SHA-256', utf8(secret), `${timestamp}${token}`), 'hex')
  return { body: JSON.stringify({ ...JSON.parse(body), signature: { timestamp, token, signature } }) }
}

/** https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks: the secret is in each notification. */
function withClientState({ body, secret }: Asked): string {
  const message = JSON.parse(body) as { readonly value: readonly object[] }
  return JSON.stringify({
    ...message,
    value: message.value.map(notification => ({ ...notification, clientState: secret })),
  })
}

/** https://www.twilio.com/docs/usage/webhooks/webhooks-security: the URL, then each field's name and value, sorted by name. */
async function signTwilio({ body, secret, url }: Asked): Promise<Added> {
  const fields = [...new URLSearchParams(body)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const text = url + fields.map(([name, value]) => name + value).join('')
  return { headers: { 'x-twilio-signature': encode(await hmac('SHA-1', utf8(secret), text), 'base64') } }
}
