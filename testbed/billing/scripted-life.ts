import { dispute, intentOf, type Life, refund, start } from './stripe-billing.ts'
import * as make from './stripe-objects.ts'
import { renderStripe } from './stripe-versions.ts'
import { type Json, openStripeWorld, type StripeWorld } from './stripe-world.ts'

/** An event as Stripe sends it. */
export interface StripeEvent {
  readonly id: string
  readonly type: string
  readonly created: number
  readonly data: { readonly object: Json; readonly previous_attributes?: Json }
}

export interface ScriptedLifeOptions {
  /** Part of every id, so that two lives don't meet: `cus_<name>`, `sub_<name>`, `price_s_<name>` … */
  readonly name: string
  /** Default: true. */
  readonly livemode?: boolean
  /** A connected account; default: the platform's own. */
  readonly account?: string
}

export interface ScriptedLife {
  /** What is right in the end. */
  readonly world: StripeWorld
  readonly events: readonly StripeEvent[]
  /** Those of the catalog, and of the second in which the subscription starts and is paid. */
  readonly start: readonly StripeEvent[]
}

/** 2026-03-01T00:00:00Z, seconds. */
const march = 1_772_323_200

/**
 * A life without chance, for tests that say what must come out: a customer books a plan of 19.99 USD, pays, has 5.00 refunded, wins a dispute,
 * moves to a plan of 49.00 and cancels a month after the start. The start is one second, 2026-03-01T00:00:00Z.
 */
export function scriptedLife({ name, livemode = true, account }: ScriptedLifeOptions): ScriptedLife {
  const world = openStripeWorld(() => 0.5, march - 100, name, firstOfItsPrefix(name))
  const { small, large } = catalog(world, name)
  world.advance(100)
  const customer = { ...make.customer(world), email: `${name}@customer.example`, name: `Customer ${name}` }
  world.create('customer.created', customer)
  const life = start(world, customer.id, { prices: [small], quantities: [1], trialDays: 0, coupon: null })
  const begun = world.happenings.length
  pay(life, name)
  move(life, large)
  const events = world.happenings.flatMap(happening => {
    const of = { version: '2026-08-26.dahlia', live: livemode, ...(account && { account }) } as const
    const event = renderStripe(happening, of)
    return event ? [event as unknown as StripeEvent] : []
  })
  return { world, events, start: events.slice(0, begun) }
}

/** `sub_acme` is the first, `sub_acme_17` another. */
function firstOfItsPrefix(name: string): (prefix: string, count: number) => string {
  const taken = new Set<string>()
  return (prefix, count) => {
    const first = `${prefix}_${name}`
    if (taken.has(first)) return `${first}_${count}`
    taken.add(first)
    return first
  }
}

function catalog(world: StripeWorld, name: string): { small: make.Made; large: make.Made } {
  const product = world.create('product.created', make.product(world)) as make.Made
  const price = (size: 's' | 'l', amount: number): make.Made => {
    const of = { product: product.id, currency: 'usd', amount, id: `price_${size}_${name}` }
    return world.create('price.created', make.price(world, of)) as make.Made
  }
  return { small: price('s', 1999), large: price('l', 4900) }
}

/** Refund and credit note after five days, then a dispute that is won after six more. */
function pay({ world }: Life, name: string): void {
  const invoice = world.objects.get(`in_${name}`)!
  const charge = world.objects.get(intentOf(world, `in_${name}`)!)!.latest_charge as string
  world.advance(5 * make.daySeconds)
  refund(world, charge, 500, false)
  world.create('credit_note.created', make.creditNote(world, invoice, 500))
  world.advance(make.daySeconds)
  dispute(world, charge, 1999, 'won')
}

function move({ world, subscription }: Life, price: make.Made): void {
  const { items } = world.objects.get(subscription)! as { items: { data: Json[] } }
  const [item] = items.data
  world.advance(make.daySeconds)
  world.update('customer.subscription.updated', subscription, { items: { data: [{ ...item, price }] } })
  world.advance((item!.current_period_end as number) - world.now())
  world.remove('customer.subscription.deleted', subscription, {
    status: 'canceled',
    canceled_at: world.now(),
    ended_at: world.now(),
  })
}
