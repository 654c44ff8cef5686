import { until } from '@fairlead/testbed/until'
import { newId, type OrganizationId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { type BacklogState, decideThrottle, openThrottle } from './throttle.ts'

const calm: BacklogState = { backlog: 0, takenPerSecond: 1_000 }
const [flooding, quiet] = [newId('org', 1), newId('org', 2)]

test.each<[string, BacklogState, { backlog: number; stored: number }, number | undefined]>([
  ['no backlog: as they come', calm, { backlog: 0, stored: 250 }, undefined],
  ['a burst is stored as it comes', calm, { backlog: 2_000, stored: 2_250 }, undefined],
  [
    'a large backlog that is young: workers take it within two seconds',
    { backlog: 5_000, takenPerSecond: 4_000 },
    { backlog: 6_000, stored: 2_000 },
    undefined,
  ],
  [
    'a backlog of three and a half seconds: a little less is stored than taken',
    { backlog: 3_500, takenPerSecond: 1_000 },
    { backlog: 3_500, stored: 250 },
    900,
  ],
  [
    'an old one: a fifth less',
    { backlog: 20_000, takenPerSecond: 1_000 },
    { backlog: 20_000, stored: 250 },
    800,
  ],
  [
    'no worker takes anything: a little is stored',
    { backlog: 20_000, takenPerSecond: 0 },
    { backlog: 21_000, stored: 1_000 },
    100,
  ],
  [
    'a backlog that was there before: a little, until it is known how fast workers are',
    { backlog: 0, takenPerSecond: undefined },
    { backlog: 200_000, stored: 0 },
    100,
  ],
  [
    'what workers took while they kept up says nothing of what they can take',
    { backlog: 0, takenPerSecond: 10 },
    { backlog: 5_000, stored: 5_500 },
    2_000 * (1 - 0.2 / 6),
  ],
])('%s', (_name, state, { backlog, stored }, perSecond) => {
  const decision = decideThrottle(state, { backlog, stored, seconds: 0.25 })
  if (perSecond === undefined) expect(decision.perSecond).toBeUndefined()
  else expect(decision.perSecond).toBeCloseTo(perSecond, -1)
})

test('where the backlog is never told, nothing waits', () => {
  using throttle = openThrottle(() => 0)
  for (let i = 0; i < 10_000; i++) {
    expect(throttle.wait(flooding)).toBeUndefined()
    throttle.stored()
  }
})

test('at low rates nobody is asked for the backlog, and a burst is throttled before the answer comes', () => {
  let [nowMs, asked] = [0, 0]
  using throttle = openThrottle(
    () => nowMs,
    () => asked++,
  )
  const store = (events: number) => {
    for (let i = 0; i < events; i++) {
      nowMs += 0.01
      void throttle.wait(flooding)
      throttle.stored()
    }
  }
  store(499)
  expect(asked).toBe(0)
  store(1)
  expect(asked).toBe(1)
  nowMs += 500
  // Workers have kept up with a thousand a second.
  throttle.observe(0)
  store(2_000)
  expect(asked).toBe(2)
  expect(throttle.perSecond).toBeUndefined()
  store(1_000)
  expect(throttle.perSecond).toBeGreaterThanOrEqual(500)
})

/** A throttle that has been told of an old backlog: about a thousand events a second may be stored. */
function openSlow() {
  const clock = { nowMs: 0 }
  const throttle = openThrottle(() => clock.nowMs)
  clock.nowMs += 1_000
  throttle.observe(10_000)
  for (let i = 0; i < 1_000; i++) throttle.stored()
  clock.nowMs += 1_000
  throttle.observe(10_000)
  return { clock, throttle }
}

function waitFor(
  throttle: ReturnType<typeof openThrottle>,
  organization: OrganizationId,
): { passed: boolean } {
  const one = { passed: false }
  void throttle.wait(organization)?.then(() => {
    one.passed = true
  })
  return one
}

test("one organization's flood does not hold up, or refuse, another one's events", async () => {
  const { clock, throttle } = openSlow()
  using _throttle = throttle
  while (throttle.hasRoom(flooding)) waitFor(throttle, flooding)
  expect(throttle.hasRoom(quiet)).toBe(true)
  const own = waitFor(throttle, quiet)
  // The turn after the next is its own, however many wait.
  clock.nowMs += 5
  await until(() => own.passed, { what: 'its turn' })
  expect(throttle.hasRoom(quiet)).toBe(true)
})

test('a closed loop of 256 connections waits, and none of its requests is refused', async () => {
  const { clock, throttle } = openSlow()
  using _throttle = throttle
  let [waiting, passed] = [0, 0]
  const send = (): void => {
    expect(throttle.hasRoom(flooding)).toBe(true)
    waiting++
    void throttle.wait(flooding)!.then(() => {
      waiting--
      passed++
      throttle.stored()
    })
  }
  await until(
    () => {
      while (waiting < 256) send()
      clock.nowMs += 10
      return passed > 1_000
    },
    { everyMs: 1, what: 'a thousand turns' },
  )
})

test('workers that have caught up let all go on that wait', async () => {
  const { clock, throttle } = openSlow()
  using _throttle = throttle
  const all = Array.from({ length: 100 }, () => waitFor(throttle, flooding))
  clock.nowMs += 250
  throttle.observe(0)
  await Promise.resolve()
  expect(all.every(({ passed }) => passed)).toBe(true)
  expect(throttle.wait(flooding)).toBeUndefined()
})
