import { newId } from '@fairlead/webhook/id'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Breaker } from './breaker.ts'
import { Host } from './host-breaker.ts'
import { type Health, Lane, type LaneLimits, laneBreaker, moves } from './lane.ts'

const owner = newId('org', 1)
const openLane = (limits: Partial<LaneLimits> = {}, host = new Host(), organization = owner) =>
  new Lane({ concurrency: 4, paused: false, ...limits }, host, organization)

function fill(lane: Lane, nowMs = 0): number {
  let count = 0
  while (lane.ask(nowMs) === 'go') count++
  return count
}

test('a breaker opens after so many failures in a row, probes once, and doubles the wait', () => {
  const breaker = new Breaker({ threshold: 3, firstMs: 1000, longestMs: 3000 })
  breaker.failed(0)
  breaker.failed(0)
  breaker.succeeded()
  for (let i = 0; i < 3; i++) {
    expect(breaker.ask(0)).toBe('closed')
    breaker.failed(0)
  }
  expect(breaker.ask(999)).toBe(1000)
  expect(breaker.ask(1000)).toBe('probe')
  expect(breaker.ask(1000)).toBeGreaterThan(1000)
  breaker.failed(1000)
  expect(breaker.ask(2999)).toBe(3000)
  expect(breaker.ask(3000)).toBe('probe')
  breaker.failed(3000)
  expect(breaker.ask(5999)).toBe(6000) // 4000 would be next, but 3000 is the longest
  expect(breaker.ask(6000)).toBe('probe')
  breaker.succeeded()
  expect(breaker.ask(6000)).toBe('closed')
})

test('failures of attempts that were under way when it opened do not lengthen it', () => {
  const breaker = new Breaker({ threshold: 1, firstMs: 1000, longestMs: 60_000 })
  for (let i = 0; i < 20; i++) breaker.failed(0)
  expect(breaker.ask(1000)).toBe('probe')
})

test('a lane takes as many as its concurrency', () => {
  const lane = openLane()
  expect(fill(lane)).toBe(4)
  expect(lane.ask(0)).toEqual({ why: 'full' })
})

test.each<[why: string, limits: Partial<LaneLimits>, before: (lane: Lane) => void, moving: boolean]>([
  ['full', {}, lane => void fill(lane, 1_000), true],
  ['rate', { rateLimit: { perSecond: 1, burst: 1 } }, lane => void lane.ask(1_000), true],
  ['paused', { paused: true }, () => {}, false],
  ['hangs', {}, lane => void fill(lane, -1), false],
  ['throttled', {}, throttle, false],
  ['broken', {}, lane => breakLane(lane, 'failing', 1_000), false],
])('a lane that answers %s: whether its queue waits in memory', (why, limits, before, moving) => {
  const lane = openLane(limits)
  before(lane)
  const answer = lane.ask(1_001)
  expect(answer).toMatchObject({ why })
  expect(answer !== 'go' && moves(answer)).toBe(moving)
})

function throttle(lane: Lane): void {
  lane.ask(1_000)
  lane.finish('throttled', 1_000, 1, 5_000)
}

function breakLane(lane: Lane, health: Health, nowMs: number): void {
  for (let i = 0; i < laneBreaker.threshold; i++) {
    if (lane.ask(nowMs) === 'go') lane.finish(health, nowMs, 1)
  }
}

test('429 halves the slots and holds for Retry-After; success brings the slots back', () => {
  const lane = openLane({ concurrency: 8 })
  lane.ask(0)
  lane.finish('throttled', 0, 1, 2_000)
  expect(lane.ask(1_999)).toEqual({ why: 'throttled', untilMs: 2_000 })
  expect(fill(lane, 2_000)).toBe(4)
  for (let i = 0; i < 4; i++) lane.finish('well', 2_000, 1)
  expect(fill(lane, 2_000)).toBe(4) // 4 and four times about a quarter: not quite 5
  for (let round = 0; round < 40; round++) {
    while (lane.inFlight > 0) lane.finish('well', 3_000, 1)
    fill(lane, 3_000)
  }
  expect(lane.inFlight).toBe(8)
})

test('after a breaker closes it starts with one slot and doubles', () => {
  const lane = openLane({ concurrency: 16 })
  breakLane(lane, 'failing', 0)
  expect(lane.state(0)).toBe('broken')
  expect(lane.ask(500)).toMatchObject({ why: 'broken', untilMs: 1_000 })
  expect(fill(lane, 1_000)).toBe(1)
  lane.finish('well', 1_000, 1)
  const rounds: number[] = []
  for (let round = 0; round < 4; round++) {
    const count = fill(lane, 1_000)
    rounds.push(count)
    for (let i = 0; i < count; i++) lane.finish('well', 1_000, 1)
  }
  expect(rounds).toEqual([2, 4, 8, 16])
})

