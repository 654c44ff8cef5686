import { type Minute, type Minutes, openMinutes } from './minutes.ts'
import { bodyOf, type Hop, type HopResult, hopsOf, isOnItsWay, lateMs, type Probe } from './probe.ts'
import { probers } from './sign.ts'

/**
 * The probes of one partition: which are open, and what became of them. Time is passed in; nothing is sent here.
 *
 *   begun ─▶ tried each second until a receiver accepts it ─▶ first attempt, retry, message, log ─▶ closed
 *                                                  │
 *                                                  ├─(not arrived for ten minutes, and the log doesn't say delivered)─▶ lost
 *                                                  └─(arrived, and not in the log for ten minutes)─▶ closed: it is late there
 */
export interface Partition {
  readonly number: number
  readonly open: readonly Probe[]
  readonly lastArrivalMs: number | undefined
  /** Begins a probe; undefined while one is not accepted yet, or 1,000 are open. @param random the end of its id */
  begin(nowMs: number, random: string): Probe | undefined
  accepted(probe: Probe, event: string, nowMs: number): void
  refused(probe: Probe, why: string): void
  /** A request or message came. Undefined: it is none of those that were sent. */
  arrived(id: string, body: string, by: 'request' | 'message', nowMs: number): Arrival | undefined
  /** The log says that it was delivered. */
  logged(probe: Probe, nowMs: number): void
  /** Gives up a probe: it was accepted and is nowhere, or no receiver accepts it. */
  close(probe: Probe, how: Exclude<Closed, 'passed'>, nowMs: number): void
  standing(nowMs: number): Standing
  readonly minutes: Minutes
  /** What a restart needs. */
  keep(): Kept
}

/** `again`: the prober answers 503, so that it comes again. */
export type Arrival = 'first' | 'again' | 'retried' | 'message' | 'repeated' | 'changed'

export type Standing =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'arriving' }
  | { readonly kind: 'failing'; readonly message: string }

export interface Kept {
  readonly sequence: number
  readonly open: readonly Probe[]
  readonly lastArrivalMs?: number | undefined
  readonly minutes: readonly Minute[]
}

export interface PartitionEvents {
  passed(hop: Hop, result: HopResult, ms: number | undefined): void
  lost(): void
  repeated(): void
  /** Nothing more is expected of it. */
  readonly closed?: ((probe: Probe, how: Closed, nowMs: number) => void) | undefined
}

/** `passed`: all that it had to pass, be it late. */
export type Closed = 'passed' | 'lost' | 'missed' | 'refused'

/** Probes that are open at one time: so many fit into a message of NATS, which keeps them for a restart. */
const mostOpen = 1_000
/**
 * Not accepted, or not arrived, for so long: the partition does not deliver. With 15 s between two probes, 5 s between two reports,
 * and 30 s between two questions of the operator, an Organization says so after about a minute.
 */
const failingMs = lateMs.first_attempt

