/**
 * How much may come in while delivering can't keep up. Only where receiver and workers share their processors
 * (standalone): there, what is accepted beyond what can be delivered is taken away from delivering, until nearly
 * nothing arrives any more. Elsewhere workers have processors of their own, and EVENTS takes what comes.
 */

export interface FlowState {
  /** Events stored that no worker had taken. */
  readonly lag: number
  /** Events a second that workers took lately; undefined before the first interval. */
  readonly takenPerSecond: number | undefined
}

export interface FlowDecision {
  readonly state: FlowState
  /** Requests a second that may be accepted; undefined: as many as come. */
  readonly perSecond: number | undefined
}

/** Up to here everything is stored as it comes: a second of delivering, about. */
const freeLag = 2_000
/** From there on less comes in than goes out: a fifth less here, so that the lag settles between the two. */
const highLag = 5_000
const leastShare = 0.8
/** In a burst a request waits for its turn so long, ms: well within what providers wait for an answer. */
const longestWaitMs = 1_000
/**
 * Where turns have been waited for all this time, ms, it is no burst, and a long queue only makes each one late: from
 * then on a request waits for `standingWaitMs` at most, until nobody waits.
 */
const burstMs = 2_000
const standingWaitMs = 200
/** Weight of the newest interval. */
const smoothing = 0.3
/** Where it isn't known yet how much is delivered. */
const unknownPerSecond = 500
/** Never less, also when nothing is delivered at all. */
const fewestPerSecond = 100

/**
 * Decides for the next interval from what happened in the last.
 * @param accepted events stored in it
 * @param seconds its length
 */
export function decideFlow(
  state: FlowState,
  observed: { readonly lag: number; readonly accepted: number; readonly seconds: number },
): FlowDecision {
  const taken = Math.max(0, observed.accepted - (observed.lag - state.lag)) / observed.seconds
  // While delivering keeps up, what it takes is what comes, which says nothing about what it could.
  const takenPerSecond =
    state.takenPerSecond === undefined || state.lag <= freeLag
      ? taken
      : state.takenPerSecond + smoothing * (taken - state.takenPerSecond)
  const next = { lag: observed.lag, takenPerSecond }
  if (observed.lag <= freeLag) return { state: next, perSecond: undefined }
  const excess = (observed.lag - freeLag) / (highLag - freeLag)
  const share = Math.max(leastShare, 1 - (1 - leastShare) * excess)
  return { state: next, perSecond: Math.max(fewestPerSecond, takenPerSecond * share) }
}

export interface Flow {
  /** Milliseconds until one more may come in, `longestWaitMs` at most; undefined: it is refused. */
  turn(): number | undefined
  accepted(): void
  /** Told every `flowIntervalMs` or so. */
  observe(lag: number): void
  readonly perSecond: number | undefined
}

export const flowIntervalMs = 250

/** @param now `performance.now`: milliseconds that never go back */
export function openFlow(now: () => number): Flow {
  let state: FlowState = { lag: 0, takenPerSecond: undefined }
  let perSecond: number | undefined
  let accepted = 0
  let observedMs = now()
  let tokens = 0
  let filledMs = observedMs
  /** Since when turns are waited for. */
  let queueMs = observedMs

  function pace(nowMs: number, next: number | undefined): void {
    if (perSecond === undefined) [filledMs, tokens, queueMs] = [nowMs, 0, nowMs]
    perSecond = next
  }

  /** A burst starves who would tell the lag: until it does, what was accepted since then tells. */
  function guessLag(nowMs: number): number {
    if (state.takenPerSecond === undefined) return 0 // it is never told, or wasn't yet
    return state.lag + accepted - (state.takenPerSecond * (nowMs - observedMs)) / 1000
  }

  return {
    turn() {
      const nowMs = now()
      if (perSecond === undefined && guessLag(nowMs) > freeLag)
        pace(nowMs, Math.max(unknownPerSecond, state.takenPerSecond ?? 0))
      if (perSecond === undefined) return 0
      tokens = Math.min(perSecond / 20, tokens + ((nowMs - filledMs) / 1000) * perSecond)
      filledMs = nowMs
      // Below 0 are those that wait.
      const waitMs = Math.max(0, ((1 - tokens) / perSecond) * 1000)
      if (waitMs === 0) queueMs = nowMs
      if (waitMs > (nowMs - queueMs > burstMs ? standingWaitMs : longestWaitMs)) return undefined
      tokens--
      return waitMs
    },
    accepted() {
      accepted++
    },
    observe(lag) {
      const nowMs = now()
      const seconds = (nowMs - observedMs) / 1000
      if (seconds <= 0) return
      const decision = decideFlow(state, { lag, accepted, seconds })
      state = decision.state
      pace(nowMs, decision.perSecond)
      accepted = 0
      observedMs = nowMs
    },
    get perSecond() {
      return perSecond
    },
  }
}
