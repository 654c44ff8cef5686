import { sharedCounter, startAtZero } from '@fairlead/daemon/metrics'
import { judgements, objectiveEventsMetric } from '@fairlead/webhook/objective'
import { partitionCount } from '@fairlead/wire/subjects'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CallMetrics } from './answer-errors.ts'
import { type OrganizationMetrics, openOrganizationMetrics } from './objectives/organization-metrics.ts'
import { projected } from './project/position.ts'
import type { ProjectionMetrics } from './project/project.ts'
import type { Standing } from './project/standing.ts'
import type { StreamState } from './project/stream-states.ts'
import type { PublishMetrics } from './publish/publish.ts'
import type { PromotionMetrics } from './rejections/abandoned.ts'
import type { ReplayMetrics } from './replay/run.ts'

/** All metrics of the store. */
export interface StoreMetrics {
  readonly calls: CallMetrics
  readonly projection: ProjectionMetrics
  readonly publish: PublishMetrics
  readonly replays: ReplayMetrics
  readonly promotions: PromotionMetrics
  readonly organizations: OrganizationMetrics
}

export interface StoreGauges {
  /** Connections of the pool by state. */
  connections(): { idle: number; busy: number; waiting: number }
  /** How far the log lags, asked at each scrape. */
  readonly standing: Pick<Standing, 'measure' | 'leading' | 'unreadableForMs'>
  /** The streams as nats-server has them; none where this process does not lead. Asked at each scrape. */
  streams(): Promise<readonly StreamState[]>
  /** By partition the age of the oldest event that no worker is done with, ms; none where this process does not lead. */
  unattemptedForMs(): ReadonlyMap<number, number>
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
  openStreamGauges(registers, gauges)
  openUnattemptedGauge(registers, gauges)
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
    projection: openProjectionMetrics(registry),
    organizations: openOrganizationMetrics(registry),
    publish: {
      written: startAtZero(
        new Counter({
          name: 'fairlead_config_writes_total',
          help: 'Keys of the configuration bucket that were put or removed',
          labelNames: ['operation'],
          registers,
        }),
        { operation: ['put', 'remove'] },
      ),
    },
    replays: {
      published: new Counter({
        name: 'fairlead_replay_deliveries_total',
        help: 'Deliveries that Replays handed to the worker',
        registers,
      }),
    },
    promotions: {
      lost: new Counter({
        name: 'fairlead_promotions_lost_total',
        help: 'Promotions whose rejection and its copy were gone before the event was stored: each is a line promotion.lost in the log of this process',
        registers,
      }),
    },
  }
}

function openProjectionMetrics(registry: Registry): ProjectionMetrics {
  const registers = [registry]
  const byStream = { stream: projected }
  return {
    projected: startAtZero(
      new Counter({
        name: 'fairlead_projection_messages_total',
        help: 'Messages of a stream that are in the log',
        labelNames: ['stream'],
        registers,
      }),
      byStream,
    ),
    skipped: startAtZero(
      new Counter({
        name: 'fairlead_projection_skipped_total',
        help: 'Messages that could not be read or written and were left out: each is a line in the log of this process',
        labelNames: ['stream'],
        registers,
      }),
      byStream,
    ),
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
    objectives: startAtZero(sharedCounter(registry, objectiveEventsMetric), {
      objective: ['log'],
      result: judgements,
    }),
  }
}

/** One reading for all gauges of a scrape: a registry reads them at the same time. */
function oncePerScrape<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}

/** Measured at each scrape against the ends of the streams, because a projection that hangs sets no gauge. */
function openStandingGauges(registers: Registry[], standing: StoreGauges['standing']): void {
  const measure = oncePerScrape(() => standing.measure().catch(() => undefined))
  new Gauge({
    name: 'fairlead_projection_behind_messages',
    help: 'Messages of a stream that are not in the log; measured at the scrape, NaN while NATS does not answer',
    labelNames: ['stream'],
    registers,
    async collect() {
      const lag = await measure()
      for (const stream of projected) this.set({ stream }, lag?.behind[stream] ?? Number.NaN)
    },
  })
  new Gauge({
    name: 'fairlead_projection_lag_seconds',
    help: 'Age of the oldest message that is not in the log, 0 where all are; measured at the scrape, NaN while NATS does not answer',
    registers,
    async collect() {
      const lag = await measure()
      this.set(lag ? Math.max(0, lag.ageMs) / 1000 : Number.NaN)
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

/** Asked of nats-server at each scrape, by the process that leads: no exporter is needed beside it. */
function openStreamGauges(registers: Registry[], { streams }: Pick<StoreGauges, 'streams'>): void {
  const read = oncePerScrape(() => streams().catch(() => []))
  const gauge = (name: string, help: string, reading: (state: StreamState) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['stream'],
      registers,
      async collect() {
        const states = await read()
        this.reset()
        for (const state of states) {
          const value = reading(state)
          if (value !== undefined) this.set({ stream: state.stream }, value)
        }
      },
    })
  gauge('fairlead_stream_messages', 'Messages of a stream', ({ messages }) => messages)
  gauge('fairlead_stream_bytes', 'Bytes of a stream', ({ bytes }) => bytes)
  gauge(
    'fairlead_stream_limit_bytes',
    'Bytes that a stream may have; only for streams with such a limit. EVENTS refuses when it is full',
    ({ limitBytes }) => limitBytes,
  )
  gauge(
    'fairlead_stream_oldest_seconds',
    'Age of the oldest message of a stream; 0 where it is empty',
    ({ oldestMs }) => oldestMs / 1000,
  )
  gauge(
    'fairlead_stream_replicas_behind',
    'Copies of a stream that are not current, or away',
    ({ replicasBehind }) => replicasBehind,
  )
}

/** From the streams and not from the workers, so that it is true also where no worker owns a partition. */
function openUnattemptedGauge(
  registers: Registry[],
  { unattemptedForMs }: Pick<StoreGauges, 'unattemptedForMs'>,
): void {
  new Gauge({
    name: 'fairlead_partition_oldest_unattempted_seconds',
    help: 'Age of the oldest event of a partition that no worker is done with (its deliveries are attempted, parked or stored otherwise), as of at most 15 s ago, and growing while NATS does not answer; 0 where there is none',
    labelNames: ['partition'],
    registers,
    collect() {
      this.reset()
      const ages = unattemptedForMs()
      if (ages.size === 0) return
      for (let partition = 0; partition < partitionCount; partition++)
        this.set({ partition }, (ages.get(partition) ?? 0) / 1000)
    },
  })
}
