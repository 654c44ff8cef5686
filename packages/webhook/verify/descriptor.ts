import type { Encoding } from './decode.ts'
import type { KeyForm } from './key.ts'
import type { TimestampRule } from './timestamp.ts'

export const hmacAlgorithms = ['hmac-sha1', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const
/** A digest over a text that has the secret in it: how signing was done before HMAC was known well. */
export const hashAlgorithms = ['sha1', 'sha256'] as const
export const publicKeyAlgorithms = ['ed25519', 'ecdsa-sha256', 'rsa-sha256'] as const
export const algorithms = [...hmacAlgorithms, ...hashAlgorithms, ...publicKeyAlgorithms] as const
export type Algorithm = (typeof algorithms)[number]

/** Where the signed time stands. A header's text and a pair's are signed as they are; a body's member is only read. */
export type TimestampPlace =
  | { readonly header: string }
  | { readonly pair: string }
  | { readonly member: string }

/**
 * A scheme as data: which header's signature is compared with which algorithm over which text. Most providers are a
 * row of these, and so is a user's own scheme (`custom`).
 */
export interface SignatureDescriptor {
  readonly algorithm: Algorithm
  /** The option with which a source may choose another algorithm of the same kind (Cloudinary: sha256). */
  readonly algorithmOption?: string
  /** Default utf8. */
  readonly key?: KeyForm
  readonly encoding: Encoding
  /**
   * Lower-case names of the headers that hold signatures; any may match. `{n}` in a name stands for 1 … 100
   * (DocuSign).
   */
  readonly headers: readonly string[]
  /** Must stand before each signature (`sha256=`, `v1,`); what has another label is passed over. */
  readonly prefix?: string
  /** Optional before a signature: for providers whose documentation and practice differ. */
  readonly optionalPrefix?: string
  /** The header is a list, separated by this; any item may match. */
  readonly list?: ' ' | ','
  /** The header is a list of `name=value`; the signatures are the values of this name, any may match. */
  readonly pair?: { readonly separator: ',' | ';'; readonly name: string }
  /** The header whose text `{id}` stands for. */
  readonly id?: string
  readonly timestamp?: TimestampPlace & TimestampRule
  /** The signed text in pieces: `{id} {timestamp} {body} {url} {method} {secret}`, anything else as it stands. */
  readonly content: readonly string[]
  /** Headers that must hold exactly this, else the request asks for another algorithm (Box). */
  readonly expects?: Readonly<Record<string, string>>
  /** Another start of all the header names, used where no header with the first start is there (Svix: webhook-). */
  readonly otherBrand?: { readonly from: string; readonly to: string }
  /**
   * The header that holds the secret itself, where the user may choose that instead (Buildkite). It counts only without
   * a signature; who knows the secret could sign as well.
   */
  readonly orToken?: string
  /** Which forms of the public URL are tried where `{url}` is signed; default only the URL as received. */
  readonly urls?: 'hubspot'
}
