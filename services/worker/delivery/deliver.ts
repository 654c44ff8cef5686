import { attemptSpan, traceparentOf } from '@fairlead/telemetry/trace-ids'
import { deliveryId } from '@fairlead/webhook/id'
import type { Outcome } from '@fairlead/webhook/outcome'
import { type Settlement, settle } from '@fairlead/webhook/settle'
import type { LogRecord } from '@fairlead/wire/attempt'
import { type DeliveryReference, encodeDelivery } from '@fairlead/wire/delivery'
import type { Exchange } from '@fairlead/wire/exchange'
import { isLedgerProvider } from '@fairlead/wire/ledger'
import type { Destination, Organization, Wanted } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { type Carriage, carry, type Untried } from './carry.ts'
import { storeDeadLetter } from './dead-letter.ts'
import {
  type Concluded,
  type MessageOrigin,
  messageOf,
  type Origin,
  type Queued,
  queue,
  type UnderWay,
} from './delivery.ts'
import type { Attempted, EndedAttempt } from './ended-attempt.ts'
import { healthOf } from './health.ts'
import { openOrderKeys } from './order-key.ts'
import { attemptRecord, eventSeqOf, reportAttempt, routedRecord, unroutedFields } from './report.ts'
import type { Scene } from './scene.ts'
import type { StoredEvent } from './stored-event.ts'
import { untilStored } from './until-stored.ts'

/**
 * The way of a delivery, from a matched event to delivered, retry or dead:
 *
 *   event ─ match ─▶ deliveries ─ queue of the lane ─ a slot is free ─▶ prepare ─▶ send ─▶ Outcome ─ settle ─▶ delivered
 *                                   │        ▲                                                    ─▶ retry: a schedule in DELIVERIES
 *                   the lane stands ▼        │ the lane moves                                     ─▶ dead: a copy in DEAD
 *                                 parked in DELIVERIES                                            … and a record in ATTEMPTS
 *
 * A delivery's origin is told when its outcome is stored. Storing fails only when the partition is given up;
 * the partition's next owner then makes the delivery again.
 */

/** The message of an event is acknowledged when the outcomes of all its deliveries are stored. */
export type EventOrigin = MessageOrigin & { expect(count: number): void }

/**
 * Matches a new event and makes its deliveries. Where it returns a promise, deliveries are being
 * stored, and the caller waits before it takes the next event. Does not reject.
 */
export function deliverEvent(
  event: StoredEvent,
  organization: Organization,
  origin: EventOrigin,
  scene: Scene,
): Promise<unknown> | undefined {
  const { meta } = event
  const { engine } = scene
  engine.traces?.matched(event, organization, origin)
  const wanted = wantedBy(event, organization)
  // The log learns of the fan-out from the attempt itself where there is one delivery and it is not stored before.
  const untold = wanted.length === 1
  origin.expect(wanted.length + (untold ? 0 : 1))
  if (!untold) {
    if (wanted.length === 0) engine.log.info(unroutedFields(meta, organization, engine), 'event.unrouted')
    const destinations = wanted.map(({ destination }) => destination.id)
    engine.records.add(routedRecord(meta, event.stored.seq, destinations), origin)
  }
  const storing: Promise<unknown>[] = []
  const orderKey = openOrderKeys(event)
  for (const { destination, order } of wanted) {
    const key = order && orderKey(order)
    const ordered = order && key !== undefined ? { key, maxWaitSeconds: order.maxWaitSeconds } : undefined
    const reference = firstDelivery(event, destination, ordered, wanted.length)
    const stored = scene.order.take(reference)
      ? scene.lanes.offer(queue(reference, origin, event, engine.now()), destination)
      : hold(reference, origin, scene)
    if (stored) storing.push(stored)
  }
  return storing.length > 0 ? Promise.all(storing) : undefined
}

function wantedBy({ meta }: StoredEvent, organization: Organization): readonly Wanted[] {
  if (meta.to === undefined) {
    const wanted = organization.match(meta.source, meta.type, meta.types)
    const { ledger } = organization
    return ledger && isLedgerProvider(meta.provider)
      ? [...wanted, { destination: ledger, order: undefined }]
      : wanted
  }
  const destination = organization.destinations.get(meta.to)
  return destination ? [{ destination, order: undefined }] : []
}

function firstDelivery(
  event: StoredEvent,
  destination: Destination,
  order: DeliveryReference['order'],
  of: number,
): DeliveryReference {
  const { meta, stored } = event
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
    ...(order && { order }),
  }
}

/** Starts a delivery that is due again, or whose key is free. Returns a promise as `deliverEvent` does. @param event where it is in memory */
export function resume(
  reference: DeliveryReference,
  origin: Origin,
  scene: Scene,
  event?: StoredEvent,
): Promise<unknown> | undefined {
  const { engine, lanes } = scene
  const queued = queue(reference, origin, event ?? 'stored', engine.now())
  const destination = engine.directory.destination(reference.organization, reference.destination)
  if (destination) return lanes.offer(queued, destination)
  forsake(queued, 'destination_deleted', scene)
  return undefined
}

