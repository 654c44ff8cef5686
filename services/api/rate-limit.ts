import {
  defaultBurst,
  openTokenBucket,
  type RateLimit,
  type TokenBucket,
} from '@fairlead/daemon/token-bucket'

/** Whether a request may go on, and what its client is told about the limit. */
export interface RateVerdict {
  readonly allowed: boolean
  /** Requests that may follow at once. */
  readonly remaining: number
  /** Whole seconds, at least 1, until one more is allowed. 0 while there is something left. */
  readonly retryAfterSeconds: number
  readonly policy: RatePolicy
  /** Whole seconds until all of the quota is there again, if nothing is asked meanwhile. */
  readonly fullAfterSeconds: number
}

/** A token bucket, said as a quota: this many requests at once, and as many again after the window. */
export interface RatePolicy {
  readonly quota: number
  /** At least 1. */
  readonly windowSeconds: number
}

/** Keys remembered at one time; the one unused for longest goes first, and starts anew with a full bucket. */
const rememberedKeys = 10_000

/** Takes one request of a credential's rate. */
export type TakeRate = (key: string, nowMs: number) => RateVerdict | Promise<RateVerdict>

export function policyOf(limit: RateLimit): RatePolicy {
  const quota = limit.burst ?? defaultBurst(limit.perSecond)
  return { quota, windowSeconds: Math.max(1, Math.ceil(quota / limit.perSecond)) }
}

/** How much of a rate a quota of whole requests a whole number of seconds keeps at least. */
const leastKept = 0.95

/**
 * The same limit where requests are counted by window: the shortest window whose whole requests are 95 % of the rate at least, and never
 * more than it. None of a burst that is smaller than the window's rate lowers that rate.
 */
export function windowPolicyOf(limit: RateLimit): RatePolicy {
  const { quota: burst, windowSeconds: shortest } = policyOf(limit)
  for (let windowSeconds = shortest; ; windowSeconds++) {
    const exact = limit.perSecond * windowSeconds
    // A product such as 10/3600 × 3600 may be a little less than it is.
    const quota = Math.max(burst, Math.floor(exact + 1e-6))
    if (quota >= leastKept * exact) return { quota, windowSeconds }
  }
}

/**
 * Token buckets in this process' memory, one a key, for an API without a Redis. Several such processes each allow the whole rate
 * (`shared-rate.ts` counts for all of them).
 */
export function openRateLimiter(limit: RateLimit): (key: string, nowMs: number) => RateVerdict {
  const buckets = new Map<string, TokenBucket>()
  const policy = policyOf(limit)
  return (key, nowMs) => {
    const bucket = buckets.get(key) ?? openTokenBucket(limit)
    // Insertion order is order of use: what is used goes to the end.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > rememberedKeys) buckets.delete(buckets.keys().next().value!)
    const waitMs = bucket.take(nowMs)
    const level = bucket.level(nowMs)
    return {
      allowed: waitMs === 0,
      remaining: Math.floor(level),
      retryAfterSeconds: waitMs === 0 ? 0 : Math.max(1, Math.ceil(waitMs / 1000)),
      policy,
      fullAfterSeconds: Math.ceil((policy.quota - level) / limit.perSecond),
    }
  }
}

/** The fields of draft-ietf-httpapi-ratelimit-headers (11, 2026-05): the limit of one credential, and what is left of it. */
export function rateHeaders({ policy, remaining, fullAfterSeconds }: RateVerdict): Record<string, string> {
  return {
    'ratelimit-policy': `"credential";q=${policy.quota};w=${policy.windowSeconds}`,
    ratelimit: `"credential";r=${remaining};t=${fullAfterSeconds}`,
  }
}