test('where failures are far apart the breaker leaves deliveries to their retry schedule', () => {
  const lane = openLane()
  for (let i = 0; i < 3 * laneBreaker.threshold; i++) {
    expect(lane.ask(i * 2_000)).toBe('go')
    lane.finish('failing', i * 2_000, 1)
  }
  breakLane(lane, 'failing', 100_000)
  expect(lane.ask(100_000)).toMatchObject({ why: 'broken' })
})

test('a lane keeps its rate, and says when to ask again', () => {
  const lane = openLane({ rateLimit: { perSecond: 2, burst: 2 } })
  expect(fill(lane, 1_000)).toBe(2)
  expect(lane.ask(1_000)).toEqual({ why: 'rate', untilMs: 1_500 })
})

test('a changed configuration refills no rate, and frees no hold of a 429', () => {
  const lane = openLane({ rateLimit: { perSecond: 1, burst: 3 } })
  expect(fill(lane, 0)).toBe(3)
  const faster = { concurrency: 4, paused: false, rateLimit: { perSecond: 1, burst: 100 } }
  lane.change({ ...faster, paused: true }, new Host(), 0)
  lane.change(faster, new Host(), 0)
  for (let i = 0; i < 3; i++) lane.finish('well', 0, 1)
  expect(lane.ask(0)).toMatchObject({ why: 'rate' })
  expect(lane.ask(1_000)).toBe('go')
  lane.finish('throttled', 1_000, 1, 5_000)
  lane.change({ concurrency: 4, paused: false }, new Host(), 2_000)
  expect(lane.ask(5_999)).toMatchObject({ why: 'throttled' })
})

test.each<
  [
    what: string,
    limits: Partial<LaneLimits>,
    health: Health,
    retryAfterMs: number | undefined,
    keptMs: number,
  ]
>([
  ['a hold of a 429', { concurrency: 1 }, 'throttled', 60_000, 60_001],
  ['cut slots', {}, 'throttled', 0, 600_000],
  ['a failure', {}, 'failing', undefined, 600_000],
  ['an empty bucket', { rateLimit: { perSecond: 0.01, burst: 2 } }, 'well', undefined, 100_000],
  ['nothing but success', {}, 'well', undefined, 60_000],
])(
  'a lane that is idle is not forgotten before its time: %s',
  (_what, limits, health, retryAfterMs, keptMs) => {
    const lane = openLane(limits)
    expect(lane.ask(0)).toBe('go')
    expect(lane.isForgettable(1)).toBe(false)
    lane.finish(health, 1, 1, retryAfterMs)
    expect(lane.isForgettable(keptMs - 10)).toBe(false)
    expect(lane.isForgettable(keptMs + 10)).toBe(true)
  },
)

test('a lane hangs when all its slots are taken and nothing ends for longer than usual', () => {
  const lane = openLane({ concurrency: 1 })
  fill(lane, 0)
  expect(lane.ask(900)).toEqual({ why: 'full' })
  expect(lane.ask(1_100)).toEqual({ why: 'hangs' })
  lane.finish('well', 3_000, 3_000)
  fill(lane, 3_000)
  expect(lane.ask(3_000 + 4 * 3_000 - 100)).toEqual({ why: 'full' })
  expect(lane.ask(3_000 + 4 * 3_000 + 100)).toEqual({ why: 'hangs' })
})

test('a lane is in doubt after a failure, and while none has ended well for a while', () => {
  const lane = openLane()
  expect(lane.isDoubtful(100_000)).toBe(false)
  lane.ask(100_000)
  lane.finish('well', 100_010, 10)
  lane.ask(100_020)
  expect(lane.isDoubtful(102_000)).toBe(false)
  expect(lane.isDoubtful(110_000)).toBe(true)
  lane.finish('well', 110_000, 10)
  expect(lane.isDoubtful(110_000)).toBe(false)
  lane.ask(110_000)
  lane.finish('faulty', 110_010, 10)
  expect(lane.isDoubtful(110_020)).toBe(true)
})

test('whatever happens, slots are given back, never more than allowed, and a well lane goes on', () => {
  const health = fc.constantFrom<Health>('well', 'failing', 'unreachable', 'faulty', 'throttled', 'unknown')
  const concurrency = fc.constantFrom(4, 1, undefined)
  fc.assert(
    fc.property(
      concurrency,
      fc.array(fc.tuple(health, fc.nat(3_000)), { maxLength: 200 }),
      (declared, steps) => {
        const lane = openLane({ concurrency: declared })
        let open = 0
        let now = 0
        for (const [outcome, ms] of steps) {
          now += ms
          if (lane.ask(now) === 'go') open++
          expect(lane.inFlight).toBe(open)
          expect(open).toBeLessThanOrEqual(declared ?? 64)
          if (ms % 2 && open > 0) {
            open--
            lane.finish(outcome, now, ms)
          }
        }
        for (; open > 0; open--) lane.finish('well', now, 1)
        expect(lane.inFlight).toBe(0)
        now += 120_000
        expect(lane.ask(now)).toBe('go')
      },
    ),
  )
})
