import { setTimeout as delay } from 'node:timers/promises'
import { type OrganizationId, parseId } from '@fairlead/webhook/id'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { type PulledMessage, pull } from '@fairlead/wire/pull'
import { streamName } from '@fairlead/wire/streams'
import { dueOfPartition, eventsOfPartition, parkedOfPartition } from '@fairlead/wire/subjects'
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import { deliverEvent } from '../delivery/deliver.ts'
import { openOrder } from '../delivery/order.ts'
import { openPark } from '../delivery/park.ts'
import { resume } from '../delivery/resume.ts'
import type { Placed, Scene } from '../delivery/scene.ts'
import type { Directory } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { openLanes } from '../lanes/lanes.ts'
import type { HeldPartition } from './own.ts'

/**
 * One partition that this worker owns: its new events, its due retries and its parked deliveries.
 *
 * A message is acknowledged when everything that follows from it is stored. Until then it is kept alive by
 * `working()`, so that `ack_wait` can be short: after a crash the next owner gets it within seconds.
 */

const ackWaitMs = 4_000
const keepAliveMs = 1_500
/** How long a worker waits for the configuration that a receiver knew already. */
const configPatienceMs = 5_000
/** So often an event of an unknown organization comes back, about 6 s apart, before it is let go. */
const unknownTries = 20
/** About 80 bytes each. */
const rememberedAcks = 8_192
const nothingToDo: Placed = { done: Promise.resolve() }
/** Attempts get so long to end when the partition is handed over; then they are given up and repeated elsewhere. */
const drainMs = 4_000
/** What is aborted gets so long to notice. */
const abortMs = 1_000

export interface OpenPartition extends HeldPartition {
  /** Stored events that it has not taken yet, as of the last one that it took. */
  readonly pendingEvents: number
  readonly lanes: Scene['lanes']
}

