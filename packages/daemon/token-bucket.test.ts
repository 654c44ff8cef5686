import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openTokenBucket } from './token-bucket.ts'

/** Tokens that can be taken at one moment. */
function takeAll(bucket: ReturnType<typeof openTokenBucket>, nowMs: number): number {
  let taken = 0
  while (bucket.take(nowMs) === 0) taken++
  return taken
}

test('a full bucket gives its burst at once, then its rate, and says how long the next token takes', () => {
  const bucket = openTokenBucket({ perSecond: 10, burst: 3 })
  expect(takeAll(bucket, 1_000)).toBe(3)
  expect(bucket.take(1_000)).toBeCloseTo(100)
  expect(bucket.waitMs(1_050)).toBeCloseTo(50)
  expect(takeAll(bucket, 1_100)).toBe(1)
  expect(takeAll(bucket, 11_000)).toBe(3)
})

test.each([
  [10, 20],
  [0.2, 1],
  [1.4, 3],
])('without a burst, %d a second holds %d tokens', (perSecond, burst) => {
  expect(takeAll(openTokenBucket({ perSecond }), 0)).toBe(burst)
})

test('a changed limit refills nothing, and a smaller burst takes away what is above it', () => {
  const bucket = openTokenBucket({ perSecond: 1, burst: 10 })
  takeAll(bucket, 0)
  bucket.change({ perSecond: 1, burst: 100 }, 0)
  expect(takeAll(bucket, 0)).toBe(0)
  expect(takeAll(bucket, 5_000)).toBe(5)
  bucket.change({ perSecond: 1, burst: 2 }, 60_000)
  expect(takeAll(bucket, 60_000)).toBe(2)
})

test('a clock that goes back gives no token', () => {
  const bucket = openTokenBucket({ perSecond: 1, burst: 1 })
  expect(bucket.take(10_000)).toBe(0)
  expect(bucket.take(0)).toBeGreaterThan(0)
  expect(bucket.take(10_900)).toBeGreaterThan(0)
  expect(bucket.take(11_000)).toBe(0)
})

test('in no span of time more tokens are taken than burst and rate allow', () => {
  fc.assert(
    fc.property(
      fc.record({ perSecond: fc.integer({ min: 1, max: 1_000 }), burst: fc.integer({ min: 1, max: 50 }) }),
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 }),
      (limit, steps) => {
        const bucket = openTokenBucket(limit)
        let nowMs = 0
        let taken = 0
        for (const step of steps) {
          nowMs += step
          if (bucket.take(nowMs) === 0) taken++
        }
        expect(taken).toBeLessThanOrEqual(limit.burst + (nowMs / 1000) * limit.perSecond + 1e-6)
        expect(bucket.isFull(nowMs)).toBe(bucket.level(nowMs) >= limit.burst)
      },
    ),
  )
})
