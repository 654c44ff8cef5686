import type { Amount, UnitAmount } from './money.ts'

/**
 * What the ledger keeps of each kind of object, in the same words for all providers. Values are JSON: times are milliseconds
 * since 1970, money is digits of minor units (rows have `bigint` instead, see rows.ts). Links are ids of the same provider, account and mode.
 */

export type SubscriptionStatus =
  | 'incomplete'
  | 'trialing'
  | 'active'
  | 'past_due'
  | 'unpaid'
  | 'paused'
  | 'canceled'
  | 'expired'
  | 'unknown'

export interface Product {
  readonly createdAt: number | null
  readonly name: string | null
  readonly active: boolean | null
  readonly defaultPlan: string | null
  readonly deleted: boolean
}

/** A price: Stripe's price or plan, PayPal's billing plan. */
export interface Plan {
  readonly createdAt: number | null
  readonly product: string | null
  readonly active: boolean | null
  readonly nickname: string | null
  readonly lookupKey: string | null
  readonly currency: string | null
  /** Of one unit, for one interval. Null for tiers. */
  readonly unitAmount: UnitAmount | null
  readonly scheme: 'per_unit' | 'tiered' | null
  readonly usage: 'licensed' | 'metered' | null
  /** Null for one-off prices. */
  readonly interval: Interval | null
  readonly intervalCount: number | null
  readonly trialDays: number | null
  readonly tax: 'exclusive' | 'inclusive' | 'unspecified' | null
  /** Quantities are divided, and rounded, before they are multiplied by the price. */
  readonly transform: { readonly divideBy: number; readonly round: 'up' | 'down' } | null
  readonly deleted: boolean
}

export type Interval = 'day' | 'week' | 'month' | 'year'

/** Without personal data: that is in `PersonalFields`. */
export interface Customer {
  readonly createdAt: number | null
  /** The tenant's own id of this customer (PayPal's `custom_id`, Stripe's metadata `customer_id`, `user_id` or `reference`). */
  readonly reference: string | null
  readonly currency: string | null
  readonly balance: Amount | null
  readonly delinquent: boolean | null
  readonly deleted: boolean
  /** Personal data is to be forgotten, for good. */
  readonly redacted: boolean
}

/** Terms of a discount. */
export interface Coupon {
  readonly createdAt: number | null
  readonly name: string | null
  /** `"12.5"`: at most 100. */
  readonly percentOff: string | null
  readonly amountOff: Amount | null
  readonly currency: string | null
  readonly duration: 'forever' | 'once' | 'repeating' | null
  readonly durationMonths: number | null
  readonly deleted: boolean
}

/** A coupon in use by a customer or a subscription. */
export interface Discount {
  readonly customer: string | null
  readonly subscription: string | null
  readonly coupon: string | null
  readonly startAt: number | null
  readonly endAt: number | null
  readonly deleted: boolean
}

export interface SubscriptionItem {
  readonly id: string
  readonly plan: string | null
  readonly quantity: number | null
  readonly periodStartAt: number | null
  readonly periodEndAt: number | null
  /** Ids of discounts. */
  readonly discounts: readonly string[]
  /** The price within the subscription, where the provider has no plan for it (Shopify) or lets it differ (PayPal). */
  readonly inline: InlinePrice | null
}

export interface InlinePrice {
  readonly unitAmount: UnitAmount
  readonly currency: string
  readonly interval: Interval
  readonly intervalCount: number
}

export interface Subscription {
  readonly customer: string | null
  readonly status: SubscriptionStatus
  /** The provider's own word. */
  readonly providerStatus: string | null
  readonly createdAt: number | null
  readonly startAt: number | null
  readonly trialStartAt: number | null
  readonly trialEndAt: number | null
  /** When it is set to end. */
  readonly cancelAt: number | null
  readonly cancelAtPeriodEnd: boolean
  /** When the cancellation was asked for, which is not the end of access. */
  readonly canceledAt: number | null
  readonly endedAt: number | null
  readonly periodStartAt: number | null
  readonly periodEndAt: number | null
  readonly collection: 'automatic' | 'invoice' | null
  /** Collection of payments is paused. The status says nothing of it. */
  readonly pause: { readonly behavior: string; readonly resumesAt: number | null } | null
  readonly latestInvoice: string | null
  readonly currency: string | null
  readonly reference: string | null
  /** Sorted by id. */
  readonly items: readonly SubscriptionItem[]
  /** Ids of discounts of the subscription as a whole, in the provider's order. */
  readonly discounts: readonly string[]
}

export type InvoiceStatus = 'draft' | 'open' | 'uncollectible' | 'paid' | 'void' | 'unknown'

export interface InvoiceLine {
  readonly id: string
  readonly plan: string | null
  readonly subscription: string | null
  readonly subscriptionItem: string | null
  readonly quantity: number | null
  /** Before discounts; before tax unless the price includes it. Negative for what a proration gives back. */
  readonly amount: Amount
  readonly currency: string
  readonly proration: boolean
  readonly periodStartAt: number | null
  readonly periodEndAt: number | null
  /** Exclusive and inclusive taxes together. */
  readonly tax: Amount
  readonly discount: Amount
}

