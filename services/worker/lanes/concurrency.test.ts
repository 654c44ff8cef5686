import { expect, test } from 'vitest'
import { Concurrency } from './concurrency.ts'

/** How long the destination takes for an answer, by the number of requests under way. */
type Answers = (open: number) => number

const always =
  (ms: number): Answers =>
  () =>
    ms
/** Answers at once up to this many requests at a time; further ones wait. */
const upTo =
  (capacity: number, ms: number): Answers =>
  open =>
    ms * Math.max(1, open / capacity)

/** This many successes with a full lane. */
function run(concurrency: Concurrency, answers: Answers, times: number): number {
  let nowMs = 1_000_000
  for (let i = 0; i < times; i++) {
    const latencyMs = answers(concurrency.now)
    nowMs += latencyMs / concurrency.now
    concurrency.succeeded(latencyMs, true, nowMs)
  }
  return concurrency.now
}

test.each<[what: string, declared: number | undefined, answers: Answers, from: number, to: number]>([
  ['no number: a fast destination gets 64', undefined, always(3), 64, 64],
  ['no number: a slow one that stays as fast gets 64', undefined, always(800), 64, 64],
  ['no number: one that takes 20 at a time gets not many more', undefined, upTo(20, 50), 20, 60],
  ['no number: one that can do 4 at a time keeps 10', undefined, upTo(4, 200), 10, 24],
  ['a number is a limit, however fast it answers', 10, always(1), 10, 10],
  ['a number above what adapts', 100, always(1), 100, 100],
  ['one at a time', 1, always(1), 1, 1],
])('%s', (_what, declared, answers, from, to) => {
  const slots = run(new Concurrency(declared), answers, 5_000)
  expect(slots).toBeGreaterThanOrEqual(from)
  expect(slots).toBeLessThanOrEqual(to)
})

test('where the lane is not full it does not grow', () => {
  const concurrency = new Concurrency(undefined)
  for (let i = 0; i < 5_000; i++) concurrency.succeeded(1, false, 0)
  expect(concurrency.now).toBe(10)
})

test('a destination that grows slower is given less', () => {
  const concurrency = new Concurrency(undefined)
  expect(run(concurrency, always(10), 5_000)).toBe(64)
  expect(run(concurrency, always(200), 400)).toBeLessThan(64)
  expect(concurrency.now).toBeGreaterThanOrEqual(10)
})

test('429 halves the learnt slots, down to one', () => {
  const concurrency = new Concurrency(undefined)
  run(concurrency, always(3), 5_000)
  const seen: number[] = []
  for (let i = 0; i < 8; i++) {
    concurrency.throttled(0)
    seen.push(concurrency.now)
  }
  expect(seen).toEqual([32, 16, 8, 4, 2, 1, 1, 1])
  expect(concurrency.isCut).toBe(true)
})

test('a number that is declared anew holds at once; without one it begins at 10', () => {
  const concurrency = new Concurrency(undefined)
  run(concurrency, always(3), 5_000)
  concurrency.change(5)
  expect(run(concurrency, always(3), 100)).toBe(5)
  concurrency.change(undefined)
  expect(concurrency.now).toBe(5)
  expect(run(concurrency, always(3), 20)).toBeGreaterThanOrEqual(7)
})