/** One attempt, for which lane and worker have given a slot, and all that follows from it. Does not reject. */
export async function attempt(delivery: UnderWay, destination: Destination, scene: Scene): Promise<void> {
  const { engine, lanes } = scene
  const at = engine.now()
  const startedMs = performance.now()
  const { reference } = delivery
  const span = attemptSpan(reference)
  const carriage: Carriage & { exchange?: Exchange } = {
    traceparent: traceparentOf(span, engine.traces?.isSampled(reference) ?? false),
    exchanged(exchange) {
      carriage.exchange = exchange
    },
  }
  let outcome: Outcome | Untried
  try {
    outcome = await carry(delivery.event, reference, destination, engine, scene.signal, carriage)
  } catch (error) {
    lanes.finish(delivery, 'unknown', 0)
    delivery.origin.failed(error)
    return
  }
  const tookMs = performance.now() - startedMs
  if (outcome.kind === 'untried') {
    engine.log.debug(
      { event: reference.event, delivery: reference.delivery, reason: outcome.reason },
      'delivery.untried',
    )
    lanes.putBack(delivery, tookMs)
    return
  }
  lanes.finish(
    delivery,
    healthOf(outcome),
    tookMs,
    'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined,
  )
  const { exchange } = carriage
  const { heldUp } = delivery
  conclude(
    delivery,
    destination,
    outcome,
    { at, durationMs: Math.round(tookMs), exchange, span, heldUp },
    scene,
  )
}

/** Ends a delivery of which no attempt can be made: its event has expired, or its destination is deleted. */
export function forsake(
  { reference, origin }: Queued,
  kind: 'event_expired' | 'destination_deleted',
  scene: Scene,
): void {
  const span = attemptSpan(reference)
  conclude({ reference, origin }, undefined, { kind }, { at: scene.engine.now(), durationMs: 0, span }, scene)
}

/** Settles an outcome, records it and carries out the settlement. */
function conclude(
  delivery: Concluded,
  destination: Destination | undefined,
  outcome: Outcome,
  attempted: Attempted,
  scene: Scene,
): void {
  const { engine } = scene
  const { reference, origin } = delivery
  const policy = destination?.retry ?? { delaysMs: [], retryAfterCapMs: 0 }
  const settlement = settle(outcome, reference.spent + 1, policy, engine.now(), engine.random())
  const ended: EndedAttempt = { delivery, destination, outcome, settlement, ...attempted }
  const isTraced = engine.traces?.attempted(ended) ?? false
  reportAttempt(ended, isTraced, engine)
  const lane = scene.lanes.condition(reference)
  const record = attemptRecord(reference, outcome, settlement, attempted, lane)
  if (settlement.kind === 'delivered' && !reference.order) {
    engine.records.add(record, origin)
    return
  }
  const carriedOut = carryOut(settlement, delivery, destination, scene)
  if (isTraced) traceWhatFollows(carriedOut, ended, engine)
  const stored = Promise.all([recorded(record, engine), carriedOut])
  // The next delivery with this key does not wait until the outcome is stored: a crash before that repeats both, in order.
  if (settlement.kind !== 'retry') scene.order.ended(reference)
  stored.then(
    () => origin.done(),
    error => origin.failed(error),
  )
}

function traceWhatFollows(carriedOut: Promise<void>, ended: EndedAttempt, { traces, now }: Engine): void {
  const startMs = now()
  // Where it fails, the partition is given up, and its next owner makes the attempt again.
  carriedOut.then(
    () => traces?.settled(ended, startMs, now()),
    () => {},
  )
}

async function carryOut(
  settlement: Settlement,
  delivery: Concluded,
  destination: Destination | undefined,
  scene: Scene,
): Promise<void> {
  switch (settlement.kind) {
    case 'delivered':
      return
    case 'retry':
      return schedule(delivery.reference, settlement.atMs, scene)
    case 'dead':
      return storeDeadLetter(delivery, destination, settlement.reason, scene)
    default:
      return settlement satisfies never
  }
}

/** The next attempt, as a message schedule: JetStream makes it due. */
async function schedule(reference: DeliveryReference, atMs: number, scene: Scene): Promise<void> {
  await scene.order.kept(reference)
  const next = { ...reference, attempt: reference.attempt + 1, spent: reference.spent + 1 }
  await store({ kind: 'scheduled', reference: next, atMs }, scene)
}

/** Parks a queued delivery until its lane has room. Rejects when the signal aborts. */
export async function park({ reference, origin }: Queued, scene: Scene): Promise<void> {
  const { engine } = scene
  await scene.order.kept(reference)
  engine.metrics.parked.inc()
  const { delivery, destination } = reference
  engine.log.debug({ event: reference.event, delivery, destination }, 'delivery.parked')
  // `deliverEvent` left the fan-out to the first attempt, which is far off now.
  const tellsRoute = origin.kind === 'event' && reference.of === 1
  await Promise.all([
    store({ kind: 'parked', reference }, scene),
    tellsRoute && recorded(routedRecord(reference, eventSeqOf(reference), [destination]), engine),
  ])
}

const recorded = (record: LogRecord, { records }: Pick<Engine, 'records'>): Promise<void> =>
  new Promise((done, failed) => records.add(record, { done, failed }))

async function store(delivery: Parameters<typeof messageOf>[0], { engine, signal }: Scene): Promise<void> {
  const { subject, headers } = messageOf(delivery, engine.random())
  await untilStored(engine.deliveries, subject, encodeDelivery(delivery.reference), headers, signal)
}

/** Stores a delivery behind the delivery that holds its key. */
async function hold(reference: DeliveryReference, origin: Origin, { order }: Scene): Promise<void> {
  try {
    await order.wait(reference)
    origin.done()
  } catch (error) {
    origin.failed(error)
  }
}
