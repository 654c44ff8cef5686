import { paypalLife } from '@fairlead/testbed/billing/paypal-life'
import { shopifyLife } from '@fairlead/testbed/billing/shopify-life'
import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import { seeded } from '@fairlead/testbed/seeded'
import { expect, it } from 'vitest'
import type { Fact } from './facts.ts'
import { factsOfEvent, openLedger, stripeFacts, textOf } from './fixtures/ledger.ts'
import { batched, type Rendered, renderLife, shuffled } from './fixtures/lives.ts'
import { expectWorld } from './fixtures/oracle.ts'

const renderings: readonly Rendered[] = ['later', 'mixed', 'both', 'later']

/** Repeated, shuffled, in batches; a fifth of it a month late. The books are those of the facts in order. */
function expectSame(facts: readonly Fact[], random: () => number): void {
  const first = openLedger()
  first.apply(facts)
  const wanted = textOf(first.read())
  const mixed = shuffled([...facts, ...facts, ...facts.slice(0, facts.length / 2)], random)
  const late = Math.floor(mixed.length / 5)
  const again = openLedger()
  for (const batch of batched(mixed.slice(late), random)) again.apply(batch)
  again.read()
  for (const batch of batched(mixed.slice(0, late), random)) again.apply(batch)
  expect(textOf(again.read())).toBe(wanted)
}

it('a thousand lives have the right books in any order, with repeats, batches and losses mended', () => {
  for (let seed = 1; seed <= 1000; seed += 1) {
    const random = seeded(seed * 7919)
    const world = stripeLife(random, `c${seed}x`, { months: 4 + (seed % 9), squeezed: seed % 4 === 0 })
    const rendered = renderings[seed % renderings.length]!
    const facts = stripeFacts(renderLife(world, rendered, random))
    const ledger = openLedger()
    ledger.apply(facts)
    try {
      expectWorld(ledger.read(), world)
      expectSame(facts, random)
    } catch (error) {
      throw new Error(`life ${seed}, ${rendered}`, { cause: error })
    }
  }
})

it('two hundred lives at PayPal and Shopify are the same in any order', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seeded(seed * 104_729)
    const paypal = paypalLife(random, `c${seed}`, 12).events.flatMap(body =>
      factsOfEvent({ provider: 'paypal', type: '', sourceMode: 'live', body }),
    )
    const shopify = shopifyLife(random, seed, 10).events.flatMap(({ topic, body }) =>
      factsOfEvent({ provider: 'shopify', type: topic, sourceMode: 'live', body }),
    )
    expectSame([...paypal, ...shopify], random)
  }
})
