import * as make from './stripe-objects.ts'
import type { Json, StripeWorld } from './stripe-world.ts'

/** Steps of a customer's life, each a change that Stripe itself makes with the events it sends for it. */

export interface Life {
  readonly world: StripeWorld
  readonly customer: string
  readonly subscription: string
}

export type Paid = 'paid' | 'failed'

export function itemsOf(world: StripeWorld, subscription: string): Json[] {
  return (world.objects.get(subscription)!.items as { data: Json[] }).data
}

/** An invoice over lines of whole periods, finalized and tried once. Returns its id. */
export function bill(
  { world, customer, subscription }: Life,
  reason: string,
  lines: readonly make.LineOptions[],
  outcome: Paid,
): string {
  const { currency } = world.objects.get(subscription)!
  const made = make.invoice(world, {
    customer,
    subscription,
    currency: currency as string,
    reason,
    lines,
    taxPerLine: world.chance(0.3) ? 10 : 0,
  })
  world.create('invoice.created', made)
  world.update('customer.subscription.updated', subscription, { latest_invoice: made.id })
  world.set(made.id, {
    status: 'open',
    number: `N-${made.id}`,
    status_transitions: { ...(made.status_transitions as Json), finalized_at: world.now() },
  })
  world.tell('invoice.finalized', made.id)
  const total = made.total as number
  if (total <= 0) {
    settle(world, made.id, 0, 0)
    return made.id
  }
  const intent = make.paymentIntent(world, customer, made.id, total, made.currency as string)
  world.create('payment_intent.created', intent)
  world.create('invoice_payment.created', make.invoicePayment(world, made.id, intent))
  attempt(world, made.id, intent.id, outcome)
  return made.id
}

/** One try to take the money of an invoice. */
export function attempt(world: StripeWorld, invoice: string, intent: string, outcome: Paid): void {
  const charge = make.charge(world, world.objects.get(intent)!, outcome === 'paid')
  const attempts = (world.objects.get(invoice)!.attempt_count as number) + 1
  // The bank asks the customer first.
  if (world.chance(0.15)) {
    world.set(intent, { status: 'requires_action' })
    world.tell('payment_intent.requires_action', intent)
    world.set(intent, { status: 'requires_payment_method' })
  }
  if (outcome === 'failed') {
    world.create('charge.failed', charge)
    world.set(intent, {
      latest_charge: charge.id,
      last_payment_error: { code: 'card_declined', type: 'card_error' },
    })
    world.tell('payment_intent.payment_failed', intent)
    world.update('invoice.updated', invoice, {
      attempt_count: attempts,
      attempted: true,
      next_payment_attempt: world.now() + 3 * make.daySeconds,
    })
    world.tell('invoice.payment_failed', invoice)
    return
  }
  const { amount } = world.objects.get(intent)!
  world.create('charge.succeeded', charge)
  world.set(intent, {
    latest_charge: charge.id,
    status: 'succeeded',
    amount_received: amount,
    last_payment_error: null,
  })
  world.tell('payment_intent.succeeded', intent)
  settle(world, invoice, amount as number, attempts)
}

function settle(world: StripeWorld, invoice: string, amount: number, attempts: number): void {
  const { status_transitions: steps } = world.objects.get(invoice)!
  world.update('invoice.updated', invoice, {
    status: 'paid',
    amount_paid: amount,
    amount_remaining: 0,
    attempt_count: attempts,
    attempted: true,
    next_payment_attempt: null,
    status_transitions: { ...(steps as Json), paid_at: world.now() },
  })
  world.tell('invoice.paid', invoice)
  world.tell('invoice.payment_succeeded', invoice)
  const link = paymentLinkOf(world, invoice)
  if (link) {
    world.set(link, { status: 'paid', amount_paid: amount })
    world.tell('invoice_payment.paid', link)
  }
}

function paymentLinkOf(world: StripeWorld, invoice: string): string | undefined {
  return [...world.objects.values()].find(
    object => object.object === 'invoice_payment' && object.invoice === invoice,
  )?.id as string | undefined
}

export function intentOf(world: StripeWorld, invoice: string): string | undefined {
  const link = paymentLinkOf(world, invoice)
  return link && (world.objects.get(link)!.payment as { payment_intent: string }).payment_intent
}

/** The lines of the items' present periods. */
export function linesOf(world: StripeWorld, subscription: string): make.LineOptions[] {
  return itemsOf(world, subscription).map(item => {
    const price = item.price as Json
    return {
      amount: (price.unit_amount as number) * (item.quantity as number),
      price,
      item: item.id as string,
      quantity: item.quantity as number,
      periodStart: item.current_period_start as number,
      periodEnd: item.current_period_end as number,
    }
  })
}