/** @param intervalMs between two probes */
export function openPartition(
  number: number,
  kept: Kept | undefined,
  events: PartitionEvents,
  intervalMs = 15_000,
): Partition {
  let sequence = kept?.sequence ?? 0
  let open: Probe[] = kept?.open.map(probe => ({ ...probe, open: [...probe.open] })) ?? []
  let lastArrivalMs = kept?.lastArrivalMs
  // Nothing arrived for so long, though nothing is open: the prober itself stands still.
  const silentMs = Math.max(120_000, 3 * intervalMs)
  const minutes = openMinutes(kept?.minutes ?? [])

  function pass(probe: Probe, hop: Hop, nowMs: number): void {
    const ms = nowMs - probe.sentMs
    probe.open = probe.open.filter(other => other !== hop)
    minutes.passed(hop, ms, nowMs)
    if (ms > lateMs[hop]) probe.late = true
    events.passed(hop, ms > lateMs[hop] ? 'late' : 'good', ms)
    if (probe.open.length > 0) return
    open = open.filter(other => other !== probe)
    events.closed?.(probe, 'passed', nowMs)
  }

  /** A request for a probe that is known. */
  function requested(probe: Probe, nowMs: number): Arrival {
    lastArrivalMs = nowMs
    if (probe.open.includes('first_attempt')) {
      pass(probe, 'first_attempt', nowMs)
      return probe.open.includes('retry') ? 'again' : 'first'
    }
    if (probe.open.includes('retry')) {
      pass(probe, 'retry', nowMs)
      return 'retried'
    }
    return repeated(nowMs)
  }

  function repeated(nowMs: number): Arrival {
    minutes.repeated(nowMs)
    events.repeated()
    return 'repeated'
  }

  return {
    number,
    minutes,
    get open() {
      return open
    },
    get lastArrivalMs() {
      return lastArrivalMs
    },
    begin(nowMs, random) {
      if (open.length >= mostOpen || open.some(probe => probe.event === undefined)) return undefined
      sequence += 1
      const source = probers[sequence % probers.length]!
      const head = { id: `${number}-${sequence}-${random}`, sequence, sentMs: nowMs }
      const probe = { ...head, source, body: bodyOf(head, number), tries: 0, open: hopsOf(source, sequence) }
      open.push(probe)
      minutes.sent(nowMs)
      return probe
    },
    accepted(probe, event, nowMs) {
      probe.event = event
      delete probe.refused
      if (probe.open.includes('accept')) pass(probe, 'accept', nowMs)
    },
    refused(probe, why) {
      probe.refused = why
    },
    arrived(id, body, by, nowMs) {
      const probe = open.find(one => one.id === id)
      if (!probe) return isPast(id, number, sequence) ? repeated(nowMs) : undefined
      if (probe.body !== body) return 'changed'
      if (by === 'request') return requested(probe, nowMs)
      if (!probe.open.includes('nats')) return repeated(nowMs)
      pass(probe, 'nats', nowMs)
      return 'message'
    },
    logged: (probe, nowMs) => pass(probe, 'log', nowMs),
    close(probe, how, nowMs) {
      open = open.filter(other => other !== probe)
      for (const hop of probe.open) events.passed(hop, how === 'missed' ? 'late' : 'failed', undefined)
      events.closed?.(probe, how, nowMs)
      if (how === 'refused') minutes.refused(nowMs)
      if (how !== 'lost') return
      minutes.lost(nowMs)
      events.lost()
    },
    standing: nowMs => standingOf(open, lastArrivalMs, nowMs, silentMs),
    keep: () => ({ sequence, open, lastArrivalMs, minutes: minutes.keep() }),
  }
}

/** Whether an id is of a probe that was closed. */
function isPast(id: string, partition: number, sequence: number): boolean {
  const [of, at] = id.split('-').map(Number)
  return of === partition && at !== undefined && at <= sequence
}

function standingOf(
  open: readonly Probe[],
  lastArrivalMs: number | undefined,
  nowMs: number,
  silentMs: number,
): Standing {
  const seconds = (probe: Probe) => Math.round((nowMs - probe.sentMs) / 1_000)
  const late = open.filter(probe => nowMs - probe.sentMs > failingMs && isOnItsWay(probe))
  const refused = late.find(({ event }) => event === undefined)
  if (refused) {
    const message = `no receiver accepted a probe for ${seconds(refused)} s: ${refused.refused ?? 'no answer'}`
    return { kind: 'failing', message }
  }
  const [oldest] = late
  if (oldest) {
    return {
      kind: 'failing',
      message: `${late.length} accepted, not arrived; the oldest for ${seconds(oldest)} s: ${oldest.event}`,
    }
  }
  if (lastArrivalMs === undefined) return { kind: 'unknown' }
  return nowMs - lastArrivalMs > silentMs
    ? {
        kind: 'failing',
        message: `no probe has arrived for ${Math.round((nowMs - lastArrivalMs) / 1_000)} s`,
      }
    : { kind: 'arriving' }
}
