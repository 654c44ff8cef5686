import { openTokenBucket, type RateLimit, type TokenBucket } from '@fairlead/daemon/token-bucket'
import type { OrganizationId } from '@fairlead/webhook/id'
import { Breaker } from './breaker.ts'
import { Concurrency } from './concurrency.ts'
import type { Host } from './host-breaker.ts'

/**
 * Decides for one destination whether its next delivery may be attempted now. Pure: it holds no delivery, waits for
 * nothing and reads no clock. `queue.ts` keeps the deliveries and acts on these decisions.
 *
 *                      ┌──────────────── moves ────────────────┐
 *   next delivery ─▶ ask ─▶ go                                  │
 *                      │ ─▶ wait: full, rate                    │  its queue waits in memory
 *                      └────────────────────────────────────────┘
 *                      ┌──────────────── stands ───────────────┐
 *                      │ ─▶ wait: paused, throttled, broken,    │  its queue is parked in DELIVERIES
 *                      │          host_broken, hangs            │
 *                      └────────────────────────────────────────┘
 */
export type Answer = 'go' | Wait

export interface Wait {
  readonly why: 'full' | 'rate' | 'paused' | 'throttled' | 'broken' | 'host_broken' | 'hangs'
  /** When to ask again, ms; absent where an attempt that ends or a change of configuration will tell. */
  readonly untilMs?: number
}

/** The destination's health as an attempt shows it. */
export type Health =
  | 'well'
  | 'throttled'
  /** It answered with a failure. */
  | 'failing'
  /** Its host (scheme, host, port) could not be reached. */
  | 'unreachable'
  /** The destination's own settings, or something that only it needs, failed: that says nothing about its host. */
  | 'faulty'
  /** There was no attempt, or its outcome says nothing about the destination. */
  | 'unknown'

export interface LaneLimits {
  /** Attempts at one time; undefined: adapts. */
  readonly concurrency?: number | undefined
  readonly paused: boolean
  readonly rateLimit?: RateLimit | undefined
}

export type LaneState = 'well' | 'busy' | 'throttled' | 'broken' | 'host_broken' | 'paused'

export const laneBreaker = { threshold: 5, firstMs: 1_000, longestMs: 10_000, rowMs: 2_000 }

/** With all slots in use and no attempt ended for so long, ms, or for `hangFactor` times what attempts take lately. */
const hangMs = 1_000
const hangFactor = 4
/** Attempts under way may hang where none has ended well for this long, ms. */
const doubtMs = 5_000
/** How long an idle lane is kept, ms. A lane that failed or was throttled is kept for longer. */
const rememberedMs = 60_000
const badRememberedMs = 600_000
/** The longest hold of a 429, ms. */
const longestHoldMs = 60_000

/** Whether a lane with this answer moves: it goes on without a probe, a resume or the end of a hold. */
export function moves({ why }: Wait): boolean {
  switch (why) {
    case 'full':
    case 'rate':
      return true
    case 'paused':
    case 'throttled':
    case 'broken':
    case 'host_broken':
    case 'hangs':
      return false
    default:
      return why satisfies never
  }
}

const paused: Wait = { why: 'paused' }
const full: Wait = { why: 'full' }
const hangs: Wait = { why: 'hangs' }
const broken: Wait = { why: 'broken' }

export class Lane {
  /** Attempts under way. */
  inFlight = 0
  readonly #organization: OrganizationId
  readonly #concurrency: Concurrency
  readonly #breaker = new Breaker(laneBreaker)
  #host: Host
  #limits: LaneLimits
  #bucket: TokenBucket | undefined
  /** When the hold of a 429 ends, ms. */
  #holdUntilMs = Number.NEGATIVE_INFINITY
  /** When an attempt last ended; when one last ended well; since when some are under way without a break, ms. */
  #endedMs = 0
  #wellMs = 0
  #busyMs = 0
  /** How long attempts took lately, ms. */
  #tookMs = 0

  constructor(limits: LaneLimits, host: Host, organization: OrganizationId) {
    this.#limits = limits
    this.#host = host
    this.#organization = organization
    this.#concurrency = new Concurrency(limits.concurrency)
    if (limits.rateLimit) this.#bucket = openTokenBucket(limits.rateLimit)
  }

