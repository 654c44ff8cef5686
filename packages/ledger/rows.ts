import type { AttributesOf, ObjectKind } from './attributes.ts'
import type { Mode, Provider } from './facts.ts'
import type { Amount } from './money.ts'

/**
 * Rows are derived: each is a function of facts (`rows of objects`, by fold/) or of rows of one customer (`projections`, by project/). No row holds
 * the time or the order of arrival. Two ledgers with the same facts have equal rows, byte by byte (`rowText` in canonical.ts).
 */

/** Attributes as rows hold them: money is `bigint`. */
export type Stored<T> = T extends Amount
  ? bigint
  : T extends readonly (infer Element)[]
    ? readonly Stored<Element>[]
    : T extends object
      ? { readonly [K in keyof T]: Stored<T[K]> }
      : T

/** What has been counted as odd about an object. Absent keys are 0. */
export type Anomaly =
  /** A later fact differs in an attribute that can't change. The first value stays. */
  | 'set_once_changed'
  /** Two end states that exclude each other (paid and void). The first stays. */
  | 'conflicting_ends'
  /** A snapshot has a status that the object has left for good. Its attributes are not taken. */
  | 'behind'
  /** A provider's word that the ledger doesn't know. */
  | 'unknown_status'
  /** More than 12 facts in one instant: sorted by rank, without looking for a chain. */
  | 'crowded_instant'
  /** The object has more facts than are folded: its oldest changes are not in the row's history. The row is not complete. */
  | 'too_many_facts'

/** What every row of an object has. The key is provider, account, mode, kind, id and incarnation. */
export interface RowHead<K extends ObjectKind> {
  readonly provider: Provider
  readonly account: string
  readonly mode: Mode
  readonly kind: K
  /** The provider's id. */
  readonly id: string
  /** See `FactOf.incarnation`. */
  readonly incarnation: string
  /** False for a placeholder: the object was only mentioned, and all attributes are blank. */
  readonly known: boolean
  /** A thin event tells of a change that no snapshot has shown yet. */
  readonly stale: boolean
  /** False where a list was cut short by the provider, so that rows and figures made of it are too. */
  readonly complete: boolean
  /** How many changes are known to be missing: the attributes before an event are not those after the one before it. */
  readonly gaps: number
  readonly anomalies: Readonly<Partial<Record<Anomaly, number>>>
  /** The least and the greatest time of the object's events; null for placeholders, and where none has a time. */
  readonly firstSeenAt: number | null
  readonly updatedAt: number | null
  /** The event that says what the row shows; null for a placeholder. */
  readonly headEventId: string | null
  /** When the deletion was told; null where it wasn't, or without a time. */
  readonly deletedAt: number | null
}

export type RowOf<K extends ObjectKind> = RowHead<K> & Stored<AttributesOf[K]>
export type Row = { [K in ObjectKind]: RowOf<K> }[ObjectKind]

export type ProductRow = RowOf<'product'>
export type PlanRow = RowOf<'plan'>
export type CustomerRow = RowOf<'customer'>
export type CouponRow = RowOf<'coupon'>
export type DiscountRow = RowOf<'discount'>
/** Its `items` are rows of a table of their own, keyed by the subscription and their id. */
export type SubscriptionRow = RowOf<'subscription'>
/** Its `lines` are rows of a table of their own, keyed by the invoice and their id. */
export type InvoiceRow = RowOf<'invoice'>
export type InvoiceLineRow = InvoiceRow['lines'][number]
export type InvoicePaymentRow = RowOf<'invoice_payment'>
export type PaymentIntentRow = RowOf<'payment_intent'>
export type ChargeRow = RowOf<'charge'>
export type RefundRow = RowOf<'refund'>
export type DisputeRow = RowOf<'dispute'>
export type CreditNoteRow = RowOf<'credit_note'>
export type CheckoutRow = RowOf<'checkout'>
export type OrderRow = RowOf<'order'>

/** The personal data of a customer, in a table of its own. All null once redacted. */
export interface CustomerPersonalRow {
  readonly provider: Provider
  readonly account: string
  readonly mode: Mode
  readonly customer: string
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
  readonly country: string | null
  readonly redacted: boolean
}

/** What a transition compares: the attributes of a subscription, or the status of another object. JSON; money is digits. */
export type Compared = Readonly<Record<string, unknown>>

/** One change of an object, in the object's own order. The timeline, and what MRR is computed from. */
export interface TransitionRow {
  readonly provider: Provider
  readonly account: string
  readonly mode: Mode
  readonly kind: ObjectKind
  readonly id: string
  readonly incarnation: string
  /** From 0, in the object's order. Part of the key; a late fact may move it. */
  readonly position: number
  readonly at: number
  readonly eventId: string
  readonly type: string
  /** Which compared attributes differ, sorted. */
  readonly changes: readonly string[]
  /** All compared attributes before; null for the first. */
  readonly from: Compared | null
  readonly to: Compared
  /** False where the provider's documents have no such step: recorded, never refused. Usually an event is missing. */
  readonly legal: boolean
  /** True where the event's own before-image differs from `from`. */
  readonly gap: boolean
}