/** The next period of each item begins where the last ended. */
export function nextPeriod(world: StripeWorld, subscription: string): Json[] {
  return itemsOf(world, subscription).map(item => ({
    ...item,
    current_period_start: item.current_period_end,
    current_period_end: (item.current_period_end as number) + make.periodLength(item.price as Json),
  }))
}

export interface StartOptions {
  readonly prices: readonly Json[]
  readonly quantities: readonly number[]
  readonly trialDays: number
  readonly coupon: Json | null
}

/** A subscription begins: in trial, or with a first payment that makes it active. */
export function start(world: StripeWorld, customer: string, options: StartOptions): Life {
  const { prices, quantities, trialDays, coupon } = options
  const now = world.now()
  const trialEnd = trialDays === 0 ? null : now + trialDays * make.daySeconds
  const items = prices.map((price, index) =>
    make.item(world, {
      price,
      quantity: quantities[index] ?? 1,
      periodStart: now,
      periodEnd: trialEnd ?? now + make.periodLength(price),
    }),
  )
  const made = make.subscription(world, customer, prices[0]!.currency as string, items, [])
  const discount = coupon && make.discount(world, coupon, customer, made.id)
  const life = { world, customer, subscription: made.id }
  world.create('customer.subscription.created', {
    ...made,
    discounts: discount ? [discount.id] : [],
    ...(trialEnd !== null && { status: 'trialing', trial_start: now, trial_end: trialEnd }),
  })
  if (discount) world.create('customer.discount.created', discount)
  if (trialEnd === null) {
    bill(life, 'subscription_create', linesOf(world, made.id), 'paid')
    world.update('customer.subscription.updated', made.id, { status: 'active' })
  }
  return life
}

/** A first payment that never comes: after a day the subscription expires, and its invoice is void. */
export function startUnpaid(world: StripeWorld, customer: string, price: Json): void {
  const end = world.now() + make.periodLength(price)
  const item = make.item(world, { price, quantity: 1, periodStart: world.now(), periodEnd: end })
  const made = make.subscription(world, customer, price.currency as string, [item], [])
  world.create('customer.subscription.created', made)
  const life = { world, customer, subscription: made.id }
  const invoice = bill(life, 'subscription_create', linesOf(world, made.id), 'failed')
  world.advance(23 * 3_600)
  const { status_transitions: steps } = world.objects.get(invoice)!
  world.set(invoice, { status: 'void', status_transitions: { ...(steps as Json), voided_at: world.now() } })
  world.tell('invoice.voided', invoice)
  world.update('customer.subscription.updated', made.id, {
    status: 'incomplete_expired',
    ended_at: world.now(),
  })
}

/** Some of a payment is given back. It succeeds at once, later, or fails in the end. */
export function refund(world: StripeWorld, charge: string, amount: number, fails: boolean): void {
  const of = world.objects.get(charge)!
  const made = make.refund(world, of, amount)
  const total = (of.amount_refunded as number) + amount
  world.create('refund.created', made)
  world.update('charge.refunded', charge, {
    amount_refunded: total,
    refunded: total >= (of.amount as number),
  })
  world.advance(world.between(0, 60))
  world.update('refund.updated', made.id, { status: 'succeeded' })
  if (!fails) return
  world.advance(5 * make.daySeconds)
  world.set(made.id, { status: 'failed', failure_reason: 'lost_or_stolen_card' })
  world.tell('refund.failed', made.id)
  world.update('charge.refund.updated', made.id, { failure_balance_transaction: 'txn_1' })
}

export function dispute(world: StripeWorld, charge: string, amount: number, end: 'won' | 'lost'): void {
  const of = world.objects.get(charge)!
  const made = make.dispute(world, of, amount)
  world.create('charge.dispute.created', made)
  world.update('charge.updated', charge, { disputed: true })
  world.tell('charge.dispute.funds_withdrawn', made.id)
  world.advance(world.between(1, 5) * make.daySeconds)
  world.update('charge.dispute.updated', made.id, { status: 'under_review' })
  world.advance(world.between(1, 5) * make.daySeconds)
  world.set(made.id, { status: end })
  world.tell('charge.dispute.closed', made.id)
  if (end === 'won') world.tell('charge.dispute.funds_reinstated', made.id)
}

/** A credit note over some of an invoice, which may turn out to be a mistake. */
export function credit(world: StripeWorld, invoice: string, amount: number, mistaken: boolean): void {
  const made = make.creditNote(world, world.objects.get(invoice)!, amount)
  world.create('credit_note.created', made)
  if (!mistaken) return
  world.advance(world.between(0, 600))
  world.set(made.id, { status: 'void', voided_at: world.now() })
  world.tell('credit_note.voided', made.id)
}
