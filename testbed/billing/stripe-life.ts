import {
  attempt,
  bill,
  credit,
  dispute,
  intentOf,
  itemsOf,
  type Life,
  linesOf,
  nextPeriod,
  refund,
  start,
  startUnpaid,
} from './stripe-billing.ts'
import * as make from './stripe-objects.ts'
import { type Json, openStripeWorld, type StripeWorld } from './stripe-world.ts'

/** Zero, two and three decimals, and some that providers disagree about. */
const currencies = ['usd', 'eur', 'jpy', 'krw', 'bhd', 'isk', 'huf']

export interface LifeOptions {
  /** Months that the life has. */
  readonly months: number
  /** The whole start within one second. */
  readonly squeezed: boolean
}

const startSeconds = 1_767_225_600

/** A customer's whole life at a tenant that sells by Stripe. The same random numbers give the same life. */
export function stripeLife(random: () => number, name: string, options: LifeOptions): StripeWorld {
  const world = openStripeWorld(random, startSeconds, name)
  const pause = (): void => world.advance(options.squeezed ? 0 : world.between(0, 2))
  const prices = catalog(world)
  pause()
  const customer = world.create('customer.created', make.customer(world)) as make.Made
  pause()
  if (world.chance(0.5)) {
    world.update('customer.updated', customer.id, { email: `new-${customer.id}@example.com` })
    world.update('customer.updated', customer.id, { balance: world.between(-500, 500) })
  }
  const coupon = world.chance(0.5) ? discountOf(world) : null
  pause()
  if (!options.squeezed && world.chance(0.15)) startUnpaid(world, customer.id, prices[0]!)
  const checkout = world.chance(0.4)
    ? (world.create(
        'checkout.session.created',
        make.checkout(world, customer.id, 100, prices[0]!.currency as string),
      ) as make.Made)
    : null
  const life = start(world, customer.id, {
    prices: world.chance(0.05) ? many(world, prices[0]!) : [prices[0]!],
    quantities: [world.between(1, 5)],
    trialDays: world.pick([0, 0, 7, 14]),
    coupon,
  })
  if (checkout) {
    world.set(checkout.id, { status: 'complete', payment_status: 'paid', subscription: life.subscription })
    world.tell('checkout.session.completed', checkout.id)
  }
  for (let month = 0; month < options.months && isAlive(life); month += 1) {
    oneMonth(life, prices)
  }
  if (isAlive(life) && world.chance(0.5)) end(life)
  else if (!isAlive(life) && world.chance(0.4)) comeBack(life, prices)
  return world
}

/** A coupon, which may have been deleted and made again under its id with other terms. */
function discountOf(world: StripeWorld): make.Made {
  const id = world.newId('coupon')
  const terms = () => ({
    percent_off: world.pick([10, 25, 12.5]),
    duration: world.pick(['forever', 'once']),
  })
  if (world.chance(0.3)) {
    world.create('coupon.created', make.coupon(world, terms(), id))
    world.advance(60)
    world.remove('coupon.deleted', id)
    world.advance(60)
  }
  return world.create('coupon.created', make.coupon(world, terms(), id)) as make.Made
}

/** Two prices of one currency; one of them may have been deleted and made again under its id. */
function catalog(world: StripeWorld): make.Made[] {
  const currency = world.pick(currencies)
  const product = productOf(world)
  const unit = world.between(5, 90) * 100
  const chosenId = `gold-${world.newId('plan')}`
  if (world.chance(0.3)) {
    const first = make.price(world, { product: product.id, currency, amount: unit * 3, id: chosenId })
    world.create('price.created', first)
    world.advance(60)
    world.remove('price.deleted', first.id)
    world.advance(60)
  }
  const low = make.price(world, { product: product.id, currency, amount: unit, id: chosenId })
  const high = make.price(world, {
    product: product.id,
    currency,
    amount: unit * 12,
    interval: world.pick(['month', 'year']),
  })
  world.create('price.created', low)
  world.create('price.created', high)
  world.update('product.updated', product.id, { default_price: low.id })
  return [low, high]
}

/** A product, which may have been deleted and made again under an id of the tenant's choice. */
function productOf(world: StripeWorld): make.Made {
  const made = world.create('product.created', make.product(world)) as make.Made
  if (world.chance(0.8)) return made
  world.advance(60)
  world.remove('product.deleted', made.id)
  world.advance(60)
  return world.create('product.created', make.product(world, made.id)) as make.Made
}

