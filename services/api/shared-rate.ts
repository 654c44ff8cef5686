import type { RateLimit } from '@fairlead/daemon/token-bucket'
import type { Redis } from 'ioredis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { openRateLimiter, type RateVerdict, type TakeRate, windowPolicyOf } from './rate-limit.ts'
import { redisPrefix } from './redis.ts'

/** How long Redis may take to count a request, ms. Usual is less than 1. */
const answerMs = 250
/** How long this process counts alone after Redis failed or was slow, ms. */
const aloneMs = 1_000

/**
 * Counts requests of a credential in Redis, so that all processes together allow its rate: at most the quota in each window, whose
 * first request begins it. While Redis is away or slow this process counts in its own memory, and refuses nobody for that. A
 * credential that used up its quota is refused from memory until the window ends: a flood costs Redis nothing.
 */
export function openSharedRate(redis: Redis, limit: RateLimit): TakeRate {
  const inMemory = openRateLimiter(limit)
  const policy = windowPolicyOf(limit)
  const shared = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${redisPrefix}rate`,
    points: policy.quota,
    duration: policy.windowSeconds,
    rejectIfRedisNotReady: true,
    inMemoryBlockOnConsumed: policy.quota + 1,
  })
  const verdictOf = ({ remainingPoints, msBeforeNext }: RateLimiterRes, allowed: boolean): RateVerdict => {
    const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
    return {
      allowed,
      remaining: remainingPoints,
      retryAfterSeconds: allowed ? 0 : seconds,
      policy,
      fullAfterSeconds: seconds,
    }
  }
  let aloneUntilMs = 0
  return async (key, nowMs) => {
    if (nowMs < aloneUntilMs) return inMemory(key, nowMs)
    try {
      return verdictOf(await within(shared.consume(key), answerMs), true)
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return verdictOf(refused, false)
      aloneUntilMs = nowMs + aloneMs
      return inMemory(key, nowMs)
    }
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
