import { percentile } from './percentile.ts'
import type { Figure, Limit } from './scenarios.ts'

/** What became of a request, or of one that was due. */
export interface Fate {
  readonly flow: string
  /** When it was due, ms from the run's start. */
  readonly dueMs: number
  /** Ms from when it was due to the answer; absent: it was not sent. */
  readonly acceptMs?: number
  /** 0: no answer. */
  readonly status: number
  /** The answer said when to come again. */
  readonly retryAfter: boolean
  /** Answered 2xx with an id. */
  readonly accepted: boolean
  /** Ms from when it was due to its first arrival. */
  readonly arrivalMs?: number
  /** Arrivals besides the first. */
  readonly repeats: number
}

export type Figures = Readonly<Record<Figure, number>>

/** The figures of some fates. A time of nothing is NaN, which no limit allows. */
export function figuresOf(fates: readonly Fate[]): Figures {
  const sent = fates.filter(({ acceptMs }) => acceptMs !== undefined)
  const accepted = sent.filter(fate => fate.accepted)
  const accept = accepted.map(({ acceptMs = 0 }) => acceptMs)
  const arrivals = accepted.flatMap(({ arrivalMs }) => (arrivalMs === undefined ? [] : [arrivalMs]))
  const ratio = (count: number) => (sent.length === 0 ? Number.NaN : count / sent.length)
  return {
    refused_ratio: ratio(sent.length - accepted.length),
    failed_ratio: ratio(sent.filter(fate => !fate.accepted && !fate.retryAfter).length),
    accept_p95_ms: percentile(accept, 0.95),
    accept_p99_ms: percentile(accept, 0.99),
    arrival_p50_ms: percentile(arrivals, 0.5),
    arrival_p99_ms: percentile(arrivals, 0.99),
    lost: accepted.length - arrivals.length,
    repeated: fates.reduce((sum, { repeats }) => sum + repeats, 0),
    unsent: fates.length - sent.length,
  }
}

export interface Verdict extends Limit {
  readonly value: number
  readonly kept: boolean
}

/** @param times how much longer times may be than the scenario says; counts and ratios stay as they are */
export function judge(fates: readonly Fate[], limits: readonly Limit[], times = 1): readonly Verdict[] {
  return limits.map(limit => {
    const of = limit.flow === undefined ? fates : fates.filter(({ flow }) => flow === limit.flow)
    const value = figuresOf(of)[limit.figure]
    const atMost = limit.figure.endsWith('_ms') ? limit.atMost * times : limit.atMost
    return { ...limit, atMost, value, kept: value <= atMost }
  })
}
