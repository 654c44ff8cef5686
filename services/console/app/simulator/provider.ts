import rows from '../../gen/providers.json' with { type: 'json' }

/** What the console knows of a provider, as checks/console-providers.ts writes it. */
export interface ConsoleProvider {
  readonly name: string
  readonly title: string
  readonly documentation: string
  readonly copy: { readonly what: string; readonly where: string }
  readonly options: readonly { readonly name: string; readonly required?: boolean; readonly text: string }[]
  readonly handshake: string | null
  readonly retries: string
  readonly notes: readonly string[]
  readonly sample: {
    readonly contentType: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
  readonly idHeaders: readonly string[]
  readonly idMember: string | null
  readonly signs: Signs
}

/** How a browser signs as a provider does. */
export type Signs = SignsHmac | SignsToken | { readonly kind: 'not here'; readonly why: string }

export interface SignsToken {
  readonly kind: 'token'
  readonly header: string
  readonly scheme: 'Bearer' | 'Basic' | null
}

export interface SignsHmac {
  readonly kind: 'hmac'
  readonly hash: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512'
  readonly key: 'utf8' | 'html' | 'hex' | 'base64' | 'whsec' | 'whsec-or-utf8' | 'base64-after-underscore'
  readonly encoding: 'hex' | 'base64' | 'base64url'
  readonly header: string
  readonly prefix: string
  readonly pair: { readonly separator: string; readonly name: string } | null
  readonly idHeader: string | null
  readonly time: Time | null
  readonly content: readonly string[]
}

type Time = { readonly unit: 's' | 'ms' | 'iso' } & (
  | { readonly header: string }
  | { readonly pair: string }
  | { readonly member: string }
)

export const providers = rows as unknown as readonly ConsoleProvider[]

export const providerOf = (name: string): ConsoleProvider | undefined =>
  providers.find(provider => provider.name === name)
