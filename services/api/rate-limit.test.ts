import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openRateLimiter, policyOf, rateHeaders, windowPolicyOf } from './rate-limit.ts'

test('a burst passes at once, the next one is told to wait', () => {
  const take = openRateLimiter({ perSecond: 1, burst: 3 })
  expect([0, 0, 0].map(at => take('a', at).remaining)).toEqual([2, 1, 0])
  expect(take('a', 0)).toMatchObject({ allowed: false, remaining: 0, retryAfterSeconds: 1 })
  expect(take('a', 1000).allowed).toBe(true)
})

test('one key does not use up what another has', () => {
  const take = openRateLimiter({ perSecond: 1, burst: 1 })
  expect(take('a', 0).allowed).toBe(true)
  expect(take('a', 0).allowed).toBe(false)
  expect(take('b', 0).allowed).toBe(true)
})

test('never more than the burst and the rate, and whoever waits as told is let in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 10 }),
      (gapsMs, perSecond, burst) => {
        const take = openRateLimiter({ perSecond, burst })
        let nowMs = 0
        let allowed = 0
        for (const gapMs of gapsMs) {
          nowMs += gapMs
          const verdict = take('a', nowMs)
          if (verdict.allowed) allowed++
          else {
            nowMs += verdict.retryAfterSeconds * 1000
            expect(take('a', nowMs).allowed).toBe(true)
            allowed++
          }
        }
        expect(allowed).toBeLessThanOrEqual(burst + (nowMs / 1000) * perSecond + 1e-6)
      },
    ),
  )
})

test('clients are told the limit, what is left, and when all of it is there again', () => {
  const take = openRateLimiter({ perSecond: 50, burst: 200 })
  const told = [...Array(151)].map(() => rateHeaders(take('a', 0))).at(-1)
  expect(told).toEqual({ 'ratelimit-policy': '"credential";q=200;w=4', ratelimit: '"credential";r=49;t=4' })
  expect(rateHeaders(take('a', 3_000)).ratelimit).toBe('"credential";r=198;t=1')
})

test('a burst below the rate lowers the rate where windows are counted', () => {
  expect(windowPolicyOf({ perSecond: 50, burst: 5 })).toEqual({ quota: 50, windowSeconds: 1 })
  expect(windowPolicyOf({ perSecond: 2, burst: 3 })).toEqual({ quota: 4, windowSeconds: 2 })
  for (const limit of [
    { perSecond: 50, burst: 200 },
    { perSecond: 10 / 3_600, burst: 10 },
    { perSecond: 50 },
  ])
    expect(windowPolicyOf(limit)).toEqual(policyOf(limit))
})

test('a rate with a fraction is rounded up, or far down', () => {
  expect(windowPolicyOf({ perSecond: 0.3, burst: 1 })).toEqual({ quota: 2, windowSeconds: 7 })
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 200, noNaN: true }),
      fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      (perSecond, burst) => {
        const { quota, windowSeconds } = windowPolicyOf({ perSecond, burst })
        expect(quota / windowSeconds).toBeLessThanOrEqual(perSecond * (1 + 1e-5))
        expect(quota / windowSeconds).toBeGreaterThanOrEqual(perSecond * 0.95 * (1 - 1e-5))
      },
    ),
  )
})

test('remembers no more keys than it may', () => {
  const take = openRateLimiter({ perSecond: 0.001, burst: 1 })
  take('first', 0)
  for (let i = 0; i < 10_000; i++) take(`key ${i}`, 0)
  expect(take('first', 0).allowed).toBe(true)
})
