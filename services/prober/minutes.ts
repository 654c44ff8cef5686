import { type Hop, hops } from './probe.ts'

/** What became of probes in one minute, by the time at which it became known. */
export interface Minute {
  /** Unix minutes. */
  readonly at: number
  sent: number
  accepted: number
  arrived: number
  /** No receiver accepted it. */
  refused: number
  lost: number
  repeated: number
  /** The longest time from the first try, by what was passed, ms. */
  slowestMs: Partial<Record<Hop, number>>
}

export interface Minutes {
  sent(nowMs: number): void
  passed(hop: Hop, ms: number, nowMs: number): void
  refused(nowMs: number): void
  lost(nowMs: number): void
  repeated(nowMs: number): void
  keep(): readonly Minute[]
}

/** Kept for a report on an upgrade that began an hour ago. */
const mostMinutes = 60

export function openMinutes(kept: readonly Minute[]): Minutes {
  const minutes = kept.map(minute => ({ ...minute, slowestMs: { ...minute.slowestMs } }))
  function at(nowMs: number): Minute {
    const number = Math.floor(nowMs / 60_000)
    const last = minutes.at(-1)
    if (last && last.at >= number) return last
    const fresh = {
      at: number,
      sent: 0,
      accepted: 0,
      arrived: 0,
      refused: 0,
      lost: 0,
      repeated: 0,
      slowestMs: {},
    }
    minutes.push(fresh)
    if (minutes.length > mostMinutes) minutes.shift()
    return fresh
  }
  function count(what: 'sent' | 'refused' | 'lost' | 'repeated', nowMs: number): void {
    at(nowMs)[what] += 1
  }
  return {
    sent: nowMs => count('sent', nowMs),
    passed(hop, ms, nowMs) {
      const minute = at(nowMs)
      if (hop === 'accept') minute.accepted += 1
      if (hop === 'first_attempt') minute.arrived += 1
      minute.slowestMs[hop] = Math.max(minute.slowestMs[hop] ?? 0, ms)
    },
    refused: nowMs => count('refused', nowMs),
    lost: nowMs => count('lost', nowMs),
    repeated: nowMs => count('repeated', nowMs),
    keep: () => minutes,
  }
}

/** Sums of minutes, as `/report` answers them and an upgrade's gate judges them. */
export interface Report {
  readonly sent: number
  readonly accepted: number
  readonly arrived: number
  readonly refused: number
  readonly lost: number
  readonly repeated: number
  /** The longest time from a probe's first try until it passed, ms: how long nothing was accepted, or nothing arrived. */
  readonly slowestMs: Readonly<Record<Hop, number>>
}

/** @param sinceMs minutes that ended before are left out. Pure */
export function reportOf(minutes: readonly Minute[], sinceMs: number): Report {
  const counted = minutes.filter(({ at }) => (at + 1) * 60_000 > sinceMs)
  const sum = (count: (minute: Minute) => number) =>
    counted.reduce((total, minute) => total + count(minute), 0)
  return {
    sent: sum(({ sent }) => sent),
    accepted: sum(({ accepted }) => accepted),
    arrived: sum(({ arrived }) => arrived),
    refused: sum(({ refused }) => refused),
    lost: sum(({ lost }) => lost),
    repeated: sum(({ repeated }) => repeated),
    slowestMs: Object.fromEntries(
      hops.map(hop => [hop, Math.max(0, ...counted.map(({ slowestMs }) => slowestMs[hop] ?? 0))]),
    ) as Record<Hop, number>,
  }
}