export async function openPartition(
  partition: number,
  engine: Engine,
  maxBytes: number,
): Promise<OpenPartition> {
  const taking = new AbortController()
  const working = new AbortController()
  const acknowledged = openRecent(rememberedAcks)
  const inHand = new Map<string, { message: PulledMessage; sinceMs: number; done: Promise<void> }>()

  const lanes = openLanes(engine, (organization, id) => park.drain(organization, id))
  const drain: Scene['drain'] = (organization, id) => park.drain(organization, id)
  const order = openOrder(engine, working.signal, reference => resume(reference, scene))
  const scene: Scene = { engine, lanes, order, drain, signal: working.signal }
  const park = openPark(scene, taking.signal)

  /** Takes a message to its place and sees it to its end. A copy that the server sends meanwhile is left alone. */
  function taker(stream: string, place: (message: PulledMessage) => Promise<Placed>) {
    return async (message: PulledMessage): Promise<void> => {
      const key = `${stream}.${message.seq}.${message.storedAt}`
      if (inHand.has(key)) return
      // An acknowledgement is lost with its connection: what was done is not done again for that.
      if (message.deliveries > 1 && acknowledged.has(key)) {
        message.ack()
        return
      }
      const placed = Promise.withResolvers<void>()
      const done = finish(key, message, place, placed.resolve)
      inHand.set(key, { message, sinceMs: performance.now(), done })
      await placed.promise
    }
  }

  async function finish(
    key: string,
    message: PulledMessage,
    place: (message: PulledMessage) => Promise<Placed>,
    placed: () => void,
  ): Promise<void> {
    try {
      await engine.mayStart(working.signal)
      const { done } = await place(message)
      placed()
      await done
      acknowledged.add(key)
      message.ack()
    } catch (error) {
      if (isUnreadable(error)) {
        engine.log.error({ err: error, subject: message.subject, seq: message.seq }, 'message.unreadable')
        message.term('unreadable')
      } else if (working.signal.aborted) {
        message.nak()
      } else {
        engine.log.error({ err: error, subject: message.subject, seq: message.seq }, 'worker.failed')
        message.nak(1_000)
      }
    } finally {
      placed()
      inHand.delete(key)
    }
  }

  let pendingEvents = 0

  async function takeEvent(message: PulledMessage): Promise<Placed> {
    pendingEvents = message.pending
    const meta = decodeEventMeta(message.header(eventHeader))
    const organization = await engine.directory.atRevision(meta.organization, meta.revision, configPatienceMs)
    if (!organization) {
      // Its configuration is late, or can't be read now: then the event waits for it.
      if (isForsaken(meta.organization, message.deliveries, engine.directory)) return nothingToDo
      throw new Error(`the configuration of ${meta.organization} is not known yet`)
    }
    const stored = { stream: streamName.events, seq: message.seq }
    return deliverEvent({ meta, body: message.data, stored }, organization, scene)
  }

  async function takeDue(message: PulledMessage): Promise<Placed> {
    return resume(decodeDelivery(message.data), scene)
  }

  const keepAlive = setInterval(() => {
    const before = performance.now() - keepAliveMs
    for (const { message, sinceMs } of inHand.values()) if (sinceMs < before) message.working()
  }, keepAliveMs)

  await restoreParked(partition, scene)
  await order.restore(partition)
  const consumer = { ack_policy: AckPolicy.Explicit, ack_wait: ackWaitMs * 1e6, max_ack_pending: 20_000 }
  const window = { batch: 128, maxBytes, maxHeldBytes: maxBytes }
  const pulling = [
    pull(
      engine.nats,
      engine.manager,
      {
        stream: streamName.events,
        consumer: {
          ...consumer,
          durable_name: `worker-${partition}`,
          filter_subject: eventsOfPartition(partition),
          deliver_policy: DeliverPolicy.All,
        },
        ...window,
      },
      taker(streamName.events, takeEvent),
      taking.signal,
    ),
    pull(
      engine.nats,
      engine.manager,
      {
        stream: streamName.deliveries,
        consumer: {
          ...consumer,
          durable_name: `worker-${partition}`,
          filter_subject: dueOfPartition(partition),
          deliver_policy: DeliverPolicy.All,
        },
        ...window,
      },
      taker(streamName.deliveries, takeDue),
      taking.signal,
    ),
  ]
  for (const ended of pulling) ended.catch(error => engine.log.error({ err: error }, 'worker.failed'))

  const allDone = () => Promise.allSettled([...[...inHand.values()].map(({ done }) => done), park.idle()])

  async function end(): Promise<void> {
    working.abort()
    // What can't be stored now, because NATS is away, is left to the next owner.
    await within(abortMs, allDone())
    clearInterval(keepAlive)
    order.close()
    lanes.close()
    await Promise.allSettled(pulling)
  }

  return {
    lanes,
    get pendingEvents() {
      return pendingEvents
    },
    async drain() {
      taking.abort()
      if (!engine.nats.isClosed()) await within(drainMs, allDone())
      await end()
    },
    async abandon() {
      taking.abort()
      await end()
    },
  }
}

/** The newest of many, without those before. */
function openRecent(most: number): { add(key: string): void; has(key: string): boolean } {
  const keys = new Set<string>()
  return {
    has: key => keys.has(key),
    add(key) {
      keys.add(key)
      const [oldest] = keys
      if (keys.size > most && oldest !== undefined) keys.delete(oldest)
    },
  }
}

/** Waits for something, but not for longer. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const patience = new AbortController()
  await Promise.race([work, delay(ms, undefined, { signal: patience.signal }).catch(() => {})])
  patience.abort()
}

/** What earlier owners parked: the stream itself counts, one subject for each destination. */
async function restoreParked(partition: number, { engine, lanes, drain }: Scene): Promise<void> {
  const { state } = await engine.manager.streams.info(streamName.deliveries, {
    subjects_filter: parkedOfPartition(partition),
  })
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    const [, , , organizationText = '', destinationText = ''] = subject.split('.')
    const organization = parseId('org', organizationText)
    const destination = parseId('dst', destinationText)
    if (!organization || !destination) continue
    lanes.parked(organization, destination, count)
    drain(organization, destination)
  }
}

/** Deleted, and with it all that was in hand; or nobody has told of it for so long that it must have been. */
export function isForsaken(
  organization: OrganizationId,
  deliveries: number,
  directory: Pick<Directory, 'isRemoved' | 'isUnreadable'>,
): boolean {
  if (directory.isRemoved(organization)) return true
  return deliveries > unknownTries && !directory.isUnreadable(organization)
}

function isUnreadable(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.endsWith('_unreadable')
  )
}
