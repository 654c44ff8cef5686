import { type Breaker, openBreaker } from './breaker.ts'

/**
 * A destination's lane decides, for one delivery at a time, whether it may be attempted now. It never makes anyone
 * wait: what may not go now is parked, and comes back when the lane has room. (Where that is a moment away, `lanes.ts`
 * asks again.)
 *
 * Three kinds of deliveries meet here. New ones come straight from EVENTS; due ones are retries (a bounded share, so
 * that a bad hour doesn't hold back what is new); parked ones wait already, and get at least a quarter of the slots,
 * so that they move even while new ones keep coming. Not more, because each costs three times what a new one does.
 *
 * The number of slots is at most the destination's `concurrency`, and adapts below that: 429 halves it, success
 * raises it again by one a round; after a breaker closes it starts at one and doubles.
 */
export type LaneKind = 'new' | 'due' | 'parked'

export type Admission =
  | { readonly kind: 'go' }
  | {
      readonly kind: 'wait'
      readonly why: 'paused' | 'full' | 'no_slot' | 'broken' | 'host_broken' | 'rate' | 'throttled'
      /** When to ask again, ms; absent where a finished attempt or a change of configuration will tell. */
      readonly untilMs?: number
    }

/** What an attempt says about the destination. */
export type Health = 'well' | 'failing' | 'unreachable' | 'throttled' | 'unknown'

export interface LaneLimits {
  readonly concurrency: number
  readonly paused: boolean
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number } | undefined
}

export interface Lane {
  admit(kind: LaneKind, nowMs: number): Admission
  /** An attempt that was admitted is over. `retryAfterMs`: what the destination asked for. */
  finish(kind: LaneKind, health: Health, nowMs: number, retryAfterMs?: number): void
  change(limits: LaneLimits): void
  /** Deliveries parked for this lane; the caller counts. */
  waiting: number
  readonly inFlight: number
  readonly state: 'well' | 'busy' | 'throttled' | 'broken' | 'paused'
  /** Attempts that it may have under way now. */
  readonly room: number
  /** One has begun the lane's work, or ended well, in the last `momentMs`: while it is full, a slot is free soon. */
  movesOn(nowMs: number): boolean
  /** Attempts have ended well within 5 ms of each other, lately. */
  readonly brisk: boolean
  /** Attempts are under way, and none has ended well for a while. */
  mayHang(nowMs: number): boolean
  /** Nothing in it and nothing to remember: it may be forgotten. */
  readonly idle: boolean
}

/** After so long without a cut, a lane that does well has all its slots again. */
const forgivenMs = 60_000

/** Waiting so long for a slot, ms, costs less than being parked: storing a message, reading it and taking it out again. */
export const momentMs = 100

/** Between two that end well, ms: 200 a second. */
const briskMs = 5
/** Weight of the newest such time. */
const smoothing = 0.05

/** With attempts under way and none that ended well for so long, they may hang. */
const hangMs = 5_000

export const laneBreaker = { threshold: 5, firstMs: 1_000, longestMs: 10_000 }

const wait = (why: Extract<Admission, { kind: 'wait' }>['why'], untilMs?: number): Admission =>
  untilMs === undefined ? { kind: 'wait', why } : { kind: 'wait', why, untilMs }
const go: Admission = { kind: 'go' }

/**
 * @param host the breaker that all destinations of one host share: a dead host is probed once, not by each of them
 * @param breaker the destination's own; outlives a lane that is forgotten
 */
