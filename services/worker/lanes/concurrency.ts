/**
 * How many attempts a destination may have under way at one time.
 *
 * A declared number is a limit that is never exceeded. Without one it is between 10 and 64: it grows by one a round while
 * the lane is full and the destination answers as fast as it did, and shrinks where answers grow slow with it (a gradient
 * of latency, as TCP Vegas has it). 429 halves either, success raises it again by one a round; after a breaker has closed
 * it starts at one and doubles (TCP's slow start, RFC 5681).
 */
const least = 10
const most = 64
/** After so long without a cut, ms, a lane that does well has at least what it began with. */
const forgivenMs = 60_000
/** Answers up to this much slower than usual, ms, are no reason to shrink: the worker's own event loop does that. */
const toleratedMs = 5
/** Weight of the newest answer in the recent latency. */
const recentWeight = 0.1
/** Weight of the newest answer in the usual latency, where the answer took longer than usual. */
const usualWeight = 0.02

export class Concurrency {
  #declared: number | undefined
  /** A fraction, because one success adds a part of a slot. */
  #slots: number
  /** Below this, growth doubles a round. */
  #doublesBelow: number
  #cutMs = Number.NEGATIVE_INFINITY
  /** The destination's time to answer, ms: usually, and lately. */
  #usualMs = Number.POSITIVE_INFINITY
  #recentMs = 0

  /** @param declared 1 to 1000; undefined: adapts */
  constructor(declared: number | undefined) {
    this.#declared = declared
    this.#slots = this.#base
    this.#doublesBelow = this.#base
  }

  /** The slots it begins with, and returns to by itself. */
  get #base(): number {
    return this.#declared ?? least
  }

  /** At least 1. */
  get now(): number {
    return Math.max(1, Math.floor(this.#slots))
  }

  /** It has fewer slots than it began with: cut by a 429, or recovering. */
  get isCut(): boolean {
    return this.#slots < this.#base
  }

  change(declared: number | undefined): void {
    if (declared === this.#declared) return
    this.#declared = declared
    this.#slots = Math.min(this.#slots, this.#base)
    this.#doublesBelow = this.#base
  }

  /**
   * An attempt ended well.
   *
   * @param latencyMs from its start to the end of the answer
   * @param wasFull whether the lane had no slot left: growing where there is room says nothing
   */
  succeeded(latencyMs: number, wasFull: boolean, nowMs: number): void {
    this.#learn(latencyMs)
    if (this.#slots < this.#base) {
      this.#slots = Math.min(
        this.#base,
        this.#slots + (this.#slots < this.#doublesBelow ? 1 : 1 / this.#slots),
      )
      // With little traffic success adds slots slowly; so long without a cut counts as well.
      if (nowMs - this.#cutMs > forgivenMs) this.#slots = this.#base
      return
    }
    if (this.#declared !== undefined || !wasFull) return
    if (this.#recentMs <= 2 * this.#usualMs + toleratedMs) {
      this.#slots = Math.min(most, this.#slots + 1 / this.#slots)
    } else if (this.#recentMs > 3 * this.#usualMs + 2 * toleratedMs) {
      this.#slots = Math.max(least, this.#slots - 1 / this.#slots)
    }
  }

  /** It answered 429. */
  throttled(nowMs: number): void {
    this.#doublesBelow = Math.max(1, this.#slots / 2)
    this.#slots = this.#doublesBelow
    this.#cutMs = nowMs
  }

  /** Its breaker has closed. */
  restarted(nowMs: number): void {
    this.#slots = 1
    this.#doublesBelow = this.#base
    this.#cutMs = nowMs
  }

  /** The usual latency is measured with few attempts at a time: many attempts may themselves make answers slow. */
  #learn(latencyMs: number): void {
    const isFirst = this.#recentMs === 0
    this.#recentMs = isFirst ? latencyMs : this.#recentMs + (latencyMs - this.#recentMs) * recentWeight
    if (isFirst || latencyMs < this.#usualMs) this.#usualMs = latencyMs
    else if (this.#slots < least + 1) this.#usualMs += (latencyMs - this.#usualMs) * usualWeight
  }
}
