import { type DeliveryId, type DestinationId, deliveryId, type EventId } from '@fairlead/webhook/id'
import { blames, isOwnFault, type Outcome } from '@fairlead/webhook/outcome'
import { type Settlement, settle } from '@fairlead/webhook/settle'
import type { AttemptRecord, RoutedRecord } from '@fairlead/wire/attempt'
import type { OrderConfig } from '@fairlead/wire/config'
import { deadHeader, encodeDeadMeta } from '@fairlead/wire/dead'
import { type DeliveryReference, encodeDelivery } from '@fairlead/wire/delivery'
import { type EventMeta, encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { deadSubject, dueSubject, parkedSubject, scheduledSubject } from '@fairlead/wire/subjects'
import type { Destination, Organization } from '../directory.ts'
import type { Engine } from '../engine.ts'
import type { Health, LaneKind } from '../lanes/lane.ts'
import { carry } from './carry.ts'
import { orderKey } from './order-key.ts'
import type { Placed, Scene, StoredEvent } from './scene.ts'
import { untilStored } from './until-stored.ts'

/**
 * The way of a delivery, from a matched event to its fate:
 *
 *   event ─ match ─▶ deliveries ─ admitted, now or in a moment? ─ no ──▶ parked (DELIVERIES), until its lane has room
 *                                     │ yes
 *                                     ▼
 *                     prepare ─▶ send ─▶ Outcome ─ settle ─▶ delivered
 *                                                          ─▶ retry: a schedule in DELIVERIES
 *                                                          ─▶ dead: a copy in DEAD
 *                                                          … and a record in ATTEMPTS
 *
 * Each function returns when what it did is stored, so that whoever called may then acknowledge. They reject only when
 * the partition is given up; what they were doing is then done again by the next owner.
 */

/**
 * Matches a new event and makes its deliveries. Resolves when each is under way, waits for a moment, or is parked: then the
 * next event may come.
 */
export async function deliverEvent(
  event: StoredEvent,
  organization: Organization,
  scene: Scene,
): Promise<Placed> {
  const { meta } = event
  const { engine, lanes } = scene
  const wanted = organization.match(meta.source, meta.type, meta.types)
  const attempts: Promise<void>[] = []
  const parked: Promise<void>[] = []
  const holding: Promise<boolean>[] = []
  for (const { destination, order } of wanted) {
    const reference = firstDelivery(event, destination, order, wanted.length)
    if (!scene.order.take(reference)) {
      parked.push(scene.order.wait(reference))
      continue
    }
    const admission = lanes.admit(destination, 'new', reference.bytes)
    if (admission.kind === 'go') {
      attempts.push(attempt(reference, event, destination, 'new', scene))
      continue
    }
    const soon = admission.why === 'full' ? lanes.admitSoon(destination, reference.bytes) : undefined
    if (soon) {
      attempts.push(attemptSoon(reference, event, destination, soon.granted, scene))
      if (soon.holds) holding.push(soon.granted)
    } else parked.push(park(reference, scene))
  }
  const done: Promise<void>[] = [...attempts, ...parked]
  // The log learns of the fan-out from the attempt itself where there is one delivery, attempted at once.
  if (wanted.length !== 1 || parked.length > 0) {
    if (wanted.length === 0)
      engine.log.info({ event: meta.id, organization: organization.slug }, 'event.unrouted')
    const destinations = wanted.map(({ destination }) => destination.id)
    done.push(engine.records.add(routedRecord(event, destinations)))
  }
  const all = Promise.all(done)
  // When the partition is given up, an attempt may fail before anyone waits for it: the caller learns of that below.
  all.catch(() => {})
  await Promise.allSettled([...parked, ...holding])
  return { done: all }
}

/** A new delivery that waits for a slot of its lane; parked after all if it gets none. */
async function attemptSoon(
  reference: DeliveryReference,
  event: StoredEvent,
  destination: Destination,
  soon: Promise<boolean>,
  scene: Scene,
): Promise<void> {
  if (await soon) return attempt(reference, event, destination, 'new', scene)
  const unlogged = reference.of === 1
  await Promise.all([
    park(reference, scene),
    unlogged && scene.engine.records.add(routedRecord(event, [destination.id])),
  ])
}

function firstDelivery(
  event: StoredEvent,
  destination: Destination,
  order: OrderConfig | undefined,
  of: number,
): DeliveryReference {
  const { meta, stored } = event
  const key = order && orderKey(order, event)
  return {
    delivery: deliveryId(meta.id, destination.id),
    event: meta.id,
    organization: meta.organization,
    destination: destination.id,
    source: meta.source,
    receivedAt: meta.receivedAt,
    stored,
    attempt: 1,
    spent: 0,
    of,
    bytes: event.body.length,
    trigger: 'route',
    ...(order && key !== undefined && { order: { key, maxWaitSeconds: order.maxWaitSeconds } }),
  }
}

/** One attempt, for which the lane has given a slot, and all that follows from it. */
export async function attempt(
  reference: DeliveryReference,
  event: StoredEvent,
  destination: Destination,
  kind: LaneKind,
  scene: Scene,
): Promise<void> {
  const { engine } = scene
  const at = engine.now()
  const startedMs = performance.now()
  let outcome: Outcome | undefined
  try {
    outcome = await carry(event, reference, destination, engine, scene.signal)
  } finally {
    const retryAfterMs = outcome && 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined
    scene.lanes.finish(
      destination,
      kind,
      reference.bytes,
      outcome ? healthOf(outcome) : 'unknown',
      retryAfterMs,
    )
  }
  const durationMs = Math.round(performance.now() - startedMs)
  await conclude(reference, event, destination, outcome, { at, durationMs }, scene)
}

/** What follows from an outcome: settled, carried out and recorded. */
export async function conclude(
  reference: DeliveryReference,
  event: StoredEvent | undefined,
  destination: Destination | undefined,
  outcome: Outcome,
  attempted: { readonly at: number; readonly durationMs: number },
  scene: Scene,
): Promise<void> {
  const { engine } = scene
  const policy = destination?.retry ?? { delaysMs: [], retryAfterCapMs: 0 }
  const settlement = settle(outcome, reference.spent + 1, policy, engine.now(), engine.random())
  report(reference, event?.meta, destination, outcome, settlement, attempted.durationMs, engine)
  const stored = Promise.all([
    carryOut(settlement, reference, event, scene),
    engine.records.add(recordOf(reference, outcome, settlement, attempted, laneCondition(scene, reference))),
  ])
  // The next delivery with this key does not wait until the outcome is stored: a crash before that repeats both, in order.
  if (settlement.kind !== 'retry') scene.order.ended(reference)
  await stored
}

async function carryOut(
  settlement: Settlement,
  reference: DeliveryReference,
  event: StoredEvent | undefined,
  scene: Scene,
): Promise<void> {
  switch (settlement.kind) {
    case 'delivered':
      return
    case 'retry':
      return schedule(reference, settlement.atMs, scene)
    case 'dead':
      return bury(reference, event, settlement.reason, scene)
    default:
      return settlement satisfies never
  }
}

/** The next attempt as a message schedule: JetStream makes it due. The delivery's own subject, so it has one at most. */
async function schedule(reference: DeliveryReference, atMs: number, scene: Scene): Promise<void> {
  const { engine, signal } = scene
  await scene.order.kept(reference)
  const { organization, destination, delivery } = reference
  const next: DeliveryReference = { ...reference, attempt: reference.attempt + 1, spent: reference.spent + 1 }
  await untilStored(
    engine.deliveries,
    scheduledSubject(organization, destination, delivery),
    encodeDelivery(next),
    {
      'Nats-Schedule': `@at ${new Date(atMs).toISOString()}`,
      'Nats-Schedule-Target': dueSubject(organization, destination),
    },
    signal,
  )
}

/** A dead letter, with its body: it is kept longer than EVENTS. */
async function bury(
  reference: DeliveryReference,
  event: StoredEvent | undefined,
  reason: string,
  { engine, signal }: Scene,
): Promise<void> {
  const { organization, destination, delivery, attempt } = reference
  engine.metrics.dead.inc({ reason })
  engine.log.warn({ event: reference.event, delivery, destination, reason }, 'delivery.dead')
  if (!event) return // nothing is left to keep
  await untilStored(
    engine.publisher,
    deadSubject(organization, destination),
    event.body,
    {
      'Nats-Msg-Id': `${delivery}.${attempt}`,
      [eventHeader]: encodeEventMeta(event.meta),
      [deadHeader]: encodeDeadMeta({
        delivery,
        destination,
        attempt,
        eventSeq: eventSeqOf(reference),
        at: engine.now(),
        reason,
      }),
    },
    signal,
  )
}

/** Puts a delivery where it costs no one anything until its lane has room. */
export async function park(reference: DeliveryReference, scene: Scene): Promise<void> {
  const { engine, lanes, signal } = scene
  const { organization, destination, delivery, attempt } = reference
  await scene.order.kept(reference)
  engine.metrics.parked.inc()
  engine.log.debug({ event: reference.event, delivery, destination }, 'delivery.parked')
  const id = `${delivery}.${attempt}.${engine.random()}`
  await untilStored(
    engine.deliveries,
    parkedSubject(organization, destination),
    encodeDelivery(reference),
    { 'Nats-Msg-Id': id },
    signal,
  )
  lanes.parked(organization, destination, 1)
  // Room may have come while it was being stored.
  scene.drain(organization, destination)
}

export function healthOf(outcome: Outcome): Health {
  if (outcome.kind === 'delivered') return 'well'
  if (outcome.kind === 'throttled') return 'throttled'
  // Such a delivery is dead at once: nothing was tried.
  if (isOwnFault(outcome.kind)) return 'unknown'
  const blame = blames(outcome)
  switch (blame) {
    case 'place':
      return 'unreachable'
    case 'destination':
    case 'own':
      return 'failing'
    case 'none':
      return 'unknown'
    default:
      return blame satisfies never
  }
}

/** A dead letter is retried from DEAD when its event is no longer in EVENTS; it was logged long ago. */
const eventSeqOf = ({ stored }: DeliveryReference): number => (stored.stream === 'EVENTS' ? stored.seq : 1)

/** Busy and paused are no news: what waits is counted, and a pause is asked for. */
function laneCondition({ lanes }: Scene, { destination }: DeliveryReference): AttemptRecord['lane'] {
  const state = lanes.state(destination)
  return state === 'throttled' || state === 'broken' ? state : undefined
}

function routedRecord({ meta, stored }: StoredEvent, destinations: DestinationId[]): RoutedRecord {
  return {
    kind: 'routed',
    organization: meta.organization,
    event: meta.id,
    receivedAt: meta.receivedAt,
    eventSeq: stored.seq,
    destinations,
  }
}

function recordOf(
  reference: DeliveryReference,
  outcome: Outcome,
  settlement: Settlement,
  { at, durationMs }: { at: number; durationMs: number },
  lane: AttemptRecord['lane'],
): AttemptRecord {
  return {
    kind: 'attempted',
    organization: reference.organization,
    event: reference.event,
    receivedAt: reference.receivedAt,
    eventSeq: eventSeqOf(reference),
    delivery: reference.delivery,
    destination: reference.destination,
    of: reference.of,
    number: reference.attempt,
    trigger: reference.trigger,
    ...(reference.replay && { replay: reference.replay }),
    at,
    durationMs,
    outcome: outcome.kind,
    ...(outcome.status !== undefined && { status: outcome.status }),
    ...(lane && { lane }),
    ...('reason' in outcome && outcome.reason !== undefined && { reason: outcome.reason.slice(0, 500) }),
    settlement: settlement.kind === 'retry' ? { kind: 'retry', at: settlement.atMs } : settlement,
  }
}

function report(
  reference: DeliveryReference,
  meta: EventMeta | undefined,
  destination: Destination | undefined,
  outcome: Outcome,
  settlement: Settlement,
  durationMs: number,
  { metrics, log, now }: Engine,
): void {
  metrics.attempts.inc({ outcome: outcome.kind })
  metrics.attemptSeconds.observe(durationMs / 1000)
  if (outcome.kind === 'delivered' && reference.attempt === 1) {
    metrics.deliverySeconds.observe((now() - reference.receivedAt) / 1000)
  }
  const fields = {
    event: reference.event satisfies EventId,
    delivery: reference.delivery satisfies DeliveryId,
    organization: destination?.organization.slug,
    source: reference.source,
    type: meta?.type,
    destination: destination?.config.name,
    attempt: reference.attempt,
    trigger: reference.trigger,
    outcome: outcome.kind,
    status: outcome.status,
    settlement: settlement.kind,
    durationMs,
  }
  if (outcome.kind === 'delivered') log.info(fields, 'delivery.attempted')
  else log.warn(fields, 'delivery.attempted')
}
