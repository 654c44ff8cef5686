import type { Json, StripeWorld } from './stripe-world.ts'

/** Builders of Stripe's objects in the form of 2026-08-26, as they are when they are made. */

export type Made = Json & { id: string }

export const daySeconds = 86_400
const monthSeconds = 30 * daySeconds

export interface PriceOptions {
  readonly product: string
  readonly currency: string
  readonly amount: number
  readonly interval?: 'month' | 'year'
  readonly usage?: 'licensed' | 'metered'
  readonly id?: string
}

export function product(world: StripeWorld, id = world.newId('prod')): Made {
  return {
    id,
    object: 'product',
    active: true,
    created: world.now(),
    default_price: null,
    images: [],
    marketing_features: [],
    metadata: {},
    name: `Plan ${id}`,
    updated: world.now(),
  }
}

export function price(world: StripeWorld, options: PriceOptions): Made {
  return {
    id: options.id ?? world.newId('price'),
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created: world.now(),
    currency: options.currency,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: options.product,
    recurring: {
      interval: options.interval ?? 'month',
      interval_count: 1,
      trial_period_days: null,
      usage_type: options.usage ?? 'licensed',
    },
    tax_behavior: 'exclusive',
    transform_quantity: null,
    type: 'recurring',
    unit_amount: options.amount,
    unit_amount_decimal: String(options.amount),
  }
}

export function customer(world: StripeWorld): Made {
  const id = world.newId('cus')
  return {
    id,
    object: 'customer',
    address: { country: 'DE' },
    balance: 0,
    created: world.now(),
    currency: null,
    delinquent: false,
    email: `${id}@example.com`,
    metadata: { user_id: `u-${id}` },
    name: 'A. Customer',
    phone: null,
  }
}

export function periodLength(priceObject: Json): number {
  const { interval } = priceObject.recurring as { interval: string }
  return interval === 'year' ? 365 * daySeconds : monthSeconds
}

export interface ItemOptions {
  readonly price: Json
  readonly quantity: number
  readonly periodStart: number
  readonly periodEnd: number
}

export function item(world: StripeWorld, { price: of, quantity, periodStart, periodEnd }: ItemOptions): Made {
  return {
    id: world.newId('si'),
    object: 'subscription_item',
    created: world.now(),
    current_period_end: periodEnd,
    current_period_start: periodStart,
    discounts: [],
    metadata: {},
    price: of,
    quantity,
  }
}

export function subscription(
  world: StripeWorld,
  customerId: string,
  currency: string,
  items: readonly Json[],
  discounts: readonly string[],
): Made {
  const id = world.newId('sub')
  return {
    id,
    object: 'subscription',
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: world.now(),
    billing_mode: { flexible: null, type: 'classic' },
    billing_schedules: [],
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    collection_method: 'charge_automatically',
    created: world.now(),
    currency,
    customer: customerId,
    discounts: [...discounts],
    ended_at: null,
    invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
    items: { data: items.map(one => ({ ...one, subscription: id })) },
    latest_invoice: null,
    metadata: {},
    pause_collection: null,
    start_date: world.now(),
    status: 'incomplete',
    trial_end: null,
    trial_start: null,
  }
}

export interface LineOptions {
  readonly amount: number
  readonly price: Json
  readonly item: string
  readonly quantity: number
  readonly proration?: boolean
  readonly periodStart: number
  readonly periodEnd: number
}

export interface InvoiceOptions {
  readonly customer: string
  readonly subscription: string
  readonly currency: string
  readonly reason: string
  readonly lines: readonly LineOptions[]
  readonly taxPerLine: number
}

export function invoice(world: StripeWorld, options: InvoiceOptions): Made {
  const lines = options.lines.map(line => lineOf(world, options, line))
  const subtotal = options.lines.reduce((sum, { amount }) => sum + amount, 0)
  const tax = options.taxPerLine * lines.length
  return {
    id: world.newId('in'),
    object: 'invoice',
    amount_due: subtotal + tax,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: subtotal + tax,
    amount_shipping: 0,
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    billing_reason: options.reason,
    collection_method: 'charge_automatically',
    created: world.now(),
    currency: options.currency,
    customer: options.customer,
    default_tax_rates: [],
    discounts: [],
    due_date: null,
    issuer: { type: 'self' },
    lines: { data: lines },
    next_payment_attempt: null,
    number: null,
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    parent: { subscription_details: { subscription: options.subscription }, type: 'subscription_details' },
    period_end: world.now(),
    period_start: world.now(),
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    starting_balance: 0,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal,
    total: subtotal + tax,
    total_discount_amounts: [],
    total_taxes: tax === 0 ? [] : [taxOf(tax)],
  }
}

const taxOf = (amount: number): Json => ({
  amount,
  tax_behavior: 'exclusive',
  tax_rate_details: { tax_rate: 'txr_1' },
  taxability_reason: 'standard_rated',
  taxable_amount: null,
  type: 'tax_rate_details',
})

