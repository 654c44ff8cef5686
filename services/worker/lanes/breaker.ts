/**
 * Stops attempts at something that keeps failing, and finds out by single probes when it is well again.
 *
 *            threshold failures in a row               time is up: one probe
 *   closed ───────────────────────────────▶ open ◀──────────────────────────▶ probing
 *      ▲                                      probe failed: twice as long        │
 *      └────────────────────────────── probe succeeded ──────────────────────────┘
 */
export interface Breaker {
  /** 'closed': go. 'probe': go, as the only one. A time (ms): not before then, or not while a probe is under way. */
  ask(nowMs: number): 'closed' | 'probe' | number
  /** A probe was granted, but not used. */
  unused(): void
  succeeded(): void
  failed(nowMs: number): void
  readonly state: 'closed' | 'open' | 'probing'
}

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly threshold: number
  /** How long the first opening lasts, ms; each further one lasts twice as long. */
  readonly firstMs: number
  readonly longestMs: number
}

export function openBreaker({ threshold, firstMs, longestMs }: BreakerLimits): Breaker {
  let failures = 0
  let openings = 0
  let closedUntilMs = 0
  let probing = false
  return {
    ask(nowMs) {
      if (openings === 0) return 'closed'
      if (probing || nowMs < closedUntilMs) return Math.max(closedUntilMs, nowMs + 1)
      probing = true
      return 'probe'
    },
    unused() {
      probing = false
    },
    succeeded() {
      failures = 0
      openings = 0
      probing = false
    },
    failed(nowMs) {
      failures++
      // While it is open, only the probe's failure counts: the others were under way before it opened.
      if (openings > 0 && !probing) return
      if (openings === 0 && failures < threshold) return
      probing = false
      closedUntilMs = nowMs + Math.min(longestMs, firstMs * 2 ** openings)
      openings = Math.min(openings + 1, 30)
    },
    get state() {
      if (openings === 0) return 'closed'
      return probing ? 'probing' : 'open'
    },
  }
}
