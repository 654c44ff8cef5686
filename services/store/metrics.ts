import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CallMetrics } from './answer-errors.ts'
import { projected } from './project/position.ts'
import type { ProjectionMetrics } from './project/project.ts'
import type { Standing } from './project/standing.ts'
import type { PublishMetrics } from './publish/publish.ts'
import type { ReplayMetrics } from './replay/run.ts'

/** All metrics of the store. */
export interface StoreMetrics {
  readonly calls: CallMetrics
  readonly projection: ProjectionMetrics
  readonly publish: PublishMetrics
  readonly replays: ReplayMetrics
}

export interface StoreGauges {
  /** Connections of the pool by state. */
  connections(): { idle: number; busy: number; waiting: number }
  /** How far the log lags, asked at each scrape. */
  readonly standing: Pick<Standing, 'measure' | 'leading' | 'unreadableForMs'>
}

export function openStoreMetrics(registry: Registry, gauges: StoreGauges): StoreMetrics {
  const registers = [registry]
  new Gauge({
    name: 'fairlead_store_connections',
    help: 'Connections to Postgres for calls, and calls that wait for one',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(gauges.connections())) this.set({ state }, count)
    },
  })
  openStandingGauges(registers, gauges.standing)
  return {
    calls: {
      seconds: new Histogram({
        name: 'fairlead_store_call_seconds',
        help: 'gRPC calls by method and status',
        labelNames: ['call', 'code'],
        buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
        registers,
      }),
    },
    projection: {
      projected: new Counter({
        name: 'fairlead_projection_messages_total',
        help: 'Messages of a stream that are in the log',
        labelNames: ['stream'],
        registers,
      }),
      skipped: new Counter({
        name: 'fairlead_projection_skipped_total',
        help: 'Messages that could not be read or written and were left out: each is a line in the log of this process',
        labelNames: ['stream'],
        registers,
      }),
      orphaned: new Counter({
        name: 'fairlead_projection_orphaned_total',
        help: 'Events that attempts tell of and that the log does not have (any more)',
        registers,
      }),
      unrouted: new Counter({
        name: 'fairlead_events_unrouted_total',
        help: 'Events that no route wanted, as they are written to the log; told twice where a worker told twice',
        registers,
      }),
      batchSeconds: new Histogram({
        name: 'fairlead_projection_batch_seconds',
        help: 'One transaction of the projection',
        buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
        registers,
      }),
    },
    publish: {
      written: new Counter({
        name: 'fairlead_config_writes_total',
        help: 'Keys of the configuration bucket that were put or removed',
        labelNames: ['operation'],
        registers,
      }),
    },
    replays: {
      published: new Counter({
        name: 'fairlead_replay_deliveries_total',
        help: 'Deliveries that Replays handed to the worker',
        registers,
      }),
    },
  }
}

/** Measured at each scrape against the ends of the streams, because a projection that hangs sets no gauge. */
function openStandingGauges(registers: Registry[], standing: StoreGauges['standing']): void {
  const behind = new Gauge({
    name: 'fairlead_projection_behind_messages',
    help: 'Messages of a stream that are not in the log; measured at the scrape, NaN while NATS does not answer',
    labelNames: ['stream'],
    registers,
  })
  new Gauge({
    name: 'fairlead_projection_lag_seconds',
    help: 'Age of the oldest message that is not in the log, 0 where all are; measured at the scrape, NaN while NATS does not answer',
    registers,
    async collect() {
      const lag = await standing.measure().catch(() => undefined)
      this.set(lag ? Math.max(0, lag.ageMs) / 1000 : Number.NaN)
      for (const stream of projected) behind.set({ stream }, lag?.behind[stream] ?? Number.NaN)
    },
  })
  new Gauge({
    name: 'fairlead_projection_unreadable_seconds',
    help: 'For how long a stream could not be read for the log, 0 while it can; lines projection.not_reading say why',
    labelNames: ['stream'],
    registers,
    collect() {
      for (const stream of projected) this.set({ stream }, standing.unreadableForMs(stream) / 1000)
    },
  })
  new Gauge({
    name: 'fairlead_projection_leading',
    help: '1 while this process is the one that projects',
    registers,
    collect() {
      this.set(standing.leading ? 1 : 0)
    },
  })
}
