import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Where receiver and workers share their processors (standalone), accepting more than can be delivered takes the
 * processors from delivering. So while the workers are behind, verified events wait here and are stored as fast as
 * workers take events: organizations take turns, one event each. Elsewhere the backlog is not known, and no event waits.
 *
 *   backlog ── young ──▶ everything is stored as it comes
 *      └────── old ────▶ at the workers' rate, and a little less the older it is; too many wait ──▶ refused early
 */
export interface Throttle extends Disposable {
  /** Whether one more event of this organization could wait. False: refuse its requests before their body is read. */
  hasRoom(organization: OrganizationId): boolean
  /** Resolves when the event may be stored; undefined: now. */
  wait(organization: OrganizationId): Promise<void> | undefined
  /** An event was stored. */
  stored(): void
  /** So many stored events no worker has taken yet: the answer to `ask`. */
  observe(backlog: number): void
  /** Events a second; undefined: as they come. */
  readonly perSecond: number | undefined
}

export interface BacklogState {
  /** Events. */
  readonly backlog: number
  /** Events a second that workers took lately; undefined before the first interval. */
  readonly takenPerSecond: number | undefined
}

interface Decision {
  readonly state: BacklogState
  readonly perSecond: number | undefined
}

/** A backlog that is younger, seconds, or smaller, events, is no overload: a burst is stored as it comes. */
const youngSeconds = 2
const smallBacklog = 2_000
/** From this age on, seconds, four fifths of what workers take are stored, so that the age settles below it. */
const oldSeconds = 5
const leastShare = 0.8
/** Weight of the newest interval in the workers' rate. */
const smoothing = 0.3
/** Never less, also when nothing is taken at all. */
const fewestPerSecond = 100
/** While it isn't known yet how much workers can take. */
const unknownPerSecond = 500

/**
 * Decides for the next interval by what happened in the last.
 * @param observed stored: events stored in it; seconds: its length
 */
export function decideThrottle(
  before: BacklogState,
  observed: { readonly backlog: number; readonly stored: number; readonly seconds: number },
): Decision {
  const { backlog } = observed
  const taken = Math.max(0, observed.stored - (backlog - before.backlog)) / observed.seconds
  // While workers keep up, they take what comes, which says nothing about what they could take.
  const takenPerSecond =
    before.takenPerSecond === undefined || before.backlog <= smallBacklog
      ? taken
      : before.takenPerSecond + smoothing * (taken - before.takenPerSecond)
  const state = { backlog, takenPerSecond }
  const ageSeconds = backlog / Math.max(1, takenPerSecond)
  if (backlog <= smallBacklog || ageSeconds <= youngSeconds) return { state, perSecond: undefined }
  const excess = Math.min(1, (ageSeconds - youngSeconds) / (oldSeconds - youngSeconds))
  return { state, perSecond: Math.max(fewestPerSecond, takenPerSecond * (1 - (1 - leastShare) * excess)) }
}

/** Events that may wait: a longer queue makes all late and stores no more. A closed loop of 256 connections fits in it. */
const mostWaiting = 512
const fewestWaiting = 256
/** Between these bounds: those that are stored within so many seconds. */
const longestWaitSeconds = 1
const tickMs = 10
/** Events stored since the backlog was last told, after which it is asked for: at low rates no worker is woken up for it. */
const storedUntold = 500
/** How often it is asked for while workers are behind, ms. */
const askEveryMs = 250

const boundOfQueue = (perSecond: number): number =>
  Math.min(mostWaiting, Math.max(fewestWaiting, longestWaitSeconds * perSecond))

/**
 * @param now `performance.now`: milliseconds that never go back
 * @param ask asks for the backlog, which `observe` is then told. Default: it is never told
 */
export function openThrottle(now: () => number, ask?: () => void): Throttle {
  let state: BacklogState = { backlog: 0, takenPerSecond: undefined }
  let perSecond: number | undefined
  let stored = 0
  let observedMs = now()
  let tokens = 0
  let filledMs = observedMs
  let timer: NodeJS.Timeout | undefined
  let asking: NodeJS.Timeout | undefined
  let isAsked = false
  /** Organizations with events that wait, in the order of their turns. */
  const queues = new Map<OrganizationId, (() => void)[]>()

  /** Whoever tells the backlog shares the processors with a burst, and tells late: until then, what was stored counts. */
  function isGuessedOld(nowMs: number): boolean {
    const { takenPerSecond, backlog } = state
    if (takenPerSecond === undefined) return false // it is never told, or wasn't yet
    const guessed = backlog + stored - (takenPerSecond * (nowMs - observedMs)) / 1000
    return guessed > Math.max(smallBacklog, youngSeconds * takenPerSecond)
  }

  function askOnce(): void {
    if (isAsked || !ask) return
    isAsked = true
    ask()
  }

  function askAgain(): void {
    asking = undefined
    askOnce()
  }

  function change(nowMs: number, next: number | undefined): void {
    if (perSecond === undefined) [filledMs, tokens] = [nowMs, 0]
    perSecond = next
    release()
  }

  function release(): void {
    clearTimeout(timer)
    timer = undefined
    const nowMs = now()
    if (perSecond !== undefined)
      tokens = Math.min(perSecond / 20, tokens + ((nowMs - filledMs) / 1000) * perSecond)
    filledMs = nowMs
    while (queues.size > 0 && (perSecond === undefined || tokens >= 1)) {
      tokens--
      const [organization, queue] = queues.entries().next().value!
      queues.delete(organization)
      queue.shift()!()
      if (queue.length > 0) queues.set(organization, queue)
    }
    if (queues.size > 0) timer = setTimeout(release, tickMs)
  }

  return {
    hasRoom(organization) {
      if (perSecond === undefined) return true
      const own = queues.get(organization)?.length ?? 0
      const others = queues.size - (own > 0 ? 1 : 0)
      return own < boundOfQueue(perSecond) / (others + 1)
    },
    wait(organization) {
      const nowMs = now()
      if (perSecond === undefined) {
        if (!isGuessedOld(nowMs)) return undefined
        change(nowMs, Math.max(unknownPerSecond, state.takenPerSecond ?? 0))
      }
      return new Promise(resolve => {
        const queue = queues.get(organization)
        if (queue) queue.push(resolve)
        else queues.set(organization, [resolve])
        timer ??= setTimeout(release, tickMs)
      })
    },
    stored() {
      if (++stored >= storedUntold) askOnce()
    },
    observe(backlog) {
      const nowMs = now()
      const seconds = (nowMs - observedMs) / 1000
      if (seconds <= 0) return
      const decision = decideThrottle(state, { backlog, stored, seconds })
      state = decision.state
      stored = 0
      observedMs = nowMs
      isAsked = false
      change(nowMs, decision.perSecond)
      if (backlog > smallBacklog / 2) asking ??= setTimeout(askAgain, askEveryMs)
    },
    get perSecond() {
      return perSecond
    },
    [Symbol.dispose]() {
      perSecond = undefined
      release()
      clearTimeout(asking)
    },
  }
}
