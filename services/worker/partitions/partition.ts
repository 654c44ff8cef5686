import { setTimeout as delay } from 'node:timers/promises'
import { type DestinationId, type OrganizationId, parseId } from '@fairlead/webhook/id'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { type PulledMessage, pull } from '@fairlead/wire/pull'
import { streamName } from '@fairlead/wire/streams'
import { dueOfPartition, eventsOfPartition, parkedOfPartition } from '@fairlead/wire/subjects'
import { openTrouble, type Trouble } from '@fairlead/wire/trouble'
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import { deliverEvent } from '../delivery/deliver.ts'
import { openOrder } from '../delivery/order.ts'
import { openPark } from '../delivery/park.ts'
import { resume } from '../delivery/resume.ts'
import type { Placed, Scene } from '../delivery/scene.ts'
import type { Directory } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { openLanes } from '../lanes/lanes.ts'
import type { HeldPartition } from './holding.ts'

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
  /** While it lasts, neither new events nor due retries are pulled. */
  readonly trouble: Pick<Trouble, 'sinceMs'>
}

/**
 * Opens in this order: keys of ordered deliveries are restored, parked deliveries are counted, then deliveries start.
 * Where a step fails, everything that was opened before it is closed, and the promise rejects.
 *
 * @param lost aborts when another worker has the partition: what is under way is cut off at once
 */
export async function openPartition(
  partition: number,
  engine: Engine,
  maxBytes: number,
  lost: AbortSignal,
): Promise<OpenPartition> {
  await using opening = new AsyncDisposableStack()
  const taking = new AbortController()
  const working = new AbortController()
  const cutOff = () => {
    taking.abort()
    working.abort()
  }
  opening.defer(cutOff)
  lost.addEventListener('abort', cutOff, { once: true })
  opening.defer(() => lost.removeEventListener('abort', cutOff))
  lost.throwIfAborted()
  const acknowledged = openRecent(rememberedAcks)
  const inHand = new Map<string, { message: PulledMessage; sinceMs: number; done: Promise<void> }>()

  const lanes = opening.adopt(
    openLanes(engine, (organization, id) => park.drain(organization, id)),
    opened => opened.close(),
  )
  const drain: Scene['drain'] = (organization, id) => park.drain(organization, id)
  const order = opening.adopt(
    openOrder(engine, { taking: taking.signal, working: working.signal }, reference =>
      resume(reference, scene),
    ),
    opened => opened.close(),
  )
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

  await order.restore(partition)
  const parked = await countParked(partition, engine)
  lost.throwIfAborted()
  // From here on nothing waits, so that what starts is closed by whoever holds the partition.
  for (const { organization, destination, count } of parked) lanes.parked(organization, destination, count)
  for (const { organization, destination } of parked) drain(organization, destination)
  order.begin()

  const keepAlive = setInterval(() => {
    const before = performance.now() - keepAliveMs
    for (const { message, sinceMs } of inHand.values()) if (sinceMs < before) message.working()
  }, keepAliveMs)
  opening.defer(() => clearInterval(keepAlive))
  const consumer = { ack_policy: AckPolicy.Explicit, ack_wait: ackWaitMs * 1e6, max_ack_pending: 20_000 }
  const trouble = openTrouble(error => engine.log.error({ err: error, partition }, 'worker.failed'))
  const window = { batch: 128, maxBytes, maxHeldBytes: maxBytes, trouble }
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

  const allDone = () =>
    Promise.allSettled([...[...inHand.values()].map(({ done }) => done), park.idle(), order.idle()])
  const opened = opening.move()
  let closed: Promise<void> | undefined

  /** Gives what is in hand so long to end, then cuts it off and closes. */
  async function close(ms: number): Promise<void> {
    taking.abort()
    await within(ms, allDone(), working.signal)
    working.abort()
    // What can't be stored now, because NATS is away, is left to the next owner.
    await within(abortMs, allDone())
    await opened.disposeAsync()
    await Promise.allSettled(pulling)
  }

  return {
    lanes,
    trouble,
    get pendingEvents() {
      return pendingEvents
    },
    drain() {
      closed ??= close(engine.nats.isClosed() ? 0 : drainMs)
      return closed
    },
    abandon() {
      working.abort()
      closed ??= close(0)
      return closed
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

/** Waits for something, but not for longer, and not when the signal has aborted. */
async function within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const patience = new AbortController()
  const giveUp = () => patience.abort()
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted) giveUp()
  await Promise.race([work, delay(ms, undefined, { signal: patience.signal }).catch(() => {})])
  signal?.removeEventListener('abort', giveUp)
  patience.abort()
}

interface ParkedCount {
  readonly organization: OrganizationId
  readonly destination: DestinationId
  readonly count: number
}

/** How many deliveries earlier owners parked: the stream itself counts, one subject for each destination. */
async function countParked(partition: number, { manager }: Engine): Promise<ParkedCount[]> {
  const { state } = await manager.streams.info(streamName.deliveries, {
    subjects_filter: parkedOfPartition(partition),
  })
  return Object.entries(state.subjects ?? {}).flatMap(([subject, count]) => {
    const [, , , organizationText = '', destinationText = ''] = subject.split('.')
    const organization = parseId('org', organizationText)
    const destination = parseId('dst', destinationText)
    return organization && destination ? [{ organization, destination, count }] : []
  })
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
