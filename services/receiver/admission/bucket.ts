/** A token bucket: so many a second, and so many at once after a pause. Pure but for its own count. */
export interface TokenBucket {
  /** Takes one token: 0 if there was one, else the seconds until there is. */
  take(nowMs: number): number
}

export function openBucket(limit: { perSecond: number; burst: number }): TokenBucket {
  let tokens = limit.burst
  let filledMs = Number.NEGATIVE_INFINITY
  return {
    take(nowMs) {
      // A clock that goes back gives nothing and takes nothing.
      if (nowMs > filledMs) {
        tokens = Math.min(limit.burst, tokens + ((nowMs - filledMs) / 1000) * limit.perSecond)
        filledMs = nowMs
      }
      if (tokens >= 1) {
        tokens--
        return 0
      }
      return (1 - tokens) / limit.perSecond
    },
  }
}
