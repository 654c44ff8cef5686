import { sharedCounter, startAtZero } from '@fairlead/daemon/metrics'
import { type Landed, openPublishMetrics } from '@fairlead/daemon/publish-metrics'
import { type Judgement, judgements, objectiveEventsMetric } from '@fairlead/webhook/objective'
import { type FailureKind, failures, isOwnFault } from '@fairlead/webhook/outcome'
import type { DeadReason } from '@fairlead/webhook/settle'
import { streamName } from '@fairlead/wire/streams'
import { partitionCount } from '@fairlead/wire/subjects'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { LaneState } from './lanes/lane.ts'

/** All metrics of the worker. */
export interface WorkerMetrics {
  readonly attempts: Counter<'outcome'>
  readonly dead: Counter<'reason'>
  readonly parked: Counter
  readonly retries: Counter<'outcome'>
  readonly breakerChanges: Counter<'scope' | 'to'>
  readonly moves: Counter<'change'>
  /** Judged by an objective of the platform. */
  judged(objective: 'freshness' | 'delivery', result: Judgement): void
  readonly attemptSeconds: Histogram
  readonly deliverySeconds: Histogram
  readonly firstAttemptDelay: Histogram
  readonly fateSeconds: Histogram<'result'>
  /** Told of flights to DELIVERIES. */
  readonly published: Landed
}

interface LaneReading {
  readonly state: LaneState
  readonly waiting: number
  readonly oldestWaitMs: number | undefined
}

export interface WorkerGauges {
  /** The partitions that this worker runs, by number. */
  partitions(): ReadonlyMap<number, { readonly pendingEvents: number; readonly lastStoredMs: number }>
  slots(): number
  pendingEvents(): number
  /** For how long events or due retries could not be pulled, ms. */
  unpulledForMs(): number
  configAgeMs(): number
  lanes(): Iterable<LaneReading>
}

/** The metrics that standalone reads too. */
export const pendingEventsMetric = 'fairlead_worker_pending_events'
export const waitingDeliveriesMetric = 'fairlead_deliveries_waiting'

const laneStates: readonly LaneState[] = ['well', 'busy', 'throttled', 'broken', 'host_broken', 'paused']
const failureKinds = Object.keys(failures) as FailureKind[]
/** Failures after which there is another attempt. */
const retriable = failureKinds.filter(kind => kind !== 'gone' && !isOwnFault(kind))
/** Without `cancelled`, of which the store tells. */
const deadReasons: readonly Exclude<DeadReason, 'cancelled'>[] = [
  'attempts_exhausted',
  'gone',
  'event_expired',
  'url_invalid',
  'destination_deleted',
]

export function openWorkerMetrics(registry: Registry, gauges: WorkerGauges): WorkerMetrics {
  const registers = [registry]
  openGauges(registers, gauges)
  openPartitionGauges(registers, gauges)
  openLaneGauges(registers, gauges)
  return {
    ...openCounters(registry),
    ...openTimes(registers),
    published: openPublishMetrics(registry, streamName.deliveries),
  }
}

function openGauges(registers: Registry[], gauges: WorkerGauges): void {
  new Gauge({
    name: 'fairlead_worker_attempts_in_flight',
    help: 'Attempts under way now',
    registers,
    collect() {
      this.set(gauges.slots())
    },
  })
  new Gauge({
    name: pendingEventsMetric,
    help: 'Stored events of its partitions that this worker has not taken, and deliveries that wait in its memory: the lag to scale workers by',
    registers,
    collect() {
      this.set(gauges.pendingEvents())
    },
  })
  new Gauge({
    name: 'fairlead_worker_unpulled_seconds',
    help: 'For how long new events or due retries of a partition could not be pulled, where that lasts longest; 0 while all can',
    registers,
    collect() {
      this.set(gauges.unpulledForMs() / 1000)
    },
  })
  new Gauge({
    name: 'fairlead_config_age_seconds',
    help: 'Since when this part is not sure that it knows every change of the configuration; it makes sure every 5 s',
    labelNames: ['part'],
    registers,
    collect() {
      this.set({ part: 'worker' }, gauges.configAgeMs() / 1000)
    },
  })
}

function openPartitionGauges(registers: Registry[], gauges: WorkerGauges): void {
  new Gauge({
    name: 'fairlead_worker_partitions',
    help: 'Partitions that this worker owns',
    registers,
    collect() {
      this.set(gauges.partitions().size)
    },
  })
  new Gauge({
    name: 'fairlead_partition_owned',
    help: '1 where this worker owns the partition, else 0',
    labelNames: ['partition'],
    registers,
    collect() {
      const owned = gauges.partitions()
      for (let partition = 0; partition < partitionCount; partition++)
        this.set({ partition }, owned.has(partition) ? 1 : 0)
    },
  })
  new Gauge({
    name: 'fairlead_worker_oldest_pending_seconds',
    help: 'The oldest event of a partition that this worker has not taken is not older than this; 0 where none is pending. Only for partitions that it owns',
    labelNames: ['partition'],
    registers,
    collect() {
      this.reset()
      const nowMs = Date.now()
      for (const [partition, { pendingEvents, lastStoredMs }] of gauges.partitions()) {
        this.set({ partition }, pendingEvents > 0 ? Math.max(0, nowMs - lastStoredMs) / 1000 : 0)
      }
    },
  })
}

