import { openTokenBucket, type RateLimit, type TokenBucket } from '@fairlead/daemon/token-bucket'

/** Whether a request may go on, and what its client is told about the limit. */
export interface RateVerdict {
  readonly allowed: boolean
  /** Requests that may follow at once. */
  readonly remaining: number
  /** Whole seconds, at least 1, until one more is allowed. 0 while there is something left. */
  readonly retryAfterSeconds: number
}

/** Keys remembered at one time; the one unused for longest goes first, and starts anew with a full bucket. */
const rememberedKeys = 10_000

/**
 * Token buckets in this process' memory, one a key. Several API processes each allow the whole rate: this keeps one
 * client from drowning one process, it is not a quota.
 */
export function openRateLimiter(limit: RateLimit): (key: string, nowMs: number) => RateVerdict {
  const buckets = new Map<string, TokenBucket>()
  return (key, nowMs) => {
    const bucket = buckets.get(key) ?? openTokenBucket(limit)
    // Insertion order is order of use: what is used goes to the end.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > rememberedKeys) buckets.delete(buckets.keys().next().value!)
    const waitMs = bucket.take(nowMs)
    return {
      allowed: waitMs === 0,
      remaining: Math.floor(bucket.level(nowMs)),
      retryAfterSeconds: waitMs === 0 ? 0 : Math.max(1, Math.ceil(waitMs / 1000)),
    }
  }
}
