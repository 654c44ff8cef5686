import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Seen, SeenEvents } from './seen/seen.ts'

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
}

export interface ReceiverGauges {
  requests(): number
  bodyBytes(): number
  unacknowledged(): number
  organizations(): number
  seen(): Pick<Seen, 'up' | 'waiting'>
}

export function openReceiverMetrics(registry: Registry, gauges: ReceiverGauges): ReceiverMetrics {
  const registers = [registry]
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
  return {
    seen: openSeenEvents(registers),
    repeatsUntold: new Counter({
      name: 'fairlead_repeats_untold_total',
      help: 'Suppressed repeats that are missing in the log: too many events were repeated at once, or NATS was away',
      registers,
    }),
    suppressed: new Counter({
      name: 'fairlead_duplicates_suppressed_total',
      help: 'Repeated deliveries answered with the id of the first, by who knew it: jetstream (5 minutes) or redis (72 hours)',
      labelNames: ['provider', 'by'],
      registers,
    }),
    accepted: new Counter({
      name: 'fairlead_events_accepted_total',
      help: 'Events answered 2xx: JetStream holds them, by whether it did already',
      labelNames: ['provider', 'duplicate'],
      registers,
    }),
    secretsMatched: new Counter({
      name: 'fairlead_secrets_matched_total',
      help: "Requests verified with a secret, by its position in the source's list, from 1: an old secret that still counts is still in use. GET /sources says for each secret when it last matched",
      labelNames: ['provider', 'position'],
      registers,
    }),
    refused: new Counter({
      name: 'fairlead_requests_refused_total',
      help: 'Requests not accepted, by the code that was answered and the exact reason',
      labelNames: ['code', 'reason'],
      registers,
    }),
    handshakes: new Counter({
      name: 'fairlead_handshakes_answered_total',
      help: "Answers to providers' handshakes, which carry no event",
      labelNames: ['provider'],
      registers,
    }),
    rejectionsLost: new Counter({
      name: 'fairlead_rejections_unrecorded_total',
      help: 'Requests that failed verification and were not kept for "why 401?": too many at once, or no room',
      registers,
    }),
    acceptSeconds: new Histogram({
      name: 'fairlead_event_accept_seconds',
      help: 'From the request line to the acknowledgement of JetStream',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
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
  const unchecked = new Counter({
    name: 'fairlead_seen_unchecked_total',
    help: 'Events accepted without an answer from Redis, by reason: only the 5 minutes of JetStream covered them',
    labelNames: ['reason'],
    registers,
  })
  const deferred = new Counter({
    name: 'fairlead_seen_deferred_total',
    help: 'Ids of accepted events that could not wait in memory until Redis was back: they are read again from EVENTS',
    registers,
  })
  return {
    checked: seconds => checkSeconds.observe(seconds),
    unchecked: (reason, ids) => unchecked.inc({ reason }, ids),
    deferred: ids => deferred.inc(ids),
  }
}
