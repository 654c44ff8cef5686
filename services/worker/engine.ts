import type { Shares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'
import type { Publisher } from '@fairlead/wire/publish'
import type { Reader } from '@fairlead/wire/read'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { LogRecords } from './delivery/log-records.ts'
import type { Directory } from './directory.ts'
import type { Authorizer } from './egress/authorize.ts'
import type { Sender } from './egress/send.ts'
import type { Hosts } from './lanes/host-breaker.ts'
import type { Scheduler } from './lanes/scheduler.ts'
import type { Slots } from './lanes/slots.ts'
import type { WorkerMetrics } from './metrics.ts'
import type { Processor } from './processors/process.ts'
import type { WorkerTraces } from './trace.ts'

/** The connections, limits and state that all partitions of a worker share. */
export interface Engine {
  readonly nats: NatsConnection
  readonly manager: JetStreamManager
  /** For DELIVERIES: many at a time. */
  readonly deliveries: Publisher
  /** For DEAD, ATTEMPTS and OUTBOUND. */
  readonly publisher: Publisher
  /** Of messages by sequence. */
  readonly reader: Reader
  readonly records: LogRecords
  readonly sender: Sender
  readonly authorizer: Authorizer
  readonly processors: ReadonlyMap<string, Processor>
  readonly directory: Directory
  readonly hosts: Hosts
  readonly slots: Slots
  /** Deliveries that wait in memory, in the queues of their lanes, and bytes of their bodies. */
  readonly queued: Shares<OrganizationId>
  readonly queuedBytes: Shares<OrganizationId>
  /** Decides which lane gets the next free slot. */
  readonly scheduler: Scheduler
  readonly metrics: WorkerMetrics
  readonly log: DeliveryLog
  /** Undefined: no trace is exported. */
  readonly traces?: WorkerTraces | undefined
  /** False while this worker can't be sure that its partitions are still its own, or can't store what it has attempted. */
  mayStart(): boolean
  /** Rejects when the signal aborts. */
  untilMayStart(signal: AbortSignal): Promise<void>
  now(): number
  random(): number
}

/** One line for each attempt, dead letter or unrouted event. */
export interface DeliveryLog {
  info(fields: object, message: 'delivery.attempted' | 'event.unrouted' | 'partition.moved'): void
  warn(fields: object, message: 'delivery.attempted' | 'delivery.dead'): void
  debug(fields: object, message: 'delivery.parked' | 'delivery.untried'): void
  error(fields: object, message: 'message.unreadable' | 'worker.failed' | 'config.unreadable'): void
}
