import { setTimeout as delay } from 'node:timers/promises'
import { type DestinationId, type OrganizationId, parseId } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { type PulledMessage, pull } from '@fairlead/wire/pull'
import { streamName } from '@fairlead/wire/streams'
import { dueOfPartition, eventsOfPartition, parkedOfPartition } from '@fairlead/wire/subjects'
import { openTrouble, type Trouble } from '@fairlead/wire/trouble'
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import type { Begun } from '../delivery/begun.ts'
import { attempt, deliverEvent, forsake, park, resume } from '../delivery/deliver.ts'
import type { MessageOrigin } from '../delivery/delivery.ts'
import { type OrderSignals, openOrder } from '../delivery/order.ts'
import type { Scene } from '../delivery/scene.ts'
import type { StoredEvent } from '../delivery/stored-event.ts'
import type { Directory, Organization } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { type Lanes, openLanes } from '../lanes/lanes.ts'
import type { LaneSteps } from '../lanes/queue.ts'
import type { HeldPartition } from './holding.ts'
import { type InHand, openInHand, type Taken } from './taken.ts'

/**
 * One partition that this worker owns: its new events, its due retries and its parked deliveries.
 *
 * A message is acknowledged when everything that follows from it is stored (`taken.ts`). Deliveries of new and of due
 * messages go into the queues of their lanes; parked ones are read by the lanes themselves.
 */

const ackWaitMs = 4_000
/** How long a worker waits for the configuration that a receiver knew already. */
const configPatienceMs = 5_000
/** So often an event of an unknown organization comes back, about 6 s apart, before it is let go. */
const unknownTries = 20
/** Attempts get so long to end when the partition is handed over; then they are given up and repeated elsewhere. */
const drainMs = 4_000
/** What is aborted gets so long to notice. */
const abortMs = 1_000

export interface OpenPartition extends HeldPartition {
  /** Stored events that it has not taken yet, as of the last one that it took. */
  readonly pendingEvents: number
  /** When the event was stored that it took last, Unix ms: none of the pending ones is older. 0: it took none. */
  readonly lastStoredMs: number
  readonly lanes: Lanes
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

  const inHand = opening.adopt(openInHand(engine.log, working.signal), opened => opened.close())
  const scene = openScene(engine, { taking: taking.signal, working: working.signal }, opening)
  await scene.order.restore(partition)
  const parked = await countParked(partition, engine)
  lost.throwIfAborted()
  // From here on nothing waits, so that what starts is closed by whoever holds the partition.
  for (const { organization, destination, count } of parked)
    scene.lanes.restore(organization, destination, count)
  scene.lanes.resume()
  scene.order.begin()
  const takes = openTakes(scene, inHand)
  const trouble = openTrouble(error => engine.log.error({ err: error, partition }, 'worker.failed'))
  const pulling = openPulls(partition, takes, scene, { maxBytes, trouble }, taking.signal)

  const allDone = () => Promise.all([inHand.idle(), scene.lanes.idle(), scene.order.idle()])
  const opened = opening.move()
  let closed: Promise<void> | undefined

  /** Gives what is in hand so long to end, then cuts it off and closes. */
  async function close(ms: number): Promise<void> {
    taking.abort()
    // What waits is handed back once the pulls have ended, or it would come to this worker again.
    await new Promise(setImmediate)
    await within(ms, scene.lanes.handBack().then(allDone), working.signal)
    working.abort()
    // What can't be stored now, because NATS is away, is left to the next owner.
    await within(abortMs, allDone())
    await opened.disposeAsync()
    await Promise.allSettled(pulling)
  }

