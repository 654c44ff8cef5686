import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openBreaker } from './breaker.ts'
import { type Health, type LaneKind, laneBreaker, momentMs, openLane } from './lane.ts'

const limits = { concurrency: 4, paused: false }
const host = () => openBreaker({ threshold: 10, firstMs: 1000, longestMs: 10_000 })

function fill(lane: ReturnType<typeof openLane>, kind: LaneKind, nowMs = 0): number {
  let count = 0
  while (lane.admit(kind, nowMs).kind === 'go') count++
  return count
}

test('a breaker opens after so many failures in a row, probes once, and doubles its patience', () => {
  const breaker = openBreaker({ threshold: 3, firstMs: 1000, longestMs: 3000 })
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
  const breaker = openBreaker({ threshold: 1, firstMs: 1000, longestMs: 60_000 })
  for (let i = 0; i < 20; i++) breaker.failed(0)
  expect(breaker.ask(1000)).toBe('probe')
})

test('a lane takes as many as its concurrency, retries a quarter of it, new ones the rest while others wait', () => {
  expect(fill(openLane(limits, host()), 'new')).toBe(4)
  expect(fill(openLane(limits, host()), 'due')).toBe(1)
  expect(fill(openLane(limits, host()), 'parked')).toBe(4)
  const crowded = openLane(limits, host())
  crowded.waiting = 1
  expect(fill(crowded, 'new')).toBe(3)
  expect(fill(crowded, 'parked')).toBe(1)
})

test('new and waiting ones take turns where there is one slot', () => {
  const lane = openLane({ ...limits, concurrency: 1 }, host())
  lane.waiting = 9
  expect(lane.admit('new', 0).kind).toBe('go')
  lane.finish('new', 'well', 1)
  expect(lane.admit('new', 1)).toEqual({ kind: 'wait', why: 'full' })
  expect(lane.admit('parked', 1).kind).toBe('go')
  lane.finish('parked', 'well', 2)
  expect(lane.admit('new', 2).kind).toBe('go')
})

test('a full lane moves on for a moment after it began, and after each attempt that ended well', () => {
  const lane = openLane(limits, host())
  expect(lane.movesOn(1_000)).toBe(false)
  fill(lane, 'new', 1_000)
  expect(lane.movesOn(1_000 + momentMs - 1)).toBe(true)
  expect(lane.movesOn(1_000 + momentMs)).toBe(false)
  lane.finish('new', 'well', 5_000)
  expect(lane.movesOn(5_000)).toBe(true)
  fill(lane, 'new', 9_000)
  expect(lane.movesOn(9_000)).toBe(false)
})

test('429 halves the slots, waits as long as it asks, and success brings them back', () => {
  const lane = openLane({ concurrency: 8, paused: false }, host())
  lane.admit('new', 0)
  lane.finish('new', 'throttled', 0, 2_000)
  expect(lane.admit('new', 1_999)).toEqual({ kind: 'wait', why: 'throttled', untilMs: 2_000 })
  expect(fill(lane, 'new', 2_000)).toBe(4)
  for (let i = 0; i < 4; i++) lane.finish('new', 'well', 2_000)
  expect(fill(lane, 'new', 2_000)).toBe(4) // 4 and four times about a quarter: not quite 5
  for (let round = 0; round < 40; round++) {
    while (lane.inFlight > 0) lane.finish('new', 'well', 3_000)
    fill(lane, 'new', 3_000)
  }
  expect(lane.inFlight).toBe(8)
})

test('after a breaker closes it starts with one slot and doubles', () => {
  const lane = openLane({ concurrency: 16, paused: false }, host())
  for (let i = 0; i < laneBreaker.threshold; i++) {
    lane.admit('new', 0)
    lane.finish('new', 'failing', 0)
  }
  expect(lane.state).toBe('broken')
  expect(lane.admit('parked', 500)).toMatchObject({ kind: 'wait', why: 'broken' })
  expect(fill(lane, 'parked', 1_000)).toBe(1)
  lane.finish('parked', 'well', 1_000)
  const rounds: number[] = []
  for (let round = 0; round < 4; round++) {
    const count = fill(lane, 'parked', 1_000)
    rounds.push(count)
    for (let i = 0; i < count; i++) lane.finish('parked', 'well', 1_000)
  }
  expect(rounds).toEqual([2, 4, 8, 16])
})

test('a dead host with many destinations is probed with one request', () => {
  const shared = host()
  const lanes = Array.from({ length: 500 }, () => openLane(limits, shared))
  for (const lane of lanes) {
    if (lane.admit('new', 0).kind === 'go') lane.finish('new', 'unreachable', 0)
  }
  const probes = lanes.filter(lane => lane.admit('new', 5_000).kind === 'go')
  expect(probes).toHaveLength(1)
  probes[0]!.finish('new', 'well', 5_000)
  expect(lanes.filter(lane => lane.admit('new', 5_000).kind === 'go').length).toBeGreaterThan(400)
})

test('a rate is kept, and says when to ask again', () => {
  const lane = openLane({ ...limits, rateLimit: { perSecond: 2, burst: 2 } }, host())
  expect(fill(lane, 'new', 1_000)).toBe(2)
  expect(lane.admit('new', 1_000)).toEqual({ kind: 'wait', why: 'rate', untilMs: 1_500 })
})

test('a paused lane takes nothing until it is resumed', () => {
  const lane = openLane({ ...limits, paused: true }, host())
  expect(lane.admit('new', 0)).toEqual({ kind: 'wait', why: 'paused' })
  lane.change(limits)
  expect(lane.admit('new', 0)).toEqual({ kind: 'go' })
})

test('whatever happens, slots are given back, never more than allowed, and a well lane goes on', () => {
  const health = fc.constantFrom<Health>('well', 'failing', 'unreachable', 'throttled', 'unknown')
  const kind = fc.constantFrom<LaneKind>('new', 'due', 'parked')
  fc.assert(
    fc.property(fc.array(fc.tuple(kind, health, fc.nat(3_000)), { maxLength: 200 }), steps => {
      const shared = host()
      const lane = openLane(limits, shared)
      const open: LaneKind[] = []
      let now = 0
      for (const [next, fate, ms] of steps) {
        now += ms
        if (lane.admit(next, now).kind === 'go') open.push(next)
        expect(lane.inFlight).toBe(open.length)
        expect(open.length).toBeLessThanOrEqual(limits.concurrency)
        if (ms % 2) {
          const done = open.shift()
          if (done) lane.finish(done, fate, now)
        }
      }
      for (const rest of open) lane.finish(rest, 'well', now)
      expect(lane.inFlight).toBe(0)
      now += 120_000
      expect(lane.admit('parked', now).kind).toBe('go')
    }),
  )
})

test('a lane may hang while attempts are under way and none has ended well for a while', () => {
  const lane = openLane(limits, host())
  expect(lane.mayHang(100_000)).toBe(false)
  lane.admit('new', 100_000)
  lane.finish('new', 'well', 100_010)
  lane.admit('new', 100_020)
  expect(lane.mayHang(102_000)).toBe(false)
  expect(lane.mayHang(110_000)).toBe(true)
  lane.finish('new', 'failing', 130_000)
  expect(lane.mayHang(130_000)).toBe(false)
})