export function openLane(initial: LaneLimits, host: Breaker, breaker = openBreaker(laneBreaker)): Lane {
  const inFlight = { new: 0, due: 0, parked: 0 }
  let limits = initial
  /** Slots now; a fraction, because one success adds one part of a slot. */
  let slots = initial.concurrency
  /** Below this many slots growth doubles a round, above it adds one (TCP's slow start, RFC 5681). */
  let doublesBelow = initial.concurrency
  let notBeforeMs = 0
  /** When an attempt last ended well, ms. */
  let wellMs = 0
  /** From one that ended well to the next, lately, ms. */
  let everyMs = momentMs
  /** Since when attempts are under way without a break, ms. */
  let busyMs = 0
  /** What was let in last. */
  let latest: LaneKind | undefined
  /** When the slots were last cut, ms. */
  let cutMs = 0
  let tokens = initial.rateLimit?.burst ?? 0
  let filledMs = 0

  const total = (): number => inFlight.new + inFlight.due + inFlight.parked
  const roomNow = (): number => Math.max(1, Math.floor(slots))

  function hasRoom(kind: LaneKind): boolean {
    const room = roomNow()
    if (total() >= room) return false
    switch (kind) {
      case 'new':
        if (lane.waiting === 0) return true
        return room === 1 ? latest !== 'new' : inFlight.new < Math.floor((room * 3) / 4)
      case 'due':
        return inFlight.due < Math.max(1, Math.floor(room / 4))
      case 'parked':
        return true
      default:
        return kind satisfies never
    }
  }

  /** Milliseconds until the rate allows one more; 0 takes it. */
  function takeToken(nowMs: number): number {
    const { rateLimit } = limits
    if (!rateLimit) return 0
    if (nowMs > filledMs) {
      tokens = Math.min(rateLimit.burst, tokens + ((nowMs - filledMs) / 1000) * rateLimit.perSecond)
      filledMs = nowMs
    }
    if (tokens < 1) return ((1 - tokens) / rateLimit.perSecond) * 1000
    tokens--
    return 0
  }

  const lane: Lane = {
    waiting: 0,
    admit(kind, nowMs) {
      if (limits.paused) return wait('paused')
      if (nowMs < notBeforeMs) return wait('throttled', notBeforeMs)
      if (!hasRoom(kind)) return wait('full')
      const own = breaker.ask(nowMs)
      if (typeof own === 'number') return wait('broken', own)
      const shared = host.ask(nowMs)
      if (typeof shared === 'number') {
        if (own === 'probe') breaker.unused()
        return wait('host_broken', shared)
      }
      const rateMs = takeToken(nowMs)
      if (rateMs > 0) {
        if (own === 'probe') breaker.unused()
        if (shared === 'probe') host.unused()
        return wait('rate', nowMs + rateMs)
      }
      if (total() === 0) busyMs = nowMs
      inFlight[kind]++
      latest = kind
      return go
    },
    finish(kind, health, nowMs, retryAfterMs) {
      inFlight[kind]--
      switch (health) {
        case 'well':
          everyMs += (Math.min(nowMs - wellMs, momentMs) - everyMs) * smoothing
          wellMs = nowMs
          if (breaker.state !== 'closed') {
            slots = 1
            doublesBelow = limits.concurrency
            cutMs = nowMs
          }
          breaker.succeeded()
          host.succeeded()
          slots = Math.min(limits.concurrency, slots + (slots < doublesBelow ? 1 : 1 / slots))
          // With little traffic, success adds slowly; but nothing bad for so long is as good.
          if (nowMs - cutMs > forgivenMs) slots = limits.concurrency
          return
        case 'throttled':
          breaker.succeeded()
          host.succeeded()
          doublesBelow = Math.max(1, slots / 2)
          slots = doublesBelow
          cutMs = nowMs
          notBeforeMs = nowMs + Math.min(retryAfterMs ?? 1_000, 60_000)
          return
        case 'failing':
          breaker.failed(nowMs)
          host.succeeded() // it answered
          return
        case 'unreachable':
          breaker.failed(nowMs)
          host.failed(nowMs)
          return
        case 'unknown':
          breaker.unused()
          host.unused()
          return
        default:
          return health satisfies never
      }
    },
    change(next) {
      if (next.concurrency !== limits.concurrency) {
        slots = Math.min(slots, next.concurrency)
        doublesBelow = next.concurrency
      }
      limits = next
    },
    get inFlight() {
      return total()
    },
    get state() {
      if (limits.paused) return 'paused'
      if (breaker.state !== 'closed') return 'broken'
      if (slots < limits.concurrency) return 'throttled'
      return total() > 0 || lane.waiting > 0 ? 'busy' : 'well'
    },
    get room() {
      return roomNow()
    },
    movesOn: nowMs => breaker.state === 'closed' && nowMs - Math.max(wellMs, busyMs) < momentMs,
    get brisk() {
      return everyMs < briskMs
    },
    mayHang: nowMs => total() > 0 && nowMs - wellMs > hangMs,
    get idle() {
      return total() === 0 && lane.waiting === 0 && breaker.state === 'closed' && slots >= limits.concurrency
    },
  }
  return lane
}