export interface Invoice {
  readonly customer: string | null
  readonly subscription: string | null
  readonly number: string | null
  readonly status: InvoiceStatus
  /** `subscription_create`, `subscription_cycle`, `subscription_update`, `manual`… */
  readonly reason: string | null
  readonly currency: string | null
  readonly subtotal: Amount | null
  readonly discount: Amount | null
  readonly tax: Amount | null
  readonly total: Amount | null
  readonly amountDue: Amount | null
  readonly amountPaid: Amount | null
  readonly amountRemaining: Amount | null
  readonly attemptCount: number | null
  readonly nextAttemptAt: number | null
  readonly dueAt: number | null
  readonly createdAt: number | null
  readonly finalizedAt: number | null
  readonly paidAt: number | null
  readonly voidedAt: number | null
  readonly uncollectibleAt: number | null
  readonly periodStartAt: number | null
  readonly periodEndAt: number | null
  readonly deleted: boolean
  /** Sorted by id. */
  readonly lines: readonly InvoiceLine[]
}

/** The link between an invoice and what paid it (Stripe since 2025-03-31; told by the invoice or the charge before). */
export interface InvoicePayment {
  readonly invoice: string | null
  readonly paymentIntent: string | null
  readonly charge: string | null
  readonly status: 'open' | 'paid' | 'canceled' | 'unknown'
  readonly amountPaid: Amount | null
  readonly currency: string | null
  readonly createdAt: number | null
}

export type PaymentIntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'canceled'
  | 'succeeded'
  | 'unknown'

export interface PaymentIntent {
  readonly customer: string | null
  readonly invoice: string | null
  readonly amount: Amount | null
  readonly amountReceived: Amount | null
  readonly currency: string | null
  readonly status: PaymentIntentStatus
  readonly latestCharge: string | null
  readonly failureCode: string | null
  readonly createdAt: number | null
  readonly canceledAt: number | null
}

/** One try to take money: Stripe's charge, PayPal's sale or capture. */
export interface Charge {
  readonly customer: string | null
  readonly paymentIntent: string | null
  readonly invoice: string | null
  readonly subscription: string | null
  readonly amount: Amount | null
  readonly amountCaptured: Amount | null
  /** As the charge itself says; falls when a refund fails. Refunds are rows of their own: this tells whether one is missing. */
  readonly amountRefunded: Amount | null
  readonly captured: boolean
  readonly currency: string | null
  readonly status: 'pending' | 'failed' | 'succeeded' | 'reversed' | 'unknown'
  readonly failureCode: string | null
  /** `card`, `sepa_debit`, `paypal`… */
  readonly method: string | null
  readonly disputed: boolean
  readonly createdAt: number | null
}

export type RefundStatus = 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled' | 'unknown'

export interface Refund {
  readonly charge: string | null
  readonly paymentIntent: string | null
  readonly order: string | null
  readonly amount: Amount | null
  readonly currency: string | null
  readonly status: RefundStatus
  readonly reason: string | null
  readonly failureReason: string | null
  readonly createdAt: number | null
}

export type DisputeStatus =
  | 'warning'
  | 'needs_response'
  | 'under_review'
  | 'won'
  | 'lost'
  | 'closed'
  | 'unknown'

export interface Dispute {
  readonly charge: string | null
  readonly paymentIntent: string | null
  readonly order: string | null
  readonly amount: Amount | null
  readonly currency: string | null
  readonly status: DisputeStatus
  /** The provider's own word. */
  readonly providerStatus: string | null
  readonly reason: string | null
  readonly createdAt: number | null
  readonly evidenceDueAt: number | null
}

export interface CreditNote {
  readonly invoice: string | null
  readonly customer: string | null
  readonly number: string | null
  readonly amount: Amount | null
  readonly currency: string | null
  readonly status: 'issued' | 'void' | 'unknown'
  readonly reason: string | null
  readonly createdAt: number | null
  readonly voidedAt: number | null
}

export interface Checkout {
  readonly customer: string | null
  readonly subscription: string | null
  readonly paymentIntent: string | null
  readonly invoice: string | null
  readonly status: 'open' | 'complete' | 'expired' | 'unknown'
  readonly paymentStatus: 'unpaid' | 'paid' | 'no_payment_required' | 'unknown'
  /** The tenant's own id (`client_reference_id`). */
  readonly reference: string | null
  readonly amount: Amount | null
  readonly currency: string | null
  readonly createdAt: number | null
}

/** An order of a shop: revenue, and never MRR. */
export interface Order {
  readonly customer: string | null
  readonly number: string | null
  readonly status:
    | 'pending'
    | 'authorized'
    | 'partially_paid'
    | 'paid'
    | 'partially_refunded'
    | 'refunded'
    | 'voided'
    | 'unknown'
  readonly amount: Amount | null
  readonly currency: string | null
  readonly createdAt: number | null
  readonly processedAt: number | null
  readonly canceledAt: number | null
  readonly deleted: boolean
}

/** A connected account, or a shop's installation of the tenant's app. */
export interface Account {
  readonly status: 'authorized' | 'deauthorized' | 'unknown'
  readonly chargesEnabled: boolean | null
  readonly currency: string | null
}

export interface AttributesOf {
  readonly product: Product
  readonly plan: Plan
  readonly customer: Customer
  readonly coupon: Coupon
  readonly discount: Discount
  readonly subscription: Subscription
  readonly invoice: Invoice
  readonly invoice_payment: InvoicePayment
  readonly payment_intent: PaymentIntent
  readonly charge: Charge
  readonly refund: Refund
  readonly dispute: Dispute
  readonly credit_note: CreditNote
  readonly checkout: Checkout
  readonly order: Order
  readonly account: Account
}

export type ObjectKind = keyof AttributesOf
