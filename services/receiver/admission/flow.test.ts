import { expect, test } from 'vitest'
import { decideFlow, type FlowState, openFlow } from './flow.ts'

const calm: FlowState = { lag: 0, takenPerSecond: 1_000 }

test.each<[string, FlowState, { lag: number; accepted: number }, number | undefined]>([
  ['nothing waits: as many as come', calm, { lag: 0, accepted: 250 }, undefined],
  ['a burst is stored as it comes', calm, { lag: 2_000, accepted: 2_250 }, undefined],
  [
    'delivering falls behind: a little less comes in than goes out',
    { lag: 3_500, takenPerSecond: 1_000 },
    { lag: 3_500, accepted: 250 },
    900,
  ],
  [
    'far behind: less comes in than goes out',
    { lag: 20_000, takenPerSecond: 1_000 },
    { lag: 20_000, accepted: 250 },
    800,
  ],
  [
    'nothing is delivered at all: a little is stored',
    { lag: 20_000, takenPerSecond: 0 },
    { lag: 21_000, accepted: 1_000 },
    100,
  ],
  [
    'a lag that was there before: a little, until it is known how fast it goes',
    { lag: 0, takenPerSecond: undefined },
    { lag: 200_000, accepted: 0 },
    100,
  ],
  [
    'nearly nothing is delivered: the door stays ajar',
    { lag: 20_000, takenPerSecond: 10 },
    { lag: 20_000, accepted: 2 },
    100,
  ],
])('%s', (_name, state, { lag, accepted }, perSecond) => {
  const decision = decideFlow(state, { lag, accepted, seconds: 0.25 })
  if (perSecond === undefined) expect(decision.perSecond).toBeUndefined()
  else expect(decision.perSecond).toBeCloseTo(perSecond, -1)
})

test('where accepting takes from delivering, both settle at the same rate and the lag stays bounded', () => {
  // Two processors' worth of work a second: accepting one costs 0.4 ms, delivering one 0.5 ms; three times as much comes.
  const [budgetMs, acceptMs, deliverMs, offeredPerSecond] = [2_000, 0.4, 0.5, 6_600]
  let nowMs = 0
  const flow = openFlow(() => nowMs)
  let lag = 0
  let highest = 0
  let refused = 0
  let waiting: number[] = []
  const delivered: number[] = []
  for (let interval = 0; interval < 400; interval++) {
    for (let i = 0; i < offeredPerSecond / 4; i++) {
      nowMs += 1_000 / offeredPerSecond
      const waitMs = flow.turn()
      if (waitMs === undefined) refused++
      else waiting.push(nowMs + waitMs)
    }
    // Whoever's turn it is comes in first: that is what has to be held back.
    const due = waiting.filter(atMs => atMs <= nowMs).length
    const accepted = Math.floor(Math.min(due, budgetMs / 4 / acceptMs))
    for (let i = 0; i < accepted; i++) flow.accepted()
    waiting = waiting.slice(accepted)
    const taken = Math.min(lag + accepted, (budgetMs / 4 - accepted * acceptMs) / deliverMs)
    lag += accepted - taken
    highest = Math.max(highest, lag)
    delivered.push(taken * 4)
    flow.observe(Math.round(lag))
  }
  const late = delivered.slice(-100)
  const peak = budgetMs / (acceptMs + deliverMs)
  expect(late.reduce((sum, rate) => sum + rate, 0) / late.length).toBeGreaterThan(0.95 * peak)
  expect(highest).toBeLessThan(20_000)
  expect(refused).toBeGreaterThan(0)
})

test('what delivering took while it kept up says nothing of what it can', () => {
  const idle: FlowState = { lag: 0, takenPerSecond: 10 }
  const decision = decideFlow(idle, { lag: 3_500, accepted: 4_000, seconds: 0.25 })
  expect(decision.perSecond).toBeCloseTo(0.9 * 2_000, -1)
})

test('a burst is paced before its lag is told', () => {
  let nowMs = 0
  const flow = openFlow(() => nowMs)
  nowMs = 250
  flow.observe(0)
  for (let i = 0; i < 3_000; i++) {
    if (i <= 2_000) expect(flow.turn()).toBe(0)
    flow.accepted()
  }
  expect(flow.turn()).toBeGreaterThan(0)
  expect(flow.perSecond).toBe(500)
  nowMs = 1_500
  flow.observe(1_000)
  expect(flow.turn()).toBe(0)
})

test('where lag is never told, as many come in as come', () => {
  const flow = openFlow(() => 0)
  for (let i = 0; i < 10_000; i++) {
    expect(flow.turn()).toBe(0)
    flow.accepted()
  }
})

test('in a burst a request waits for its turn for a second at most', () => {
  let nowMs = 0
  const flow = openFlow(() => nowMs)
  expect(flow.turn()).toBe(0)
  nowMs = 250
  flow.observe(3_000)
  expect(flow.perSecond).toBe(100)
  const waits = Array.from({ length: 150 }, () => flow.turn())
  expect(waits[0]).toBeCloseTo(10)
  expect(waits.filter(wait => wait !== undefined)).toHaveLength(100)
  expect(waits.at(-1)).toBeUndefined()
  nowMs += 500
  expect(flow.turn()).toBeCloseTo(510)
  nowMs += 250
  flow.observe(0)
  expect(flow.turn()).toBe(0)
})

test('where more comes than may for seconds, the queue is kept short, until it was empty', () => {
  let nowMs = 0
  const flow = openFlow(() => nowMs)
  flow.observe(3_000)
  /** The waits of `seconds` in which twice as many come as may. */
  function overload(seconds: number): number[] {
    const waits: number[] = []
    for (const endMs = nowMs + seconds * 1_000; nowMs < endMs; nowMs += 5) {
      const waitMs = flow.turn()
      if (waitMs !== undefined) waits.push(waitMs)
    }
    return waits
  }
  nowMs = 250
  flow.observe(3_000)
  expect(flow.perSecond).toBe(100)
  expect(Math.max(...overload(2))).toBeGreaterThan(900)
  overload(1)
  const later = overload(10)
  expect(Math.max(...later)).toBeLessThanOrEqual(200)
  // As many come in as may: nothing is lost by a short queue.
  expect(later.length).toBeGreaterThanOrEqual(990)
  nowMs += 1_000
  expect(flow.turn()).toBe(0)
  expect(Math.max(...overload(2))).toBeGreaterThan(900)
})
