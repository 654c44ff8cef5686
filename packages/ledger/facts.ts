import type { AttributesOf, ObjectKind } from './attributes.ts'

/**
 * A fact is what one event of a provider says of one object. The ledger's state is a function of the set of facts: facts are stored
 * once under their key, and each row is computed again from all facts of its object. So the order in which facts arrive, how often
 * they arrive, and in which batches, can't change a row (ADR 0061).
 */

export const providers = ['stripe', 'paypal', 'shopify'] as const
export type Provider = (typeof providers)[number]

export const modes = ['live', 'test'] as const
export type Mode = (typeof modes)[number]

/** An object of a provider. An id counts within its provider, account and mode alone. */
export interface ObjectKey {
  readonly provider: Provider
  /** The provider's account that the object belongs to: a connected account (`acct_…`), or empty for the source's own. */
  readonly account: string
  /** The event's own mode; the source's only where an event has none. */
  readonly mode: Mode
  readonly kind: ObjectKind
  /** The provider's id, at most 255 characters. */
  readonly objectId: string
}

/**
 * A fact of one kind. Its key is all of `ObjectKey`, incarnation, event id and digest: two renderings of one event (endpoints of two
 * API versions) are two facts, and the fold takes the one of the greatest version.
 *
 * A fact takes one of four forms:
 * - a snapshot: `after` holds what the event says of its object.
 * - a mention: `after` is null and `complete`. Another object's event names this object; it gets a placeholder, and no attribute.
 *   Its event id is `mention` and its time 0, so that a price that a million events name has one such fact.
 * - terms: the event id is `terms`. Another object's event holds what can't change of a plan or a coupon: its price, its percentage. Its
 *   time is the object's creation, so the same terms are one fact as well.
 * - a notice: `after` is null and not `complete`. A thin event says that the object changed, without its content.
 */
export interface FactOf<K extends ObjectKind> extends ObjectKey {
  readonly kind: K
  /**
   * Which of several objects that had the same id in turn: the object's time of creation, in digits of milliseconds. Only products, plans
   * and coupons have one, because their ids can be chosen, deleted and taken again. Empty for other kinds, for mentions and for notices.
   */
  readonly incarnation: string
  /** The provider's own event id; for Shopify, which signs none, the SHA-256 of the body. At most 255 characters. */
  readonly eventId: string
  /** SHA-256 in hex of the canonical JSON of all other fields but `personal`. */
  readonly digest: string
  /**
   * The provider's time of the event, in milliseconds since 1970. Stripe's and Shopify's are whole seconds. 0 where the signed body
   * has no time (Shopify's deletions), and for mentions.
   */
  readonly occurredAt: number
  /** The provider's name of the event: `customer.subscription.updated`. */
  readonly type: string
  /** The version in which the provider rendered the event, such as `2026-08-26.dahlia`; empty where there is none. */
  readonly apiVersion: string
  /** Values of the changed attributes before the event. Absent where the event doesn't tell them; empty where no attribute of the ledger changed. */
  readonly before?: Partial<AttributesOf[K]>
  /** Attributes that the event's rendering doesn't have are absent, which says nothing of them. */
  readonly after: Partial<AttributesOf[K]> | null
  /** False where a list in `after` is cut short (`has_more`), or where a notice has no content. */
  readonly complete: boolean
  /** Kept apart, so that it can be forgotten; never in `after`, `before` or `digest`. Only customers have it. */
  readonly personal?: PersonalChange
}

export type Fact = { [K in ObjectKind]: FactOf<K> }[ObjectKind]

/** A customer's personal data after an event, and what it changed; `before` is absent where the event doesn't tell. */
export interface PersonalChange {
  readonly after: PersonalFields
  readonly before?: Partial<PersonalFields>
}

/** Personal data of a customer; null where the provider says that there is none. */
export interface PersonalFields {
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
}

export type FactForm = 'snapshot' | 'mention' | 'terms' | 'notice'

/** Event ids of facts that belong to no single event. No provider has such an id. */
export const mentionEventId = 'mention'
export const termsEventId = 'terms'

export function formOf({ after, complete, eventId }: Pick<Fact, 'after' | 'complete' | 'eventId'>): FactForm {
  if (after === null) return complete ? 'mention' : 'notice'
  return eventId === termsEventId ? 'terms' : 'snapshot'
}

/** The key of a fact's object as one text. */
export function objectKeyText({ provider, account, mode, kind, objectId }: ObjectKey): string {
  return [provider, account, mode, kind, objectId].join('\u0000')
}

/** A verified event, as the worker hands it over. */
export interface BillingEvent {
  readonly provider: Provider
  /** What the receiver took for the type: Shopify's topic. Stripe's and PayPal's types are read from the signed body instead. */
  readonly type: string
  readonly body: Uint8Array
  /** Counts only where the event has no mode of its own. */
  readonly sourceMode: Mode
  /** The account of the source itself. Empty unless the tenant has several sources whose ids may meet. */
  readonly sourceAccount?: string
}

/**
 * Why an event gave no facts though it should have. Quarantined events are shown, and are tried again by a later version.
 *
 * | reason | meaning |
 * | --- | --- |
 * | not_json | the body is not JSON in UTF-8, or nested deeper than 64 |
 * | shape | a field that the ledger needs is missing or of another type |
 * | amount | an amount is not exact: a fraction of a minor unit, or a number above 2^53 − 1 |
 * | currency | a currency is not three letters |
 * | mode_mismatch | the event's links say another mode than its source |
 * | unsupported_version | rendered by a version of the provider's API that the ledger doesn't read |
 * | unknown_type | no event type that the ledger knows |
 */
export const quarantineReasons = [
  'not_json',
  'shape',
  'amount',
  'currency',
  'mode_mismatch',
  'unsupported_version',
  'unknown_type',
] as const
export type QuarantineReason = (typeof quarantineReasons)[number]

/** Why an event rightly gave no facts. */
export const ignoreReasons = ['not_billing', 'preview'] as const
export type IgnoreReason = (typeof ignoreReasons)[number]

export type Normalized =
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  | { readonly kind: 'quarantined'; readonly reason: QuarantineReason; readonly detail: string }
  | { readonly kind: 'ignored'; readonly reason: IgnoreReason }