/** 14 items: more than Stripe embeds. */
function many(world: StripeWorld, first: make.Made): make.Made[] {
  const others = Array.from({ length: 13 }, () => {
    const made = make.price(world, {
      product: first.product as string,
      currency: first.currency as string,
      amount: world.between(1, 9) * 100,
    })
    world.create('price.created', made)
    return made
  })
  return [first, ...others]
}

function isAlive({ world, subscription }: Life): boolean {
  return world.objects.get(subscription)!.status !== 'canceled'
}

type Step = (life: Life, prices: readonly make.Made[]) => void

/** To the end of the period, with something happening on the way. */
function oneMonth(life: Life, prices: readonly make.Made[]): void {
  const { world, subscription } = life
  world.advance(world.between(1, 5) * make.daySeconds)
  const steps: readonly Step[] = [
    changePlan,
    changeQuantity,
    pauseCollection,
    refunds,
    disputes,
    changeMind,
    creditNotes,
    dropDiscount,
  ]
  if (world.objects.get(subscription)!.status === 'active' && world.chance(0.6))
    world.pick(steps)(life, prices)
  const due = Math.min(...itemsOf(world, subscription).map(item => item.current_period_end as number))
  world.advance(Math.max(60, due - world.now()))
  if (isAlive(life)) renew(life)
}

/** The period ends: a trial becomes active or past due, a cancellation takes effect, anything else is billed again. */
function renew(life: Life): void {
  const { world, subscription } = life
  const now = world.objects.get(subscription)!
  if (now.cancel_at_period_end === true) {
    cancel(life)
    return
  }
  if (now.status === 'trialing' && world.chance(0.3)) {
    pauseWithoutCard(life)
    return
  }
  const items = nextPeriod(world, subscription)
  world.update('customer.subscription.updated', subscription, { items: { data: items } })
  const outcome = world.chance(0.25) ? 'failed' : 'paid'
  const invoice = bill(life, 'subscription_cycle', linesOf(world, subscription), outcome)
  if (outcome === 'failed') dun(life, invoice)
  else if (now.status !== 'active') {
    world.update('customer.subscription.updated', subscription, { status: 'active' })
  }
}

/** A trial ends without a way to pay: the subscription is paused until the customer gives one, or leaves. */
function pauseWithoutCard(life: Life): void {
  const { world, subscription } = life
  world.update('customer.subscription.updated', subscription, { status: 'paused' })
  world.tell('customer.subscription.paused', subscription)
  world.advance(world.between(1, 20) * make.daySeconds)
  if (world.chance(0.3)) {
    cancel(life)
    return
  }
  const items = itemsOf(world, subscription).map(item => ({
    ...item,
    current_period_start: world.now(),
    current_period_end: world.now() + make.periodLength(item.price as Json),
  }))
  world.update('customer.subscription.updated', subscription, { status: 'active', items: { data: items } })
  world.tell('customer.subscription.resumed', subscription)
  bill(life, 'subscription_cycle', linesOf(world, subscription), 'paid')
}

/** Up to three more tries; then the subscription is unpaid or ends. */
function dun(life: Life, invoice: string): void {
  const { world, subscription } = life
  world.update('customer.subscription.updated', subscription, { status: 'past_due' })
  world.update('customer.updated', life.customer, { delinquent: true })
  for (let retry = 0; retry < 3; retry += 1) {
    world.advance(3 * make.daySeconds)
    const outcome = world.chance(0.4) ? 'paid' : 'failed'
    attempt(world, invoice, intentOf(world, invoice)!, outcome)
    if (outcome === 'paid') {
      world.update('customer.subscription.updated', subscription, { status: 'active' })
      world.update('customer.updated', life.customer, { delinquent: false })
      return
    }
  }
  if (world.chance(0.4)) {
    world.update('customer.subscription.updated', subscription, { status: 'unpaid' })
    world.advance(make.daySeconds)
  }
  cancel(life)
  giveUp(world, invoice)
}

function giveUp(world: StripeWorld, invoice: string): void {
  const { status_transitions: steps } = world.objects.get(invoice)!
  const [status, field] = world.pick([
    ['void', 'voided_at'],
    ['uncollectible', 'marked_uncollectible_at'],
  ] as const)
  const type = status === 'void' ? 'invoice.voided' : 'invoice.marked_uncollectible'
  world.set(invoice, { status, status_transitions: { ...(steps as Json), [field]: world.now() } })
  world.tell(type, invoice)
}

function cancel({ world, subscription }: Life): void {
  const { canceled_at: asked } = world.objects.get(subscription)!
  world.remove('customer.subscription.deleted', subscription, {
    status: 'canceled',
    ended_at: world.now(),
    canceled_at: asked ?? world.now(),
  })
  // A reason that the customer gives comes after the end.
  if (world.chance(0.5)) {
    world.update('customer.subscription.updated', subscription, {
      cancellation_details: { feedback: 'unused' },
    })
  }
}

