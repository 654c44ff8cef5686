import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { Queued, UnderWay } from '../delivery/delivery.ts'
import type { Destination, Organization } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { type Health, Lane, type LaneState } from './lane.ts'
import { LaneQueue, type LaneSteps } from './queue.ts'

/** The lanes of one partition. A lane exists while it has something in it or something to remember. */
export interface Lanes {
  /** Takes a delivery. Where it returns a promise, the caller waits for it before its next `offer`: the delivery is being parked. Never rejects. */
  offer(delivery: Queued, destination: Destination): Promise<unknown> | undefined
  /** An attempt is over. */
  finish(delivery: UnderWay, health: Health, tookMs: number, retryAfterMs?: number): void
  /** An attempt could not be made, because what the processor needs is away: the delivery is parked, and has spent no attempt. */
  putBack(delivery: UnderWay, tookMs: number): void
  /** Tells a lane how many deliveries an earlier owner parked. None is started before `resume`. */
  restore(organization: OrganizationId, id: DestinationId, count: number): void
  resume(): void
  /** The configuration of an organization has changed, or the organization is gone. */
  changed(id: OrganizationId, organization: Organization | undefined): void
  /** The condition of a delivery's lane, for the log; undefined while well, busy or paused, which the log learns otherwise. */
  condition(reference: DeliveryReference): AttemptRecord['lane']
  states(): Iterable<LaneReport>
  /** Starts nothing more, and hands waiting deliveries back. Resolves when the partition's next owner can read all of them. */
  handBack(): Promise<void>
  /** Resolves when all that follows from each delivery that was taken from the park is stored. */
  idle(): Promise<void>
  close(): void
}

export interface LaneReport {
  readonly state: LaneState
  /** Parked. */
  readonly waiting: number
  /** In memory. */
  readonly queued: number
  /** For how long the delivery that goes next has waited, ms; undefined where none waits. */
  readonly oldestWaitMs: number | undefined
}

/** How often lanes that may be forgotten are looked for, ms. */
const sweepMs = 30_000

/** @param signal aborts when the partition is given up */
export function openLanes(engine: Engine, steps: LaneSteps, signal: AbortSignal): Lanes {
  const queues = new Map<DestinationId, LaneQueue>()
  const sweeper = setInterval(sweep, sweepMs)
  sweeper.unref()

  function queueOf(id: DestinationId, organization: OrganizationId): LaneQueue {
    let queue = queues.get(id)
    if (!queue) {
      const destination = engine.directory.destination(organization, id)
      const limits = destination?.config ?? { paused: false }
      const lane = new Lane(limits, engine.hosts.host(destination?.host ?? id), organization)
      queue = new LaneQueue(lane, { engine, steps, organization, destination: id, signal })
      queues.set(id, queue)
    }
    return queue
  }

  function sweep(): void {
    const nowMs = engine.now()
    for (const [id, queue] of queues) {
      if (queue.isEmpty && queue.park.isEmpty && queue.lane.isForgettable(nowMs)) queues.delete(id)
    }
  }

  return {
    offer: (delivery, destination) =>
      queueOf(destination.id, destination.organization.id).offer(delivery, destination),
    finish(delivery, health, tookMs, retryAfterMs) {
      const { destination, organization } = delivery.reference
      queueOf(destination, organization).finish(delivery, health, tookMs, retryAfterMs)
      engine.scheduler.next()
    },
    putBack(delivery, tookMs) {
      const { destination, organization } = delivery.reference
      queueOf(destination, organization).putBack(delivery, tookMs)
      engine.scheduler.next()
    },
    restore(organization, id, count) {
      queueOf(id, organization).restore(count)
    },
    resume() {
      for (const queue of queues.values()) queue.serve()
    },
    changed(organizationId, organization) {
      for (const [id, queue] of queues) {
        if (queue.organization !== organizationId) continue
        const destination = organization?.destinations.get(id)
        if (destination)
          queue.lane.change(destination.config, engine.hosts.host(destination.host), engine.now())
        queue.serve()
      }
    },
    condition({ destination }) {
      const state = queues.get(destination)?.lane.state(engine.now())
      switch (state) {
        case 'throttled':
        case 'broken':
        case 'host_broken':
          return state
        case 'well':
        case 'busy':
        case 'paused':
        case undefined:
          return undefined
        default:
          return state satisfies never
      }
    },
    *states() {
      const nowMs = engine.now()
      for (const queue of queues.values()) {
        yield {
          state: queue.state(nowMs),
          waiting: queue.parked,
          queued: queue.queued,
          oldestWaitMs: queue.oldestWaitMs(nowMs),
        }
      }
    },
    async handBack() {
      await Promise.all([...queues.values()].map(queue => queue.close()))
    },
    async idle() {
      for (const queue of queues.values()) await queue.idle()
    },
    close() {
      clearInterval(sweeper)
      for (const queue of queues.values()) void queue.close()
    },
  }
}
