import type { Handshake, KeyFetch, SchemeConfig, Verdict, WebhookRequest } from '../scheme.ts'
import type { SignatureDescriptor } from '../verify/descriptor.ts'
import type { IdentityRules } from '../verify/identify.ts'
import type { JwtDescriptor } from '../verify/jwt.ts'
import type { TokenDescriptor } from '../verify/token.ts'

/** The parts that a scheme in code is given beside its configuration. */
export interface SchemeTools {
  readonly keys: KeyFetch
  /** PEM certificates that chains may end in. */
  readonly roots: readonly string[]
}

export type OpenVerify = (
  config: SchemeConfig,
  tools: SchemeTools,
) => (request: WebhookRequest, nowMs: number) => Verdict | Promise<Verdict>

/** How requests are verified. `code` is for schemes that no descriptor can express: certificates, canonical requests, batches. */
export type SchemeDefinition =
  | ({ readonly kind: 'signature' } & SignatureDescriptor)
  | ({ readonly kind: 'token' } & TokenDescriptor)
  | ({ readonly kind: 'jwt'; readonly orSigned?: OtherSignature } & JwtDescriptor)
  | {
      readonly kind: 'code'
      readonly open: OpenVerify
      /** The signature in words: the signed text, the key, and the place of the signature. */
      readonly text: {
        readonly where: string
        readonly algorithm: string
        readonly content: string
        readonly key: string
      }
      readonly sign?: SignSample
    }
  /** The provider signs nothing: accepted only where the source says `acceptUnsigned: true`. */
  | { readonly kind: 'unsigned' }

/** How a provider signs requests that carry no JWT, where both are alive at once (MessageBird). */
export interface OtherSignature {
  /** Holds the signature. */
  readonly header: string
  readonly open: OpenVerify
  /** What is signed, for people. */
  readonly text: string
}

/** Signs a sample as the provider would; returns the headers to add, and body or URL where those change. */
export type SignSample = (
  request: WebhookRequest,
  config: SchemeConfig,
  signing: { readonly nowMs: number; readonly random: () => number; readonly privateKey?: string },
) => { readonly headers?: Readonly<Record<string, string>>; readonly body?: string; readonly url?: string }

export interface HandshakeContext {
  readonly config: SchemeConfig
  /** Whether verify() found this request valid. */
  readonly verified: boolean
  /** The index of the secret that matched, where it is known. */
  readonly secret: string | undefined
}

export interface HandshakeDefinition {
  /** One sentence for people. */
  readonly text: string
  readonly answer: (request: WebhookRequest, context: HandshakeContext) => Handshake | undefined
}

/** Something a source is configured with beside its secrets. */
export interface OptionDefinition {
  readonly name: string
  readonly required?: boolean
  readonly text: string
}

/** A realistic event, as a simulator sends it. */
export interface Sample {
  readonly headers?: Readonly<Record<string, string>>
  /** Default application/json. */
  readonly contentType?: string
  readonly body: string
}

/** The meaning of each word of a row's proof, the strongest first. */
export const proofTexts = {
  run: 'compared, whenever the tests run, with the package named: the provider’s own or the one that it tells to use',
  vectors:
    'agrees with requests that others’ code made or accepted, or that were published; no package is run',
  read: 'its sources or documentation read',
  memory: 'none of these',
} as const

/** Where a row's knowledge comes from. */
export interface Provenance {
  readonly scheme: keyof typeof proofTexts
  /** With `run` the package first. */
  readonly by: string
  /** Which other facts of the row were never checked. */
  readonly fromMemory?: readonly ('retries' | 'answer' | 'handshake' | 'identity' | 'copy')[]
}

/** When two requests of a provider are the same event, and how we know, in words. */
export interface ProviderIdentity extends IdentityRules {
  /** The fields that differ between two events. */
  readonly apart: string
  /** The fields that stay, and those that change, when an event is sent again. */
  readonly kept: string
  /** The page that says so, or `memory`. */
  readonly source: string
}

/** One row of the table of providers. */
export interface Provider {
  readonly name: string
  readonly title: string
  /** Set where several schemes belong to one provider: the name of the first. */
  readonly variantOf?: string
  readonly documentation: string
  /** The secret that the user copies, and its place on the provider's pages. */
  readonly copy: { readonly what: string; readonly where: string }
  readonly options?: readonly OptionDefinition[]
  readonly scheme: SchemeDefinition
  /** False where a source may be opened before its first secret is known (the provider hands it over). */
  readonly secretRequired?: false
  /** Stands between several secrets in one text (Supabase). */
  readonly secretSeparator?: string
  readonly identity: ProviderIdentity
  /** The answers that the provider takes as accepted, and its time-out; absent where they aren't known. */
  readonly answer: { readonly text: string; readonly timeoutSeconds?: number; readonly accepted?: Handshake }
  readonly retries: string
  readonly handshake?: HandshakeDefinition
  /** Notes for the person who connects this provider. */
  readonly notes?: readonly string[]
  readonly sample: Sample
  readonly provenance: Provenance
}
