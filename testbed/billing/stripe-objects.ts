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
    name: `Plan ${id}`,
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
  return {
    id: world.newId('sub'),
    object: 'subscription',
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    collection_method: 'charge_automatically',
    created: world.now(),
    currency,
    customer: customerId,
    discounts: [...discounts],
    ended_at: null,
    items: { data: items },
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
  readonly price: string
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
    amount_paid: 0,
    amount_remaining: subtotal + tax,
    attempt_count: 0,
    billing_reason: options.reason,
    created: world.now(),
    currency: options.currency,
    customer: options.customer,
    due_date: null,
    lines: { data: lines },
    next_payment_attempt: null,
    number: null,
    parent: { subscription_details: { subscription: options.subscription }, type: 'subscription_details' },
    period_end: world.now(),
    period_start: world.now(),
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal,
    total: subtotal + tax,
    total_discount_amounts: [],
    total_taxes: tax === 0 ? [] : [{ amount: tax }],
  }
}

function lineOf(world: StripeWorld, options: InvoiceOptions, line: LineOptions): Json {
  return {
    id: world.newId('il'),
    object: 'line_item',
    amount: line.amount,
    currency: options.currency,
    discount_amounts: [],
    parent: {
      subscription_item_details: {
        proration: line.proration ?? false,
        subscription: options.subscription,
        subscription_item: line.item,
      },
      type: 'subscription_item_details',
    },
    period: { end: line.periodEnd, start: line.periodStart },
    pricing: { price_details: { price: line.price }, type: 'price_details' },
    quantity: line.quantity,
    taxes: options.taxPerLine === 0 ? [] : [{ amount: options.taxPerLine }],
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
    created: world.now(),
    currency,
    customer: customerId,
    earlier: { invoice: invoiceId },
    last_payment_error: null,
    latest_charge: null,
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
    captured: succeeded,
    created: world.now(),
    currency: intent.currency,
    customer: intent.customer,
    disputed: false,
    earlier: intent.earlier,
    failure_code: succeeded ? null : 'card_declined',
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

export function dispute(world: StripeWorld, of: Json, amount: number): Made {
  return {
    id: world.newId('dp'),
    object: 'dispute',
    amount,
    charge: of.id,
    created: world.now(),
    currency: of.currency,
    evidence_details: { due_by: world.now() + 7 * daySeconds },
    payment_intent: of.payment_intent,
    reason: 'fraudulent',
    status: 'needs_response',
  }
}

export function coupon(world: StripeWorld, terms: { percent_off?: number; duration: string }): Made {
  return {
    id: world.newId('coupon'),
    object: 'coupon',
    amount_off: null,
    created: world.now(),
    currency: null,
    duration: terms.duration,
    duration_in_months: null,
    name: null,
    percent_off: terms.percent_off ?? null,
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
