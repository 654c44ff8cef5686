import type { Shares } from '@fairlead/daemon/shares'
import type { Shortage } from '@fairlead/daemon/shortage'
import type { OrganizationId } from '@fairlead/webhook/id'
import type { Publisher } from '@fairlead/wire/publish'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { LogRecords } from './delivery/log-records.ts'
import type { Directory } from './directory.ts'
import type { Authorizer } from './egress/authorize.ts'
import type { Sender } from './egress/send.ts'
import type { Hosts } from './lanes/hosts.ts'
import type { Slots } from './lanes/slots.ts'
import type { WorkerMetrics } from './metrics.ts'
import type { Processor } from './processors/process.ts'

/** What all partitions of a worker share. */
export interface Engine {
  readonly nats: NatsConnection
  readonly manager: JetStreamManager
  /** For DELIVERIES: many at a time. */
  readonly deliveries: Publisher
  /** For DEAD, ATTEMPTS and OUTBOUND. */
  readonly publisher: Publisher
  readonly records: LogRecords
  readonly sender: Sender
  readonly authorizer: Authorizer
  readonly processors: ReadonlyMap<string, Processor>
  readonly directory: Directory
  readonly hosts: Hosts
  readonly slots: Slots
  /** Bytes of bodies that wait for a moment, for a slot of their lane. */
  readonly queuedBytes: Shares<OrganizationId>
  /** While it lasts, what waits for a slot waits for this worker rather than for its destination. */
  readonly shortage: Pick<Shortage, 'lasts'>
  readonly metrics: WorkerMetrics
  readonly log: DeliveryLog
  /**
   * Waits while this worker can't be sure that its partitions are still its own, or can't store what it has attempted.
   * Rejects when the signal aborts.
   */
  mayStart(signal: AbortSignal): Promise<void> | undefined
  /** Slots have become free that this organization, among others, waits for. */
  readonly hungry: Hungry
  now(): number
  random(): number
}

/** Lanes that were refused for want of a worker's slot, to be asked again in turn. */
export interface Hungry {
  /** @param doubtful such a lane may not have every slot: it waits in a line of its own */
  add(organization: OrganizationId, resume: () => void, doubtful: boolean): void
  next(): void
}

/** One wide line for each fate. */
export interface DeliveryLog {
  info(fields: object, message: 'delivery.attempted' | 'event.unrouted' | 'partition.moved'): void
  warn(fields: object, message: 'delivery.attempted' | 'delivery.dead'): void
  debug(fields: object, message: 'delivery.parked'): void
  error(fields: object, message: 'message.unreadable' | 'worker.failed' | 'config.unreadable'): void
}

/** Takes turns between the two lines, and in each between organizations, however many lanes of one are waiting. */
export function openHungry(): Hungry {
  let lines: readonly [Line, Line] = [new Map(), new Map()]
  const [well, inDoubt] = lines
  return {
    add(organization, resume, doubtful) {
      const line = doubtful ? inDoubt : well
      const own = line.get(organization)
      if (own) own.add(resume)
      else line.set(organization, new Set([resume]))
    },
    next() {
      lines = [lines[1], lines[0]]
      const resume = takeTurn(lines[0]) ?? takeTurn(lines[1])
      resume?.()
    },
  }
}

type Line = Map<OrganizationId, Set<() => void>>

function takeTurn(line: Line): (() => void) | undefined {
  for (const [organization, resumes] of line) {
    const [resume] = resumes
    if (!resume) continue
    // To the end of the line, unless that was its last.
    line.delete(organization)
    resumes.delete(resume)
    if (resumes.size > 0) line.set(organization, resumes)
    return resume
  }
  return undefined
}
