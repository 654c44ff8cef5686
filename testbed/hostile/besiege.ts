import { afterAll, beforeAll, expect, test } from 'vitest'
import { crowding } from '../crowding.ts'
import { until } from '../until.ts'
import { type AttackName, attacks } from './attacks.ts'
import { type Siege, startSiege } from './siege.ts'

/** Fetches of keys from addresses that strangers made up: two sources, 8 at once and one in 10 s for each, and some room. */
const mostKeyFetches = 60

/**
 * Tests of the running product under attack, beside a tenant who does nothing wrong. What that tenant felt is printed at
 * the end.
 * @param options.seconds for how long each attack is watched
 * @param options.generousMs what the victim may wait at the 95th percentile, where no more processes want to run than there are
 *   processors
 */
export function besiege({
  seconds,
  generousMs,
}: {
  readonly seconds: number
  readonly generousMs: number
}): void {
  let siege: Siege
  const rows: Record<string, object> = {}
  beforeAll(async () => {
    siege = await startSiege()
  })
  afterAll(async () => {
    console.table(rows)
    await siege?.[Symbol.asyncDispose]()
  })

  // An attack is begun and ended besides, and what it held up arrives.
  const timeout = seconds * 1000 + 240_000
  test.for(Object.keys(attacks) as AttackName[])('a victim goes on beside: %s', { timeout }, async name => {
    const { felt, answers } = await siege.attack(name, seconds)
    rows[name] = {
      refused: `${felt.refused} of ${felt.webhooks}`,
      'answer p95 ms': felt.answerP95Ms,
      'arrival p95 ms': felt.arrivalP95Ms,
      'API p95 ms': felt.callP95Ms,
      'attacker got': Object.entries(answers)
        .map(([status, count]) => `${status}×${count}`)
        .join(' '),
    }
    if (name !== 'nobody attacks') expect(answers).not.toEqual({})
    expect(felt).toMatchObject({ refused: 0, missing: 0, callsRefused: [] })
    expect(felt.webhooks).toBeGreaterThan(0)
    const limit = generousMs * crowding()
    expect(felt.answerP95Ms).toBeLessThan(limit)
    expect(felt.arrivalP95Ms).toBeLessThan(limit)
    expect(felt.callP95Ms).toBeLessThan(limit)
  })

  test('made-up addresses of keys are seldom asked', () => {
    expect(siege.keyFetches).toBeGreaterThan(0)
    expect(siege.keyFetches).toBeLessThan(mostKeyFetches)
  })

  test('when all attacks are over nothing is held: bodies, permits', async () => {
    await until(
      async () =>
        (await siege.metric('fairlead_receiver_body_bytes')) === 0 &&
        (await siege.metric('fairlead_receiver_requests')) === 0,
      { what: 'gauges back at 0' },
    )
  })
}