function end(life: Life): void {
  cancel(life)
  if (life.world.chance(0.2)) life.world.remove('customer.deleted', life.customer)
}

function comeBack({ world, customer }: Life, prices: readonly make.Made[]): void {
  world.advance(40 * make.daySeconds)
  start(world, customer, { prices: [prices[1]!], quantities: [1], trialDays: 0, coupon: null })
}

const changePlan: Step = (life, prices) => {
  const { world, subscription } = life
  const [item, ...others] = itemsOf(world, subscription)
  // Before 2025-03-31 all items share one period, so one alone can't begin a new one.
  if (others.length > 0) return
  const old = item!.price as make.Made
  const next = old.id === prices[0]!.id ? prices[1]! : prices[0]!
  const now = world.now()
  const changed = {
    ...item,
    price: next,
    current_period_start: now,
    current_period_end: now + make.periodLength(next),
  }
  world.update('customer.subscription.updated', subscription, { items: { data: [changed] } })
  const back = -Math.floor((old.unit_amount as number) / 2)
  const shared = {
    item: item!.id as string,
    quantity: 1,
    periodStart: now,
    periodEnd: changed.current_period_end,
  }
  const credit = { ...shared, amount: back, price: old, proration: true }
  const whole = linesOf(world, subscription)
  // A usage report in between: more lines than Stripe embeds.
  const extra = world.chance(0.2) ? Array.from({ length: 23 }, () => ({ ...credit, amount: 100 })) : []
  bill(life, 'subscription_update', [credit, ...whole, ...extra], 'paid')
}

const changeQuantity: Step = ({ world, subscription }) => {
  const [item, ...rest] = itemsOf(world, subscription)
  const changed = { ...item, quantity: world.between(1, 9) }
  world.update('customer.subscription.updated', subscription, { items: { data: [changed, ...rest] } })
}

const pauseCollection: Step = ({ world, subscription }) => {
  const pause = { behavior: 'void', resumes_at: null }
  world.update('customer.subscription.updated', subscription, { pause_collection: pause })
  world.advance(world.between(0, 1) * make.daySeconds)
  world.update('customer.subscription.updated', subscription, { pause_collection: null })
}

/** Cancels at the period's end, and may take it back. */
const changeMind: Step = ({ world, subscription }) => {
  const [item] = itemsOf(world, subscription)
  world.update('customer.subscription.updated', subscription, {
    cancel_at_period_end: true,
    cancel_at: item!.current_period_end,
    canceled_at: world.now(),
  })
  if (world.chance(0.4)) return
  world.advance(world.between(0, 3600))
  world.update('customer.subscription.updated', subscription, {
    cancel_at_period_end: false,
    cancel_at: null,
    canceled_at: null,
  })
}

function lastCharge({ world, customer }: Life): Json | undefined {
  return [...world.objects.values()].findLast(
    object => object.object === 'charge' && object.customer === customer && object.status === 'succeeded',
  )
}

const refunds: Step = life => {
  const { world } = life
  const charge = lastCharge(life)
  if (charge?.amount_refunded !== 0 || charge.disputed === true) return
  const part = Math.floor((charge.amount as number) / 4)
  for (let count = world.between(1, 3); count > 0; count -= 1) {
    refund(world, charge.id as string, part, world.chance(0.3))
  }
}

const creditNotes: Step = ({ world, subscription }) => {
  const { latest_invoice: invoice } = world.objects.get(subscription)!
  if (invoice === null) return
  const { total } = world.objects.get(invoice as string)! as { total: number }
  if (total > 0) credit(world, invoice as string, Math.ceil(total / 5), world.chance(0.3))
}

const dropDiscount: Step = ({ world, subscription }) => {
  const { discounts } = world.objects.get(subscription)! as { discounts: string[] }
  if (discounts.length === 0) return
  world.update('customer.subscription.updated', subscription, { discounts: [] })
  for (const id of discounts) world.remove('customer.discount.deleted', id)
}

const disputes: Step = life => {
  const { world } = life
  const charge = lastCharge(life)
  if (charge?.amount_refunded !== 0 || charge.disputed === true) return
  const half = Math.floor((charge.amount as number) / 2)
  dispute(
    world,
    charge.id as string,
    world.chance(0.5) ? (charge.amount as number) : half,
    world.pick(['won', 'lost']),
  )
  if (world.chance(0.3)) dispute(world, charge.id as string, half, world.pick(['won', 'lost']))
}
