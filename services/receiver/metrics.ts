import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Everything the receiver tells Prometheus. */
export interface ReceiverMetrics {
  readonly accepted: Counter<'provider' | 'duplicate'>
  readonly refused: Counter<'code' | 'reason'>
  readonly handshakes: Counter<'provider'>
  readonly rejectionsLost: Counter
  readonly acceptSeconds: Histogram
}

export interface ReceiverGauges {
  bodyBytes(): number
  unacknowledged(): number
  organizations(): number
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
  return {
    accepted: new Counter({
      name: 'fairlead_events_accepted_total',
      help: 'Events answered 2xx after JetStream acknowledged them, by whether the stream held them already',
      labelNames: ['provider', 'duplicate'],
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
