/**
 * What a provider's signature scheme is to the rest of Fairlead: something opened once for each source, kept in
 * memory, and asked about each request. How a scheme does it (a descriptor over the generic function, or code) is
 * private to `verify/` and `providers/`.
 */

/** A request as received: bytes and headers, decoded by HTTP alone. */
export interface WebhookRequest {
  /** Upper case. */
  readonly method: string
  /** The public URL the provider posted to: absolute where the source's public base is known, else path and query. */
  readonly url: string
  /** Lower-case names. A repeated header is an array, or joined by `, ` as node:http does it. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The bytes of the body, never decoded, parsed or written again. */
  readonly body: Uint8Array
}

/** Why a request did not verify: the same word in the answer's `code` or reason, the log, the metric and REJECTIONS. */
export const rejectionReasons = [
  'signature_missing',
  'signature_malformed',
  'signature_mismatch',
  'timestamp_missing',
  'timestamp_malformed',
  'timestamp_out_of_tolerance',
  'body_hash_mismatch',
  'certificate_untrusted',
  'key_unknown',
  'key_unavailable',
  'algorithm_not_allowed',
  'claims_invalid',
  'body_unreadable',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]

export type Verdict =
  /**
   * `secret` is the index of the configured secret that matched; absent where keys come from the provider or none is
   * needed. `url` is the candidate that matched, where the scheme signs the URL and tries more than one.
   */
  | { readonly kind: 'valid'; readonly secret?: number; readonly url?: string }
  | { readonly kind: 'invalid'; readonly reason: RejectionReason; readonly detail?: string }

export type InvalidVerdict = Extract<Verdict, { readonly kind: 'invalid' }>

/** An answer that a provider demands before or instead of sending events. It carries no event. */
export interface Handshake {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** To be fetched once with GET, to consent (SNS). Only ever an https URL of the provider's own hosts. */
  readonly confirmUrl?: string
  /** A key that the provider has just handed over (Asana, Notion): for a member to store, never adopted by itself. */
  readonly offeredSecret?: string
}

/** The parts that two requests of the same event share: ids, ids and bodies, bodies, or none (each request is an event of its own). */
export type Repeats = 'id' | 'id-and-body' | 'body' | 'none'

/** The identity of a request, read from its headers and by one scan of its body, which is never parsed. */
export interface Identity {
  /**
   * The same text for a repeat of the same event, another for every other event of the source. It is the provider's own
   * id, with the body's digest where ids are shared by several events. Absent where nothing tells a repeat.
   */
  readonly deliveryId?: string
  /** The parts that `deliveryId` is made of; absent without it. */
  readonly repeats: Repeats
  /** As the provider names it: `invoice.paid`, `push`. Absent where it can't be told. At most 256 characters. */
  readonly eventType?: string
  /**
   * All distinct types of a request that holds several things, in their order, the first of which is `eventType`; at
   * most 32. Absent where there are fewer than two.
   */
  readonly eventTypes?: readonly string[]
}

/** How old (`past`) and how far ahead (`future`) a signed time may be, in seconds; null: not bounded. */
export interface Tolerance {
  readonly past: number | null
  readonly future: number | null
}

/** What a source is configured with, secrets opened. The same fields as in an Organization resource. */
export interface SchemeConfig {
  readonly provider: string
  /** As a user configures them; every one is live (rotation is adding, waiting, removing). */
  readonly secrets: readonly string[]
  /** Beside the secret: `webhookId` for PayPal, `publicKey` for Braintree, `audience` for Pub/Sub … */
  readonly options?: Readonly<Record<string, unknown>>
  /** Only with the provider `custom`: the scheme as data. */
  readonly scheme?: unknown
  /**
   * Overrides the provider's own tolerance. A number of seconds holds for the past, and for the future where the
   * provider bounds that too; 0 switches the check off (as Stripe's SDK does). Both sides can be given apart.
   */
  readonly toleranceSeconds?: number | Tolerance
}

/**
 * Fetches keys and certificates that a provider publishes. Injected, so that schemes do no I/O of their own: the
 * implementation caches, bounds time, size, count and rate, follows no redirect and joins concurrent calls. Resolves to
 * the text; rejects with a KeyFetchError.
 */
export interface KeyFetch {
  (
    /** Of PEM or a JWKS; its host has already been found allowed by the scheme. */
    url: string,
    options?: KeyFetchOptions,
  ): Promise<string>
  /**
   * Told once a signature was right with what was fetched. Until then an address is any stranger's choice, and what it
   * holds may be forgotten for another's; from then on it is kept.
   */
  readonly prove?: (url: string, options?: KeyFetchOptions) => void
}

export interface KeyFetchOptions {
  /** Asks for a copy no older than a minute, for a key id that the known copy lacks. */
  readonly fresh?: boolean
  /** Posted instead of a GET (Plaid). */
  readonly json?: string
  /** Whose request asks: the id of a source. Addresses that nobody has proven are fetched at each asker's own rate. */
  readonly asker?: string
}

export interface Scheme {
  readonly provider: string
  /** True where the provider signs nothing and the source was told to accept that: only the URL is a secret. */
  readonly unsigned?: boolean
  /** True where the provider signs the URL that it was given, or may: then which public URL is tried decides. */
  readonly signsUrl: boolean
  /** How to answer an accepted event, where the provider demands it (an empty body, 204); else the caller's choice. */
  readonly accepted?: Handshake
  /** Synchronous for all schemes whose keys are at hand; a promise only where a key must be fetched. */
  verify(request: WebhookRequest, nowMs: number): Verdict | Promise<Verdict>
  identify(request: WebhookRequest): Identity
  /**
   * The answer to a handshake, or undefined if this request is an ordinary event. `verified` says whether verify()
   * has found this request valid: schemes whose provider signs its handshakes answer only then.
   */
  handshake(request: WebhookRequest, verified: boolean, nowMs: number): Handshake | undefined
}
