import type { BillingBody } from '@fairlead/testbed/billing/ledger-platform'
import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import { renderStripe } from '@fairlead/testbed/billing/stripe-versions'
import { seeded } from '@fairlead/testbed/seeded'

/** Lives that go on beside each other: their events come in turns. */
const beside = 50

/** So many events of generated lives at Stripe, each life in its order, beside others. No two have one id. */
export function eventsOfLives(count: number, seed: number, name: string): BillingBody[] {
  const random = seeded(seed)
  const events: BillingBody[] = []
  const running: BillingBody[][] = []
  for (let lives = 0; events.length < count; ) {
    while (running.length < beside) {
      lives += 1
      running.push(lifeOf(seed * 100_003 + lives, `${name}${lives}x`))
    }
    const index = Math.floor(random() * running.length)
    const next = running[index]!.shift()
    if (next) events.push(next)
    else running.splice(index, 1)
  }
  return events
}

function lifeOf(seed: number, name: string): BillingBody[] {
  const random = seeded(seed)
  const world = stripeLife(random, name, { months: 4 + (seed % 9), squeezed: seed % 4 === 0 })
  return world.happenings.flatMap(happening => {
    const event = renderStripe(happening, { version: '2026-08-26.dahlia', live: true })
    return event ? [event as unknown as BillingBody] : []
  })
}
