import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import { seeded } from '@fairlead/testbed/seeded'
import { describe, expect, it } from 'vitest'
import { openLedger, stripeFacts, textOf } from './fixtures/ledger.ts'
import { renderLife, shuffled } from './fixtures/lives.ts'
import { rowOf } from './fixtures/orders.ts'
import { aSubscription, start, stripeEvent } from './fixtures/stripe.ts'

const seeds = Array.from({ length: 8 }, (_, index) => index + 201)

describe('a fifth of the events is lost, and comes a month later', () => {
  it.each(seeds)('life %i ends in the same books, and tells gaps of no other objects meanwhile', seed => {
    const random = seeded(seed)
    const world = stripeLife(random, `l${seed}x`, { months: 5, squeezed: false })
    const events = shuffled(renderLife(world, 'later'), random)
    const [lost, kept] = [events.slice(0, events.length / 5), events.slice(events.length / 5)]
    const whole = openLedger()
    whole.apply(stripeFacts(events))
    const ledger = openLedger()
    ledger.apply(stripeFacts(kept))
    const hit = new Set(lost.map(event => (event.data as { object: { id: string } }).object.id))
    const gaps = ledger.read().rows.filter(row => row.gaps > 0)
    expect(gaps.filter(({ id }) => !hit.has(id))).toEqual([])
    ledger.apply(stripeFacts(lost))
    expect(textOf(ledger.read())).toBe(textOf(whole.read()))
    expect(ledger.read().rows.filter(row => row.gaps > 0)).toEqual([])
  })

  it('a change that is lost between two others is a gap until it comes', () => {
    const step = (at: number, status: string, before: string) =>
      stripeEvent('customer.subscription.updated', aSubscription({ status }), {
        at: start + at,
        previous: { status: before },
      })
    const lost = stripeFacts([step(200, 'past_due', 'active')])
    const ledger = openLedger()
    ledger.apply(
      stripeFacts([
        stripeEvent('customer.subscription.created', aSubscription()),
        step(300, 'unpaid', 'past_due'),
      ]),
    )
    expect(rowOf(ledger.read(), 'subscription', 'sub_1')).toMatchObject({ status: 'unpaid', gaps: 1 })
    ledger.apply(lost)
    expect(rowOf(ledger.read(), 'subscription', 'sub_1')).toMatchObject({ status: 'unpaid', gaps: 0 })
  })
})