function openLaneGauges(registers: Registry[], gauges: WorkerGauges): void {
  /** Adds up, or takes the largest of, what the lanes of each state have. */
  const byState = (add: (known: number, lane: LaneReading) => number) => {
    const values = new Map<LaneState, number>(laneStates.map(state => [state, 0]))
    for (const lane of gauges.lanes()) values.set(lane.state, add(values.get(lane.state) ?? 0, lane))
    return values
  }
  new Gauge({
    name: waitingDeliveriesMetric,
    help: 'Deliveries parked until their lane has room, in the partitions of this worker, by what their lane is',
    labelNames: ['lane'],
    registers,
    collect() {
      for (const [lane, count] of byState((sum, { waiting }) => sum + waiting)) this.set({ lane }, count)
    },
  })
  new Gauge({
    name: 'fairlead_deliveries_oldest_waiting_seconds',
    help: 'For how long the delivery that goes next in a lane has waited, where that is longest, by what the lane is; 0 where none waits',
    labelNames: ['lane'],
    registers,
    collect() {
      const oldest = byState((most, { oldestWaitMs = 0 }) => Math.max(most, oldestWaitMs))
      for (const [lane, ms] of oldest) this.set({ lane }, ms / 1000)
    },
  })
  new Gauge({
    name: 'fairlead_lanes',
    help: 'Lanes in memory by state: well, busy, throttled (429 or recovering), broken (breaker open), host_broken (its host can not be reached), paused',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of byState(sum => sum + 1)) this.set({ state }, count)
    },
  })
}

function openCounters(registry: Registry) {
  const registers = [registry]
  return {
    attempts: startAtZero(
      new Counter({
        name: 'fairlead_attempts_total',
        help: 'Attempts by how they ended (delivered, or one word of the closed list of failures)',
        labelNames: ['outcome'],
        registers,
      }),
      { outcome: ['delivered', ...failureKinds] },
    ),
    dead: startAtZero(
      new Counter({
        name: 'fairlead_dead_letters_total',
        help: 'Deliveries given up, by reason',
        labelNames: ['reason'],
        registers,
      }),
      { reason: deadReasons },
    ),
    parked: new Counter({
      name: 'fairlead_deliveries_parked_total',
      help: 'Deliveries that could not be attempted at once because their lane had no room',
      registers,
    }),
    retries: startAtZero(
      new Counter({
        name: 'fairlead_retries_scheduled_total',
        help: 'Attempts that failed and are to be made again, by how they ended',
        labelNames: ['outcome'],
        registers,
      }),
      { outcome: retriable },
    ),
    breakerChanges: startAtZero(
      new Counter({
        name: 'fairlead_breaker_changes_total',
        help: 'Breakers that opened or closed. host: as far as it holds up an organization, once for each destination that sees it',
        labelNames: ['scope', 'to'],
        registers,
      }),
      { scope: ['destination', 'host'], to: ['open', 'closed'] },
    ),
    moves: startAtZero(
      new Counter({
        name: 'fairlead_partition_moves_total',
        help: 'Partitions that this worker claimed, released, or lost to another one',
        labelNames: ['change'],
        registers,
      }),
      { change: ['claimed', 'released', 'lost'] },
    ),
    judged: openJudged(registry),
  }
}

/** Each series is looked up once: an attempt counts in two of them. */
function openJudged(registry: Registry): WorkerMetrics['judged'] {
  const counter = startAtZero(sharedCounter(registry, objectiveEventsMetric), {
    objective: ['freshness', 'delivery'],
    result: judgements,
  })
  const of = (objective: 'freshness' | 'delivery') => ({
    good: counter.labels({ objective, result: 'good' }),
    bad: counter.labels({ objective, result: 'bad' }),
    excluded: counter.labels({ objective, result: 'excluded' }),
  })
  const children = { freshness: of('freshness'), delivery: of('delivery') }
  return (objective, result) => children[objective][result].inc()
}

function openTimes(registers: Registry[]) {
  return {
    attemptSeconds: new Histogram({
      name: 'fairlead_attempt_seconds',
      help: 'From the start of an attempt to the end of the answer',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 30],
      registers,
    }),
    deliverySeconds: new Histogram({
      name: 'fairlead_delivery_seconds',
      help: 'From the receipt of an event to its delivery at the first attempt',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300],
      registers,
    }),
    firstAttemptDelay: new Histogram({
      name: 'fairlead_first_attempt_delay_seconds',
      help: 'From the receipt of an event to the start of its first attempt, whatever held it up',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300],
      registers,
    }),
    fateSeconds: startAtZero(
      new Histogram({
        name: 'fairlead_delivery_fate_seconds',
        help: 'From the receipt of an event to the end of a delivery: delivered, or given up (dead)',
        labelNames: ['result'],
        buckets: [1, 5, 30, 300, 3_600, 21_600, 86_400, 604_800],
        registers,
      }),
      { result: ['delivered', 'dead'] },
    ),
  }
}
