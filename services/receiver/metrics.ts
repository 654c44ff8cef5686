import { sharedCounter, startAtZero } from '@fairlead/daemon/metrics'
import { type Landed, openPublishMetrics } from '@fairlead/daemon/publish-metrics'
import { judgeLatency, judgements, objectiveEventsMetric, objectiveMs } from '@fairlead/webhook/objective'
import { allProviders } from '@fairlead/webhook/providers/table'
import { rejectionReasons } from '@fairlead/webhook/scheme'
import { streamName } from '@fairlead/wire/streams'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { codeOfRejection, problemCodes } from './problem.ts'
import { type Seen, type SeenEvents, uncheckedReasons } from './seen/seen.ts'

/** All metrics of the receiver. */
export interface ReceiverMetrics {
  readonly accepted: Counter<'provider' | 'duplicate'>
  readonly secretsMatched: Counter<'provider' | 'position'>
  readonly refused: Counter<'code' | 'reason'>
  readonly handshakes: Counter<'provider'>
  readonly rejectionsLost: Counter
  readonly acceptSeconds: Histogram
  readonly suppressed: Counter<'provider' | 'by'>
  readonly repeatsUntold: Counter
  readonly seen: SeenEvents
  readonly objectives: Counter<'objective' | 'result'>
  /** A request was answered 2xx, after this time: judged by the objectives accept and accept_latency. */
  answeredWell(afterMs: number): void
  /** Told of flights to EVENTS. */
  readonly published: Landed
}

export interface ReceiverGauges {
  requests(): number
  bodyBytes(): number
  unacknowledged(): number
  organizations(): number
  seen(): Pick<Seen, 'up' | 'waiting'>
  configAgeMs(): number
}

const providers = [...allProviders().map(({ name }) => name), 'custom']
/** Reasons of a refusal that are more exact than its code, beside those of a rejection. */
const unavailableReasons = ['overloaded', 'no_acknowledgement', 'refused', 'closed', 'aborted'] as const

export function openReceiverMetrics(registry: Registry, gauges: ReceiverGauges): ReceiverMetrics {
  const registers = [registry]
  openGauges(registers, gauges)
  const objectives = startAtZero(sharedCounter(registry, objectiveEventsMetric), {
    objective: ['accept', 'accept_latency'],
    result: judgements,
  })
  const accepted = objectives.labels({ objective: 'accept', result: 'good' })
  const inTime = objectives.labels({ objective: 'accept_latency', result: 'good' })
  const late = objectives.labels({ objective: 'accept_latency', result: 'bad' })
  return {
    seen: openSeenEvents(registers),
    published: openPublishMetrics(registry, streamName.events),
    ...openEventCounters(registers),
    ...openRefusalCounters(registers),
    objectives,
    answeredWell(afterMs) {
      accepted.inc()
      const judged = judgeLatency(afterMs, objectiveMs.accept_latency) === 'good' ? inTime : late
      judged.inc()
    },
    acceptSeconds: new Histogram({
      name: 'fairlead_event_accept_seconds',
      help: 'From the request line to the acknowledgement of JetStream',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
      registers,
    }),
  }
}

function openGauges(registers: Registry[], gauges: ReceiverGauges): void {
  new Gauge({
    name: 'fairlead_receiver_body_bytes',
    help: 'Bytes of request bodies held in memory now',
    registers,
    collect() {
      this.set(gauges.bodyBytes())
    },
  })
  new Gauge({
    name: 'fairlead_receiver_requests',
    help: 'Requests worked on now; FAIRLEAD_MAX_REQUESTS bounds them',
    registers,
    collect() {
      this.set(gauges.requests())
    },
  })
  new Gauge({
    name: 'fairlead_receiver_unacknowledged_events',
    help: 'Events that wait for JetStream now',
    registers,
    collect() {
      this.set(gauges.unacknowledged())
    },
  })
  new Gauge({
    name: 'fairlead_receiver_organizations',
    help: 'Organizations whose configuration is in memory',
    registers,
    collect() {
      this.set(gauges.organizations())
    },
  })
  new Gauge({
    name: 'fairlead_seen_up',
    help: '1 while Redis is asked for ids accepted in the last 72 hours; 0 while it is away, too slow, or not configured',
    registers,
    collect() {
      this.set(gauges.seen().up ? 1 : 0)
    },
  })
  new Gauge({
    name: 'fairlead_seen_waiting_ids',
    help: 'Ids of accepted events that wait to be written to Redis now',
    registers,
    collect() {
      this.set(gauges.seen().waiting)
    },
  })
  new Gauge({
    name: 'fairlead_config_age_seconds',
    help: 'Since when this part is not sure that it knows every change of the configuration; it makes sure every 5 s',
    labelNames: ['part'],
    registers,
    collect() {
      this.set({ part: 'receiver' }, gauges.configAgeMs() / 1000)
    },
  })
}

