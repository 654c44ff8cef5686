import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import type { Json, StripeWorld } from '@fairlead/testbed/billing/stripe-world'
import { seeded } from '@fairlead/testbed/seeded'
import { describe, expect, it } from 'vitest'
import { renderLife } from './fixtures/lives.ts'

/*
 * What the proofs over generated lives are worth: a thing that no life has is proven by none of them.
 */

const worlds = Array.from({ length: 150 }, (_, index) =>
  stripeLife(seeded(index + 1), `g${index}x`, { months: 6, squeezed: index % 4 === 0 }),
)

const objectsOf = (world: StripeWorld, kind: string): Json[] =>
  [...world.objects.values()].filter(({ object }) => object === kind)
const listOf = (list: unknown): Json[] => (list as { data: Json[] }).data
const tells = (type: string) => (world: StripeWorld) => world.happenings.some(one => one.type === type)
const has = (kind: string, is: (object: Json) => boolean) => (world: StripeWorld) =>
  objectsOf(world, kind).some(is)
const ofCurrency = (code: string) =>
  has('invoice', ({ currency, status }) => currency === code && status === 'paid')
/** An object of the kind is deleted, and another one comes under its id. */
const recreated =
  (kind: string) =>
  ({ happenings }: StripeWorld): boolean =>
    happenings.some(
      ({ type, object }, index) =>
        type === `${kind}.deleted` &&
        happenings.slice(index).some(next => next.type === `${kind}.created` && next.object.id === object.id),
    )
const disputesOf = (world: StripeWorld, status: string): Json[] =>
  objectsOf(world, 'dispute').filter(one => one.status === status)

const cases: Readonly<Record<string, (world: StripeWorld) => boolean>> = {
  'a currency without decimals (JPY)': ofCurrency('jpy'),
  'a currency without decimals (KRW)': ofCurrency('krw'),
  'a currency of two decimals (USD)': ofCurrency('usd'),
  'a currency of three decimals (BHD)': ofCurrency('bhd'),
  'a currency whose decimals providers disagree about (ISK)': ofCurrency('isk'),
  'a currency whose decimals providers disagree about (HUF)': ofCurrency('huf'),
  'an invoice of 25 lines': has('invoice', ({ lines }) => listOf(lines).length === 25),
  'a subscription of 14 items': has('subscription', ({ items }) => listOf(items).length === 14),
  proration: has('invoice', ({ lines }) => listOf(lines).some(({ amount }) => (amount as number) < 0)),
  'a trial': has('subscription', ({ trial_end }) => trial_end !== null),
  'collection that is paused': world =>
    world.happenings.some(
      ({ object }) => object.object === 'subscription' && object.pause_collection !== null,
    ),
  'a subscription that is paused': tells('customer.subscription.paused'),
  'a subscription that is resumed': tells('customer.subscription.resumed'),
  'a first payment that never comes': has('subscription', ({ status }) => status === 'incomplete_expired'),
  'a payment that is retried and comes': has(
    'invoice',
    ({ attempt_count, status }) => (attempt_count as number) > 1 && status === 'paid',
  ),
  'a payment that needs the customer': tells('payment_intent.requires_action'),
  'an invoice that is given up': tells('invoice.marked_uncollectible'),
  'an invoice that is voided': tells('invoice.voided'),
  'a cancellation that is taken back': ({ happenings }) =>
    happenings.some(
      ({ object, previous }) => previous?.cancel_at_period_end === true && !object.cancel_at_period_end,
    ),
  'a reason that comes after the end': ({ happenings }) =>
    happenings.some(
      ({ type, object }) => type === 'customer.subscription.updated' && object.status === 'canceled',
    ),
  'a customer who comes back': world => objectsOf(world, 'subscription').length > 1,
  'a customer who is deleted': tells('customer.deleted'),
  'a price that is deleted and made again': recreated('price'),
  'a product that is deleted and made again': recreated('product'),
  'a coupon that is deleted and made again': recreated('coupon'),
  'a discount that ends early': tells('customer.discount.deleted'),
  'a refund in part': has('charge', one => one.amount_refunded !== 0 && one.refunded === false),
  'a refund that fails in the end': has('refund', ({ status }) => status === 'failed'),
  'a dispute that is won': world => disputesOf(world, 'won').length > 0,
  'a dispute that is lost': world => disputesOf(world, 'lost').length > 0,
  'two disputes of one payment': world =>
    [...Map.groupBy(objectsOf(world, 'dispute'), ({ charge }) => charge).values()].some(
      some => some.length > 1,
    ),
  'a credit note': tells('credit_note.created'),
  'a credit note that is voided': tells('credit_note.voided'),
  'a checkout': tells('checkout.session.completed'),
  'a start within one second': ({ happenings }) =>
    happenings.filter(({ at }) => at === happenings[0]!.at).length >= 12,
}

describe('among the generated lives is', () => {
  it.each(Object.keys(cases))('%s', name => {
    expect(worlds.some(world => cases[name]!(world))).toBe(true)
  })

  it('events of two versions of the API in one life', () => {
    const versions = renderLife(worlds[1]!, 'mixed', seeded(1)).map(event => event.api_version)
    expect(new Set(versions).size).toBe(2)
  })
})
