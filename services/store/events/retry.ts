import { type EventId, fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { encodeDelivery } from '@fairlead/wire/delivery'
import { dueSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { findContent, type Stored } from './content.ts'
import { recountEvents } from './recount.ts'
import type { DeliveryRow, EventRow } from './rows.ts'
import { purgeSchedule } from './schedule.ts'

/**
 * Chooses the deliveries of an event that a retry is for: those to the destinations named, or, if none is, the dead
 * ones, or, if there are none, those that were delivered. Pure. Throws a StoreError that says why no delivery can be retried.
 */
export function chooseDeliveries(
  deliveries: readonly DeliveryRow[],
  destinations: readonly string[],
): DeliveryRow[] {
  if (deliveries.length === 0) {
    throw new StoreError(
      'no_deliveries',
      'no route sent this event anywhere, so there is nothing to do again',
    )
  }
  const unknown = destinations.find(id => !deliveries.some(delivery => delivery.destination_id === id))
  if (unknown)
    throw new StoreError('not_found', 'this event has no delivery to one of the destinations named')
  const named = deliveries.filter(delivery => destinations.includes(delivery.destination_id))
  const dead = deliveries.filter(delivery => delivery.state === 'dead')
  const wanted = destinations.length > 0 ? named : dead.length > 0 ? dead : deliveries
  const ended = wanted.filter(delivery => delivery.state !== 'waiting')
  if (ended.length === 0)
    throw new StoreError('delivery_open', 'its deliveries have not ended: they are being tried')
  const possible = ended.filter(delivery => !delivery.destination_deleted)
  if (possible.length > 0) return possible
  throw new StoreError(
    'destination_deleted',
    'the destination was deleted, so nothing can be delivered to it',
  )
}

/**
 * Hands deliveries to the worker once more, under a whole new retry schedule, and notes that they wait. The message
 * is published before the row is written: if the row fails, the record of the attempt brings it later. Two requests for
 * one retry make one attempt, because the message has an id. A schedule that a crash left behind is deleted first, so
 * that it doesn't fire later. Throws a StoreError `content_expired` or `nats_unavailable`.
 */
export async function retryDeliveries(
  db: Db,
  nats: NatsConnection,
  event: EventRow,
  deliveries: readonly DeliveryRow[],
): Promise<DeliveryRow[]> {
  const organization = fromUuid('org', event.organization_id)
  const id = fromUuid('evt', event.id)
  const content = await findContent(nats, id, event, deliveries)
  if (!content) throw new StoreError('content_expired', 'the body of this event is no longer kept')
  for (const delivery of deliveries) {
    await purgeSchedule(nats, organization, delivery)
    await publishDue(nats, organization, id, event, delivery, content.stored)
  }
  // Where the attempt is in the log by now, its row stays as it is.
  const { rows } = await db.query<DeliveryRow>(
    `update deliveries d set state = 'waiting', trigger = 'manual', next_attempt_at = null, died_at = null,
       dead_reason = null, discard_reason = null
     from unnest($4::uuid[], $5::int[]) as n (destination_id, attempt_count)
     where d.organization_id = $1 and d.event_id = $2 and d.received_at = $3
       and d.destination_id = n.destination_id and d.attempt_count = n.attempt_count and d.state <> 'waiting'
     returning d.*`,
    [
      event.organization_id,
      event.id,
      event.received_at,
      deliveries.map(delivery => delivery.destination_id),
      deliveries.map(delivery => delivery.attempt_count),
    ],
  )
  await recountEvents(db, [{ organization, id, receivedAt: event.received_at.getTime() }])
  return deliveries.map(delivery => ({
    ...delivery,
    ...rows.find(row => row.destination_id === delivery.destination_id),
  }))
}

async function publishDue(
  nats: NatsConnection,
  organization: OrganizationId,
  event: EventId,
  row: EventRow,
  delivery: DeliveryRow,
  stored: Stored,
): Promise<void> {
  const destination = fromUuid('dst', delivery.destination_id)
  const id = fromUuid('dlv', delivery.id)
  const attempt = delivery.attempt_count + 1
  const reference = encodeDelivery({
    delivery: id,
    event,
    organization,
    destination,
    source: row.source,
    receivedAt: row.received_at.getTime(),
    stored,
    attempt,
    spent: 0,
    of: Math.max(1, row.delivery_count ?? 1),
    bytes: Number(row.size_bytes),
    trigger: 'manual',
  })
  try {
    const js = jetstream(nats)
    await js.publish(dueSubject(organization, destination), reference, { msgID: `${id}.${attempt}.manual` })
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'NATS did not take the retry', { cause })
  }
}