function openEventCounters(registers: Registry[]) {
  return {
    accepted: startAtZero(
      new Counter({
        name: 'fairlead_events_accepted_total',
        help: 'Events answered 2xx: JetStream holds them, by whether it did already',
        labelNames: ['provider', 'duplicate'],
        registers,
      }),
      { provider: providers, duplicate: ['false', 'true'] },
    ),
    suppressed: startAtZero(
      new Counter({
        name: 'fairlead_duplicates_suppressed_total',
        help: 'Repeated deliveries answered with the id of the first, by who knew it: jetstream (5 minutes) or redis (72 hours)',
        labelNames: ['provider', 'by'],
        registers,
      }),
      { provider: providers, by: ['jetstream', 'redis'] },
    ),
    repeatsUntold: new Counter({
      name: 'fairlead_repeats_untold_total',
      help: 'Suppressed repeats that are missing in the log: too many events were repeated at once, or NATS was away',
      registers,
    }),
    secretsMatched: new Counter({
      name: 'fairlead_secrets_matched_total',
      help: "Requests verified with a secret, by its position in the source's list, from 1: an old secret that still counts is still in use. GET /sources says for each secret when it last matched",
      labelNames: ['provider', 'position'],
      registers,
    }),
    handshakes: startAtZero(
      new Counter({
        name: 'fairlead_handshakes_answered_total',
        help: "Answers to providers' handshakes, which carry no event",
        labelNames: ['provider'],
        registers,
      }),
      { provider: providers },
    ),
  }
}

function openRefusalCounters(registers: Registry[]) {
  const refused = new Counter({
    name: 'fairlead_requests_refused_total',
    help: 'Requests not accepted, by the code that was answered and the exact reason',
    labelNames: ['code', 'reason'],
    registers,
  })
  for (const code of problemCodes) refused.inc({ code, reason: code }, 0)
  for (const reason of rejectionReasons) refused.inc({ code: codeOfRejection(reason), reason }, 0)
  for (const reason of unavailableReasons) refused.inc({ code: 'unavailable', reason }, 0)
  return {
    refused,
    rejectionsLost: new Counter({
      name: 'fairlead_rejections_unrecorded_total',
      help: 'Requests that failed verification and were not kept for "why 401?": too many at once, or no room',
      registers,
    }),
  }
}

function openSeenEvents(registers: Registry[]): SeenEvents {
  const checkSeconds = new Histogram({
    name: 'fairlead_seen_check_seconds',
    help: 'How long Redis took to say whether ids were accepted before, by question; one may be for many ids',
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05],
    registers,
  })
  const unchecked = startAtZero(
    new Counter({
      name: 'fairlead_seen_unchecked_total',
      help: 'Events accepted without an answer from Redis, by reason: only the 5 minutes of JetStream covered them',
      labelNames: ['reason'],
      registers,
    }),
    { reason: uncheckedReasons },
  )
  const deferred = new Counter({
    name: 'fairlead_seen_deferred_total',
    help: 'Ids of accepted events that could not wait in memory until Redis was back: they are read again from EVENTS',
    registers,
  })
  const forgotten = new Counter({
    name: 'fairlead_seen_forgotten_total',
    help: 'Ids of accepted events that were forgotten before their 72 hours, because Redis was three quarters full',
    registers,
  })
  return {
    checked: seconds => checkSeconds.observe(seconds),
    unchecked: (reason, ids) => unchecked.inc({ reason }, ids),
    deferred: ids => deferred.inc(ids),
    forgotten: ids => forgotten.inc(ids),
  }
}
