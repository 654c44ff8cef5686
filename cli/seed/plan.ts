import type { Matcher, MatchRoute } from '@fairlead/webhook/match'
import type { FailureKind } from '@fairlead/webhook/outcome'
import { pickWeighted } from './random.ts'
import { hourWeight, kindsOf, otherProviderWeight, providerWeight } from './traffic.ts'

/** An organization, in so far as traffic depends on it. */
export interface Setting {
  readonly sources: readonly { readonly name: string; readonly provider: string }[]
  readonly destinations: readonly {
    readonly name: string
    readonly retryDelaysMs: readonly number[]
    readonly timeoutMs: number
  }[]
  readonly match: Matcher<MatchRoute>
}

export interface Extent {
  /** Unix milliseconds: events lie between. */
  readonly fromMs: number
  readonly untilMs: number
  readonly count: number
}

export interface PlannedAttempt {
  readonly atMs: number
  readonly durationMs: number
  readonly outcome: 'delivered' | FailureKind
  /** HTTP; 0: no answer. */
  readonly status: number
  readonly reason: string
}

export interface PlannedDelivery {
  readonly destination: string
  readonly state: 'delivered' | 'dead' | 'discarded'
  readonly attempts: readonly PlannedAttempt[]
}

export interface PlannedEvent {
  readonly source: string
  readonly type: string
  readonly atMs: number
  readonly sizeBytes: number
  readonly deliveries: readonly PlannedDelivery[]
}

const hourMs = 3_600_000
/** Attempts that fail without an outage: the odd time-out, the odd deployment. */
const oddFailure = 0.012
/** Dead letters that somebody has put aside already. */
const discarded = 0.1

/**
 * Plans the traffic of some days: more by day than by night and than on Sundays, most of it delivered at once, and each
 * destination down for an hour or so now and then, so that some deliveries are retried and some die. In the order of
 * their times; the same for the same chance.
 */
export function planEvents(setting: Setting, extent: Extent, random: () => number): PlannedEvent[] {
  const sources = setting.sources.map(
    source => [source, providerWeight[source.provider] ?? otherProviderWeight] as const,
  )
  const outages = new Map(setting.destinations.map(({ name }) => [name, planOutages(extent, random)]))
  const times = planTimes(extent, random)
  return times.map(atMs => {
    const source = pickWeighted(sources, random)
    const { types, bytes } = kindsOf(source.provider)
    const type = pickWeighted(types, random)
    const wanted = new Set(setting.match(source.name, type).map(({ destination }) => destination))
    return {
      source: source.name,
      type,
      atMs,
      sizeBytes: Math.round(bytes * (0.5 + random() ** 2 * 1.5)),
      deliveries: setting.destinations
        .filter(({ name }) => wanted.has(name))
        .map(destination =>
          planDelivery(destination, outages.get(destination.name)!, atMs, extent.untilMs, random),
        ),
    }
  })
}

/** Times by the curve of hours and weekdays, ascending. */
function planTimes({ fromMs, untilMs, count }: Extent, random: () => number): number[] {
  const hours: [number, number][] = []
  for (let at = fromMs; at < untilMs; at += hourMs) hours.push([at, hourWeight(at)])
  const times = Array.from({ length: count }, () => {
    const hour = pickWeighted(hours, random)
    return Math.floor(hour + random() * Math.min(hourMs, untilMs - hour))
  })
  return times.sort((a, b) => a - b)
}

interface Outage {
  readonly fromMs: number
  readonly untilMs: number
  readonly failure: 'destination_failed' | 'response_timeout' | 'connection_refused'
}

/** About one outage in five days, of ten minutes to three hours. */
function planOutages({ fromMs, untilMs }: Extent, random: () => number): Outage[] {
  const days = (untilMs - fromMs) / (24 * hourMs)
  return Array.from({ length: Math.max(1, Math.round(days / 5)) }, () => {
    const start = fromMs + random() * (untilMs - fromMs)
    return {
      fromMs: start,
      untilMs: start + hourMs * (0.17 + random() ** 2 * 2.8),
      failure: pickWeighted(
        [
          ['destination_failed', 5],
          ['response_timeout', 3],
          ['connection_refused', 2],
        ] as const,
        random,
      ),
    }
  })
}

function planDelivery(
  destination: Setting['destinations'][number],
  outages: readonly Outage[],
  receivedMs: number,
  untilMs: number,
  random: () => number,
): PlannedDelivery {
  const attempts: PlannedAttempt[] = []
  let atMs = receivedMs + 1 + Math.floor(random() * 8)
  for (let number = 1; ; number++) {
    const outage = outages.find(outage => outage.fromMs <= atMs && atMs < outage.untilMs)
    const failure = outage?.failure ?? (random() < oddFailure ? 'destination_failed' : undefined)
    const delayMs = destination.retryDelaysMs[number - 1]
    const nextMs = delayMs === undefined ? undefined : atMs + Math.round(delayMs * (0.8 + 0.4 * random()))
    // A delivery of this plan has ended: one that would be tried again in the future is delivered now.
    const isOpen = nextMs !== undefined && nextMs > untilMs
    if (failure === undefined || isOpen) {
      const durationMs = Math.round(18 + 40 * random() + 400 * random() ** 8)
      attempts.push({ atMs, durationMs, outcome: 'delivered', status: 200, reason: '' })
      return { destination: destination.name, state: 'delivered', attempts }
    }
    attempts.push(planFailure(failure, atMs, destination.timeoutMs, random))
    if (nextMs === undefined) {
      const state = random() < discarded ? 'discarded' : 'dead'
      return { destination: destination.name, state, attempts }
    }
    atMs = nextMs
  }
}

function planFailure(
  outcome: Outage['failure'],
  atMs: number,
  timeoutMs: number,
  random: () => number,
): PlannedAttempt {
  switch (outcome) {
    case 'destination_failed':
      return {
        atMs,
        durationMs: Math.round(20 + 200 * random()),
        outcome,
        status: random() < 0.7 ? 502 : 500,
        reason: '',
      }
    case 'response_timeout':
      return { atMs, durationMs: timeoutMs, outcome, status: 0, reason: 'UND_ERR_HEADERS_TIMEOUT' }
    case 'connection_refused':
      return { atMs, durationMs: Math.round(1 + 4 * random()), outcome, status: 0, reason: 'ECONNREFUSED' }
    default:
      throw new TypeError(`unknown failure ${outcome satisfies never}`)
  }
}
