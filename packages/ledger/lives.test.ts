import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import { seeded } from '@fairlead/testbed/seeded'
import { describe, expect, it } from 'vitest'
import { openLedger, stripeFacts, textOf } from './fixtures/ledger.ts'
import { batched, renderLife, shuffled } from './fixtures/lives.ts'
import { expectWorld } from './fixtures/oracle.ts'

/** The long form, with a thousand lives, is lives.chaos.test.ts. */
const seeds = Array.from({ length: 12 }, (_, index) => index + 1)

describe('whole lives at Stripe', () => {
  it.each(seeds)('life %i has the same books in any order, with repeats, in any batches', seed => {
    const random = seeded(seed)
    const world = stripeLife(random, `s${seed}x`, { months: 6, squeezed: seed % 3 === 0 })
    const facts = stripeFacts(renderLife(world, 'later'))
    const first = openLedger()
    first.apply(facts)
    expectWorld(first.read(), world)
    const again = openLedger()
    for (const batch of batched(shuffled([...facts, ...facts], random), random)) again.apply(batch)
    expect(textOf(again.read())).toBe(textOf(first.read()))
  })
})
