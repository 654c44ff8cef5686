import rows from '../../gen/providers.json' with { type: 'json' }
import type { SigningRule } from './sign-by-rule.ts'

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
export type Signs =
  | SignsSignature
  | SignsToken
  | SignsJwt
  | SignsByRule
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'not here'; readonly why: string }

/** By a rule of its own, see sign-by-rule.ts. */
export interface SignsByRule {
  readonly kind: 'rule'
  readonly rule: SigningRule
  /** Whether a changed byte of the body, and another URL, show. */
  readonly signsBody: boolean
  readonly signsUrl: boolean
}

export interface SignsToken {
  readonly kind: 'token'
  readonly header: string
  readonly scheme: 'Bearer' | 'Basic' | null
}

export interface SignsSignature {
  readonly kind: 'signature'
  readonly algorithm:
    | 'hmac-sha1'
    | 'hmac-sha256'
    | 'hmac-sha384'
    | 'hmac-sha512'
    | 'sha1'
    | 'sha256'
    | PublicAlgorithm
  readonly key: SharedForm | PublicForm
  readonly encoding: 'hex' | 'base64' | 'base64url'
  readonly header: string
  readonly prefix: string
  readonly pair: { readonly separator: string; readonly name: string } | null
  readonly idHeader: string | null
  readonly time: Time | null
  /** `{url}`, `{timestamp}` and so on stand for what the request has. */
  readonly content: readonly string[]
}

export type PublicAlgorithm = 'ed25519' | 'ecdsa-sha256'
/** How the text of a shared key becomes bytes. */
export type SharedForm =
  | 'utf8'
  | 'html'
  | 'hex'
  | 'base64'
  | 'whsec'
  | 'whsec-or-utf8'
  | 'base64-after-underscore'
/** How a public key is written, which is the source's secret. */
export type PublicForm = 'ed25519-hex' | 'ed25519-base64' | 'whpk' | 'spki-base64'

export interface SignsJwt {
  readonly kind: 'jwt'
  readonly header: string
  readonly bearer: boolean
  readonly issuer: string | null
  /** The option of the source that the issuer is. */
  readonly issuerOption: string | null
  readonly bodyHash: { readonly claim: string; readonly encoding: 'hex' | 'base64' | 'base64url' } | null
  readonly url: { readonly claim: string; readonly hashed: boolean } | null
}

type Time = { readonly unit: 's' | 'ms' | 'iso' } & (
  | { readonly header: string }
  | { readonly pair: string }
  | { readonly member: string }
)

export const providers = rows as unknown as readonly ConsoleProvider[]

export const providerOf = (name: string): ConsoleProvider | undefined =>
  providers.find(provider => provider.name === name)