  return {
    lanes: scene.lanes,
    trouble,
    get pendingEvents() {
      return takes.pendingEvents
    },
    get lastStoredMs() {
      return takes.lastStoredMs
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

function openScene(engine: Engine, signals: OrderSignals, opening: AsyncDisposableStack): Scene {
  const signal = signals.working
  const steps: LaneSteps = {
    attempt: (delivery, destination) => void attempt(delivery, destination, scene),
    forsake: (delivery, kind) => forsake(delivery, kind, scene),
    park: delivery => park(delivery, scene),
    breakerChanged: (scope, to) => engine.metrics.breakerChanges.inc({ scope, to }),
  }
  const lanes = opening.adopt(openLanes(engine, steps, signal), opened => opened.close())
  const order = opening.adopt(
    openOrder(engine, signals, (reference, event) => release(reference, event, scene)),
    opened => opened.close(),
  )
  const scene: Scene = { engine, lanes, order, signal }
  return scene
}

/** Undefined: the message was handed over at once. */
type Take = (message: PulledMessage) => Promise<void> | undefined

interface Takes {
  readonly event: Take
  readonly due: Take
  readonly pendingEvents: number
  readonly lastStoredMs: number
}

/**
 * Hands pulled messages over to deliveries. The promise, which does not reject, resolves when each delivery of the message is
 * queued, under way, or stored elsewhere.
 */
function openTakes(scene: Scene, inHand: InHand): Takes {
  const { engine, signal } = scene
  let pendingEvents = 0
  let lastStoredAt = '0'

  function taker(
    kind: 'event' | 'due',
    handOver: (message: PulledMessage, taken: Taken) => Promise<unknown> | undefined,
  ): Take {
    return message => {
      const taken = inHand.take(kind, message)
      if (!taken) return undefined
      try {
        const handingOver = engine.mayStart()
          ? handOver(message, taken)
          : engine.untilMayStart(signal).then(() => handOver(message, taken))
        if (handingOver) {
          return handingOver.then(
            () => taken.handedOver(),
            error => taken.failed(error),
          )
        }
        taken.handedOver()
      } catch (error) {
        taken.failed(error)
      }
      return undefined
    }
  }

  const takeEvent = taker('event', (message, taken) => placeEvent(message, taken, scene))
  return {
    event(message) {
      pendingEvents = message.pending
      lastStoredAt = message.storedAt
      scene.order.handedOut(message.handOut, message.seq)
      return takeEvent(message)
    },
    due: taker('due', (message, taken) => {
      taken.expect(1)
      return resume(decodeDelivery(message.data), taken, scene)
    }),
    get pendingEvents() {
      return pendingEvents
    },
    get lastStoredMs() {
      return Number(lastStoredAt) / 1e6
    },
  }
}

/** Waits for the configuration that the event's receiver knew, and makes its deliveries. */
function placeEvent(message: PulledMessage, taken: Taken, scene: Scene): Promise<unknown> | undefined {
  const { directory } = scene.engine
  const meta = decodeEventMeta(message.header(eventHeader))
  const event = { meta, body: message.data, stored: { stream: streamName.events, seq: message.seq } }
  const place = (organization: Organization) => {
    const storing = deliverEvent(event, organization, taken, scene)
    scene.order.placed(message.seq)
    return storing
  }
  const known = directory.organization(meta.organization)
  if (known && known.revision >= meta.revision) return place(known)
  const { deliveries } = message
  return directory.atRevision(meta.organization, meta.revision, configPatienceMs).then(organization => {
    if (organization) return place(organization)
    // Its configuration is late, or can't be read now: then the event waits for it.
    if (!isForsaken(meta.organization, deliveries, directory))
      throw new Error(`the configuration of ${meta.organization} is not known yet`)
    scene.order.placed(message.seq)
    return undefined
  })
}

/** Pulls new events and due deliveries. */
function openPulls(
  partition: number,
  takes: Takes,
  { engine }: Scene,
  { maxBytes, trouble }: { readonly maxBytes: number; readonly trouble: Trouble },
  signal: AbortSignal,
): Promise<void>[] {
  const pulls = [
    { stream: streamName.events, filter_subject: eventsOfPartition(partition), take: takes.event },
    { stream: streamName.deliveries, filter_subject: dueOfPartition(partition), take: takes.due },
  ]
  return pulls.map(({ stream, filter_subject, take }) => {
    const consumer = {
      durable_name: `worker-${partition}`,
      filter_subject,
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * 1e6,
      max_ack_pending: 20_000,
    }
    const options = { stream, consumer, batch: 128, maxBytes, maxHeldBytes: maxBytes, trouble }
    const pulling = pull(engine.nats, engine.manager, options, take, signal)
    pulling.catch(error => engine.log.error({ err: error }, 'worker.failed'))
    return pulling
  })
}

/** Brings a delivery whose key is free onto its way. */
async function release(
  reference: DeliveryReference,
  event: StoredEvent | undefined,
  scene: Scene,
): Promise<Begun> {
  const end = Promise.withResolvers<void>()
  const origin: MessageOrigin = { kind: 'key', done: end.resolve, failed: end.reject, handBack: () => false }
  await resume(reference, origin, scene, event)
  return { done: end.promise }
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
