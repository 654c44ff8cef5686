import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { LaneState } from './lanes/lane.ts'

/** All metrics of the worker. */
export interface WorkerMetrics {
  readonly attempts: Counter<'outcome'>
  readonly dead: Counter<'reason'>
  readonly parked: Counter
  readonly attemptSeconds: Histogram
  readonly deliverySeconds: Histogram
}

export interface WorkerGauges {
  partitions(): number
  slots(): number
  pendingEvents(): number
  /** For how long events or due retries could not be pulled, ms. */
  unpulledForMs(): number
  lanes(): Iterable<{ state: LaneState; waiting: number }>
}

/** The metrics that standalone reads too. */
export const pendingEventsMetric = 'fairlead_worker_pending_events'
export const waitingDeliveriesMetric = 'fairlead_deliveries_waiting'

const laneStates: readonly LaneState[] = ['well', 'busy', 'throttled', 'broken', 'host_broken', 'paused']

export function openWorkerMetrics(registry: Registry, gauges: WorkerGauges): WorkerMetrics {
  const registers = [registry]
  new Gauge({
    name: 'fairlead_worker_partitions',
    help: 'Partitions that this worker owns',
    registers,
    collect() {
      this.set(gauges.partitions())
    },
  })
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
    name: waitingDeliveriesMetric,
    help: 'Deliveries parked until their lane has room, in the partitions of this worker, by what their lane is',
    labelNames: ['lane'],
    registers,
    collect() {
      const counts = new Map<string, number>(laneStates.map(state => [state, 0]))
      for (const { state, waiting } of gauges.lanes()) counts.set(state, (counts.get(state) ?? 0) + waiting)
      for (const [lane, count] of counts) this.set({ lane }, count)
    },
  })
  new Gauge({
    name: 'fairlead_lanes',
    help: 'Lanes in memory by state: well, busy, throttled (429 or recovering), broken (breaker open), host_broken (its host can not be reached), paused',
    labelNames: ['state'],
    registers,
    collect() {
      const counts = new Map<string, number>(laneStates.map(state => [state, 0]))
      for (const { state } of gauges.lanes()) counts.set(state, (counts.get(state) ?? 0) + 1)
      for (const [state, count] of counts) this.set({ state }, count)
    },
  })
  return {
    attempts: new Counter({
      name: 'fairlead_attempts_total',
      help: 'Attempts by how they ended (delivered, or one word of the closed list of failures)',
      labelNames: ['outcome'],
      registers,
    }),
    dead: new Counter({
      name: 'fairlead_dead_letters_total',
      help: 'Deliveries given up, by reason',
      labelNames: ['reason'],
      registers,
    }),
    parked: new Counter({
      name: 'fairlead_deliveries_parked_total',
      help: 'Deliveries that could not be attempted at once because their lane had no room',
      registers,
    }),
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
  }
}