function lineOf(world: StripeWorld, options: InvoiceOptions, line: LineOptions): Json {
  return {
    id: world.newId('il'),
    object: 'line_item',
    amount: line.amount,
    currency: options.currency,
    earlier: { price: line.price },
    discount_amounts: [],
    discountable: true,
    discounts: [],
    metadata: {},
    parent: {
      subscription_item_details: {
        proration: line.proration ?? false,
        subscription: options.subscription,
        subscription_item: line.item,
      },
      type: 'subscription_item_details',
    },
    period: { end: line.periodEnd, start: line.periodStart },
    pricing: {
      price_details: { price: line.price.id, product: line.price.product },
      type: 'price_details',
      unit_amount_decimal: line.price.unit_amount_decimal,
    },
    quantity: line.quantity,
    subtotal: line.amount,
    taxes: options.taxPerLine === 0 ? [] : [taxOf(options.taxPerLine)],
  }
}

/** @param invoiceId shown by versions before 2025-03-31 alone */
export function paymentIntent(
  world: StripeWorld,
  customerId: string,
  invoiceId: string | null,
  amount: number,
  currency: string,
): Made {
  return {
    id: world.newId('pi'),
    object: 'payment_intent',
    amount,
    amount_received: 0,
    canceled_at: null,
    capture_method: 'automatic',
    confirmation_method: 'automatic',
    created: world.now(),
    currency,
    customer: customerId,
    earlier: { invoice: invoiceId },
    last_payment_error: null,
    latest_charge: null,
    payment_method_types: ['card'],
    status: 'requires_payment_method',
  }
}

export function charge(world: StripeWorld, intent: Json, succeeded: boolean): Made {
  return {
    id: world.newId('ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: succeeded ? intent.amount : 0,
    amount_refunded: 0,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    captured: succeeded,
    created: world.now(),
    currency: intent.currency,
    customer: intent.customer,
    disputed: false,
    earlier: intent.earlier,
    failure_code: succeeded ? null : 'card_declined',
    metadata: {},
    paid: succeeded,
    payment_intent: intent.id,
    payment_method_details: { type: 'card' },
    refunded: false,
    status: succeeded ? 'succeeded' : 'failed',
  }
}

export function invoicePayment(world: StripeWorld, invoiceId: string, intent: Json): Made {
  return {
    id: world.newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: intent.amount,
    created: world.now(),
    currency: intent.currency,
    invoice: invoiceId,
    is_default: true,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  }
}

export function refund(world: StripeWorld, of: Json, amount: number): Made {
  return {
    id: world.newId('re'),
    object: 'refund',
    amount,
    charge: of.id,
    created: world.now(),
    currency: of.currency,
    payment_intent: of.payment_intent,
    reason: 'requested_by_customer',
    status: 'pending',
  }
}

const noEvidence = { enhanced_evidence: {} }

export function dispute(world: StripeWorld, of: Json, amount: number): Made {
  return {
    id: world.newId('dp'),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: of.id,
    created: world.now(),
    currency: of.currency,
    enhanced_eligibility_types: [],
    evidence: noEvidence,
    evidence_details: {
      due_by: world.now() + 7 * daySeconds,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: false,
    metadata: {},
    payment_intent: of.payment_intent,
    reason: 'fraudulent',
    status: 'needs_response',
  }
}

export function coupon(
  world: StripeWorld,
  terms: { percent_off?: number; duration: string },
  id = world.newId('coupon'),
): Made {
  return {
    id,
    object: 'coupon',
    amount_off: null,
    created: world.now(),
    currency: null,
    duration: terms.duration,
    duration_in_months: null,
    name: null,
    percent_off: terms.percent_off ?? null,
    times_redeemed: 0,
    valid: true,
  }
}

export function discount(world: StripeWorld, of: Json, customerId: string, subscriptionId: string): Made {
  return {
    id: world.newId('di'),
    object: 'discount',
    customer: customerId,
    earlier: { coupon: of },
    end: null,
    source: { coupon: of.id, type: 'coupon' },
    start: world.now(),
    subscription: subscriptionId,
  }
}

export function creditNote(world: StripeWorld, invoice: Json, amount: number): Made {
  const id = world.newId('cn')
  return {
    id,
    object: 'credit_note',
    amount,
    amount_shipping: 0,
    created: world.now(),
    currency: invoice.currency,
    customer: invoice.customer,
    discount_amount: 0,
    discount_amounts: [],
    invoice: invoice.id,
    lines: { data: [] },
    number: `C-${id}`,
    pdf: `https://pay.stripe.com/credit_notes/${id}/pdf`,
    post_payment_amount: amount,
    pre_payment_amount: 0,
    pretax_credit_amounts: [],
    reason: 'duplicate',
    refunds: [],
    status: 'issued',
    subtotal: amount,
    total: amount,
    type: 'post_payment',
    voided_at: null,
  }
}

/** A checkout as it is opened: what it leads to is not there yet. */
export function checkout(world: StripeWorld, customerId: string, amount: number, currency: string): Made {
  return {
    id: world.newId('cs'),
    object: 'checkout.session',
    amount_total: amount,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    client_reference_id: `u-${customerId}`,
    created: world.now(),
    currency,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: customerId,
    expires_at: world.now() + daySeconds,
    invoice: null,
    mode: 'subscription',
    payment_intent: null,
    payment_method_types: ['card'],
    payment_status: 'unpaid',
    shipping_options: [],
    status: 'open',
    subscription: null,
    success_url: 'https://tenant.example/welcome',
  }
}