  /** 'go' takes a slot, a token of the rate and, of a breaker that is open, the probe; `finish` gives them back. */
  ask(nowMs: number): Answer {
    if (this.#limits.paused) return paused
    if (nowMs < this.#holdUntilMs) return { why: 'throttled', untilMs: this.#holdUntilMs }
    const own = this.#breaker.ask(nowMs)
    // While its probe is under way, `finish` of the probe decides.
    if (typeof own === 'number')
      return this.#breaker.state === 'probing' ? broken : { why: 'broken', untilMs: own }
    const wait = this.#askFurther(nowMs)
    if (wait) {
      if (own === 'probe') this.#breaker.unused()
      return wait
    }
    if (this.inFlight === 0) this.#busyMs = nowMs
    this.inFlight++
    return 'go'
  }

  #askFurther(nowMs: number): Wait | undefined {
    if (!this.hasSlot) return this.#isHung(nowMs) ? hangs : full
    const shared = this.#host.ask(this.#organization, nowMs)
    if (typeof shared === 'number') return { why: 'host_broken', untilMs: shared }
    const rateMs = this.#bucket?.take(nowMs) ?? 0
    if (rateMs === 0) return undefined
    if (shared === 'probe') this.#host.unused(this.#organization)
    return { why: 'rate', untilMs: nowMs + rateMs }
  }

  /**
   * An attempt that was let go is over.
   *
   * @param tookMs from its start to its end
   * @param retryAfterMs what the destination asked for
   */
  finish(health: Health, nowMs: number, tookMs: number, retryAfterMs?: number): void {
    const wasFull = !this.hasSlot
    this.inFlight--
    this.#endedMs = nowMs
    this.#tookMs = this.#tookMs === 0 ? tookMs : this.#tookMs + (tookMs - this.#tookMs) * 0.1
    switch (health) {
      case 'well':
        this.#wellMs = nowMs
        if (this.#breaker.state !== 'closed') this.#concurrency.restarted(nowMs)
        this.#answered()
        this.#concurrency.succeeded(tookMs, wasFull, nowMs)
        return
      case 'throttled':
        this.#answered()
        this.#concurrency.throttled(nowMs)
        this.#holdUntilMs = nowMs + Math.min(retryAfterMs ?? 1_000, longestHoldMs)
        return
      case 'failing':
        this.#breaker.failed(nowMs)
        this.#host.succeeded() // it answered
        return
      case 'unreachable':
        this.#breaker.failed(nowMs)
        this.#host.failed(this.#organization, nowMs)
        return
      case 'faulty':
        this.#breaker.failed(nowMs)
        this.#host.unused(this.#organization)
        return
      case 'unknown':
        this.#breaker.unused()
        this.#host.unused(this.#organization)
        return
      default:
        health satisfies never
    }
  }

  #answered(): void {
    this.#breaker.succeeded()
    this.#host.succeeded()
  }

  /** Applies changed settings. A changed rate does not refill the bucket. */
  change(limits: LaneLimits, host: Host, nowMs: number): void {
    this.#limits = limits
    this.#host = host
    this.#concurrency.change(limits.concurrency)
    if (!limits.rateLimit) this.#bucket = undefined
    else if (this.#bucket) this.#bucket.change(limits.rateLimit, nowMs)
    else this.#bucket = openTokenBucket(limits.rateLimit)
  }

  /** Attempts that it may have under way now: a probe, while its breaker is open. */
  get slots(): number {
    return this.#breaker.state === 'closed' ? this.#concurrency.now : 1
  }

  state(nowMs: number): LaneState {
    if (this.#limits.paused) return 'paused'
    if (this.#breaker.state !== 'closed') return 'broken'
    if (this.#host.holdsUp(this.#organization)) return 'host_broken'
    if (this.#concurrency.isCut || nowMs < this.#holdUntilMs) return 'throttled'
    return this.inFlight > 0 ? 'busy' : 'well'
  }

  /** Its own breaker, or its host's, is not closed for it. */
  get isBroken(): boolean {
    return this.#breaker.state !== 'closed'
  }

  get isHostBroken(): boolean {
    return this.#host.holdsUp(this.#organization)
  }

  /** The last attempt failed, or those under way may hang: the lane gets none of the slots that are kept for others. */
  isDoubtful(nowMs: number): boolean {
    if (this.#breaker.failures > 0) return true
    return this.inFlight > 0 && nowMs - this.#wellMs > doubtMs
  }

  /**
   * Nothing is under way, and a new lane would decide the same: for a while nothing happened, holds are over, the rate's
   * bucket is full. Failures and cut slots are remembered for longer.
   */
  isForgettable(nowMs: number): boolean {
    if (this.inFlight > 0 || nowMs < this.#holdUntilMs || this.#bucket?.isFull(nowMs) === false) return false
    const isWell = this.#breaker.failures === 0 && !this.#concurrency.isCut
    return nowMs - this.#endedMs > (isWell ? rememberedMs : badRememberedMs)
  }

  /** Whether a slot is left, although a hold, rate or breaker may still stop the lane. */
  get hasSlot(): boolean {
    return this.inFlight < this.#concurrency.now
  }

  #isHung(nowMs: number): boolean {
    const patienceMs = Math.max(hangMs, hangFactor * this.#tookMs)
    return nowMs - Math.max(this.#endedMs, this.#busyMs) > patienceMs
  }
}
