/** Whether a request may go on, and what its client is told about the limit. */
export interface RateVerdict {
  readonly allowed: boolean
  /** Requests that may follow at once. */
  readonly remaining: number
  /** Whole seconds, at least 1, until one more is allowed. 0 while there is something left. */
  readonly retryAfterSeconds: number
}

export interface RateLimit {
  /** Requests a second, on average. */
  readonly perSecond: number
  /** Requests at once. */
  readonly burst: number
}

interface Bucket {
  /** Milliseconds at which the bucket is full again: one number says all (GCRA). */
  fullAtMs: number
}

/** Keys remembered at one time; the one unused for longest goes first, and starts anew with a full bucket. */
const rememberedKeys = 10_000

/**
 * Token buckets in this process' memory, one a key. Several API processes each allow the whole rate: this keeps one
 * client from drowning one process, it is not a quota.
 */
export function openRateLimiter(limit: RateLimit): (key: string, nowMs: number) => RateVerdict {
  const intervalMs = 1000 / limit.perSecond
  const buckets = new Map<string, Bucket>()
  return (key, nowMs) => {
    const bucket = buckets.get(key) ?? { fullAtMs: nowMs }
    // Insertion order is order of use: what is used goes to the end.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > rememberedKeys) buckets.delete(buckets.keys().next().value!)
    const missing = Math.max(0, bucket.fullAtMs - nowMs) / intervalMs
    const free = limit.burst - missing
    if (free < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil(((1 - free) * intervalMs) / 1000))
      return { allowed: false, remaining: 0, retryAfterSeconds }
    }
    bucket.fullAtMs = Math.max(bucket.fullAtMs, nowMs) + intervalMs
    return { allowed: true, remaining: Math.floor(free - 1), retryAfterSeconds: 0 }
  }
}
