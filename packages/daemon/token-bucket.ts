/** A rate with a burst. */
export interface RateLimit {
  /** Tokens that flow in a second; above 0. */
  readonly perSecond: number
  /** Tokens that the bucket holds when full; at least 1. Default 2 × perSecond, and at least 1. */
  readonly burst?: number | undefined
}

/** A token bucket. It reads no clock: `nowMs` is passed in, in milliseconds of any clock. */
export interface TokenBucket {
  /** Takes one token and returns 0; without a token it takes nothing and returns the milliseconds until there is one. */
  take(nowMs: number): number
  /** Milliseconds until there is a token, 0 if there is one; takes nothing. */
  waitMs(nowMs: number): number
  /** Tokens in the bucket, with fractions; at most the burst. */
  level(nowMs: number): number
  /** Whether the bucket is full: then forgetting it and opening it anew makes no difference. */
  isFull(nowMs: number): boolean
  /** From now on another limit holds. The level stays, at most the new burst: a change refills nothing. */
  change(limit: RateLimit, nowMs: number): void
}

/** The burst of a rate for which none is configured. */
export const defaultBurst = (perSecond: number): number => Math.max(1, Math.ceil(2 * perSecond))

/** Opens a full bucket. */
export function openTokenBucket(limit: RateLimit): TokenBucket {
  let { perSecond } = limit
  let burst = limit.burst ?? defaultBurst(perSecond)
  let tokens = burst
  let filledMs = Number.NEGATIVE_INFINITY

  function fill(nowMs: number): void {
    // A clock that goes back adds nothing and removes nothing.
    if (nowMs <= filledMs) return
    tokens = Math.min(burst, tokens + ((nowMs - filledMs) / 1000) * perSecond)
    filledMs = nowMs
  }

  function waitMs(nowMs: number): number {
    fill(nowMs)
    return tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000
  }

  return {
    take(nowMs) {
      const wait = waitMs(nowMs)
      if (wait === 0) tokens--
      return wait
    },
    waitMs,
    level(nowMs) {
      fill(nowMs)
      return tokens
    },
    isFull(nowMs) {
      fill(nowMs)
      return tokens >= burst
    },
    change(next, nowMs) {
      fill(nowMs)
      perSecond = next.perSecond
      burst = next.burst ?? defaultBurst(perSecond)
      tokens = Math.min(tokens, burst)
    },
  }
}