/** What the fold of one object's facts gives. */
export interface Folded<K extends ObjectKind = ObjectKind> {
  /** One for each incarnation, the newest last: it is the one in force. Never empty. */
  readonly rows: readonly RowOf<K>[]
  /** Of all incarnations, by incarnation and position. */
  readonly transitions: readonly TransitionRow[]
  /** Of customers alone; null where no fact has personal data and none asks for redaction. */
  readonly personal: CustomerPersonalRow | null
}

/** A link from a row to a row, by kind and id, within one provider, account and mode. */
export interface Link {
  readonly kind: ObjectKind
  readonly id: string
}

export type PaymentStatus =
  | 'pending'
  | 'requires_action'
  | 'failed'
  | 'canceled'
  | 'succeeded'
  | 'partially_refunded'
  | 'refunded'
  | 'disputed'
  | 'lost'
  | 'reversed'
  | 'unknown'

/** Money taken once, with all that became of it. Projected from intents, charges, refunds, disputes and orders. */
export interface PaymentRow {
  readonly provider: Provider
  readonly account: string
  readonly mode: Mode
  /** The payment intent's id; where there is none, that of the charge, sale, capture or order. */
  readonly id: string
  readonly kind: 'payment_intent' | 'charge' | 'order'
  readonly known: boolean
  /**
   * False where the sums leave something out: refunds or disputes of another currency than the payment's, or money that a charge says was
   * paid back and of which no refund tells.
   */
  readonly complete: boolean
  readonly customer: string | null
  readonly invoice: string | null
  readonly subscription: string | null
  readonly amount: bigint | null
  readonly captured: bigint
  /** Sum of refunds that neither failed nor were canceled. */
  readonly refunded: bigint
  readonly disputedOpen: bigint
  /** Sum of lost disputes. Of a charge that was reversed: all that wasn't refunded. */
  readonly disputedLost: bigint
  readonly currency: string | null
  readonly status: PaymentStatus
  readonly failureCode: string | null
  readonly method: string | null
  /** How many charges tried to take it. */
  readonly attempts: number
  readonly createdAt: number | null
  /** When the charge that succeeded was made. */
  readonly settledAt: number | null
}

/** What a customer may use by one subscription. Whether that holds now is decided when it is read: `accessAt`. */
export interface Grant {
  readonly subscription: string
  readonly item: string
  readonly plan: string | null
  readonly product: string | null
  readonly quantity: number | null
  readonly status: AttributesOf['subscription']['status']
  readonly fromAt: number | null
  /** Exclusive. Null where the provider told no end. */
  readonly untilAt: number | null
  /** It ends then for good, instead of being renewed. */
  readonly ends: boolean
}

export interface AccessRow {
  readonly provider: Provider
  readonly account: string
  readonly mode: Mode
  readonly customer: string
  /** Sorted by subscription and item. Only subscriptions that give or gave access; ended ones stay, with their end. */
  readonly grants: readonly Grant[]
  /** False where a subscription's items were cut short. */
  readonly complete: boolean
}

export type MovementKind = 'new' | 'reactivation' | 'expansion' | 'contraction' | 'churn'

/** One change of one customer's MRR in one currency. The sum of `after - before` of all is the MRR. */
export interface MovementRow {
  readonly provider: Provider
  readonly account: string
  readonly mode: Mode
  readonly customer: string
  readonly currency: string
  readonly at: number
  readonly kind: MovementKind
  /** Always above 0. */
  readonly amount: bigint
  readonly before: bigint
  readonly after: bigint
  /** The event that caused it; of several at one time, the least id. */
  readonly eventId: string
  readonly subscription: string
}

/** All rows of one customer, for the projections; also those of a payment that has no customer. Any order. */
export interface CustomerRows {
  /** The customer's own row, or a placeholder. Null for payments without a customer. */
  readonly customer: CustomerRow | null
  readonly products: readonly ProductRow[]
  /** Those that items name: all incarnations. */
  readonly plans: readonly PlanRow[]
  /** Those that discounts name: all incarnations. */
  readonly coupons: readonly CouponRow[]
  readonly discounts: readonly DiscountRow[]
  readonly subscriptions: readonly SubscriptionRow[]
  /** Of these subscriptions, and those of these plans that changed an amount. */
  readonly transitions: readonly TransitionRow[]
  readonly invoices: readonly InvoiceRow[]
  readonly invoicePayments: readonly InvoicePaymentRow[]
  readonly paymentIntents: readonly PaymentIntentRow[]
  readonly charges: readonly ChargeRow[]
  readonly refunds: readonly RefundRow[]
  readonly disputes: readonly DisputeRow[]
  readonly checkouts: readonly CheckoutRow[]
  readonly orders: readonly OrderRow[]
}
