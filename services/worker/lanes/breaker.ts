/**
 * Stops attempts at a destination that keeps failing, and finds out by single probes when it works again.
 *
 *            threshold failures in a row               time is up: one probe
 *   closed ───────────────────────────────▶ open ◀──────────────────────────▶ probing
 *      ▲                                      probe failed: twice as long        │
 *      └────────────────────────────── probe succeeded ──────────────────────────┘
 */
export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly threshold: number
  /** How long the first opening lasts, ms; each further one lasts twice as long. */
  readonly firstMs: number
  readonly longestMs: number
  /**
   * Failures further apart than this, ms, are not counted as a row: so few attempts are no burden, and follow
   * their retry schedule. Default: any distance counts.
   */
  readonly rowMs?: number
}

/** A class, because each lane has one: 100,000 of them are usual. */
export class Breaker {
  readonly #limits: BreakerLimits
  #failures = 0
  #failedMs = Number.NEGATIVE_INFINITY
  #openings = 0
  #closedUntilMs = 0
  #probing = false

  constructor(limits: BreakerLimits) {
    this.#limits = limits
  }

  /** 'closed': attempt. 'probe': attempt, with no other beside it. A time, ms: ask again then, or when the probe has ended. */
  ask(nowMs: number): 'closed' | 'probe' | number {
    if (this.#openings === 0) return 'closed'
    if (this.#probing || nowMs < this.#closedUntilMs) return Math.max(this.#closedUntilMs, nowMs + 1)
    this.#probing = true
    return 'probe'
  }

  /** A probe was granted, and not used or without a result. */
  unused(): void {
    this.#probing = false
  }

  succeeded(): void {
    this.#failures = 0
    this.#openings = 0
    this.#probing = false
  }

  failed(nowMs: number): void {
    const { threshold, firstMs, longestMs, rowMs = Number.POSITIVE_INFINITY } = this.#limits
    if (this.#openings === 0 && nowMs - this.#failedMs >= rowMs) this.#failures = 0
    this.#failures++
    this.#failedMs = nowMs
    // While it is open, only the probe's failure counts: the others were under way before it opened.
    if (this.#openings > 0 && !this.#probing) return
    if (this.#openings === 0 && this.#failures < threshold) return
    this.#probing = false
    this.#closedUntilMs = nowMs + Math.min(longestMs, firstMs * 2 ** this.#openings)
    this.#openings = Math.min(this.#openings + 1, 30)
  }

  get state(): 'closed' | 'open' | 'probing' {
    if (this.#openings === 0) return 'closed'
    return this.#probing ? 'probing' : 'open'
  }

  /** Failures in a row, up to now. */
  get failures(): number {
    return this.#failures
  }

  /** Since when a probe may be made, ms; only while the state is open. */
  get probeFromMs(): number {
    return this.#closedUntilMs
  }
}
