import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { deliveryId, eventId, fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { type CreateEventRequest, DeliveryState, type FinishedDelivery } from '@fairlead/wire/store/event'
import { readOrganization } from '../organizations/read.ts'
import { ensureDays } from '../partitions.ts'
import { eventStatus } from '../project/status.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { readEvent } from './read.ts'
import { type EventRow, stateMessage, triggerMessage, wordOf } from './rows.ts'

const dayMs = 86_400_000

/**
 * Adds an event with deliveries that have ended, as if it had come and gone; it isn't delivered, and of its body
 * nothing is kept. An event that is in the log stays as it is. Throws a StoreError `invalid_field` or `not_found`.
 */
export async function createEvent(
  db: Db,
  organization: OrganizationId,
  request: CreateEventRequest,
  nowMs: number,
): Promise<{ event: EventRow; created: boolean }> {
  const invalid = (field: string, message: string) =>
    new StoreError('invalid_field', `${field}: ${message}`, { field })
  const stored = await readOrganization(db, organization)
  if (!stored || stored.deleted_at) throw new StoreError('not_found', 'there is no such organization')
  const source = stored.sources.find(({ name }) => name === request.source)
  if (!source) throw invalid('source', 'there is no such source')
  if (!request.providerDeliveryId) throw invalid('provider_delivery_id', 'is missing')
  const receivedAt = request.receivedAt ? dateOf(request.receivedAt) : new Date(nowMs)
  const ageDays = (nowMs - receivedAt.getTime()) / dayMs
  if (ageDays < 0 || ageDays > stored.retention_days) {
    throw invalid('received_at', `must be within the ${stored.retention_days} days that events are kept`)
  }
  const deliveries = request.deliveries.map((delivery, index) => {
    const field = `deliveries[${index}]`
    const destination = stored.destinations.find(({ name }) => name === delivery.destination)
    if (!destination) throw invalid(`${field}.destination`, 'there is no such destination')
    return { destination, delivery, state: finishedState(delivery, message => invalid(field, message)) }
  })

  const id = eventId(organization, source.name, { id: request.providerDeliveryId })
  const bad = deliveries.filter(({ state }) => state !== 'delivered').length
  const counts = { of: deliveries.length, delivered: deliveries.length - bad, bad }
  await ensureDays(db, new Set([receivedAt.toISOString().slice(0, 10)]))
  const { rows } = await db.query<EventRow>(
    `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method,
       url, delivery_count, delivered_count, dead_count)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
     where not exists (select from events where organization_id = $1 and id = $2)
     on conflict do nothing returning *`,
    [
      toUuid(organization),
      toUuid(id),
      receivedAt,
      source.id,
      source.name,
      source.provider,
      request.type,
      eventStatus(counts),
      request.sizeBytes,
      request.method || 'POST',
      request.url || `/webhooks/${stored.slug}/${source.name}`,
      counts.of,
      counts.delivered,
      counts.bad,
    ],
  )
  if (!rows[0]) return { event: await readEvent(db, organization, id), created: false }
  for (const { destination, delivery, state } of deliveries) {
    await insertDelivery(db, rows[0], fromUuid('dst', destination.id), delivery, state)
  }
  return { event: rows[0], created: true }
}

function finishedState(delivery: FinishedDelivery, invalid: (message: string) => StoreError) {
  const state = wordOf(stateMessage, delivery.state)
  if (!state || delivery.state === DeliveryState.WAITING) {
    throw invalid('state must be DELIVERED, DEAD or DISCARDED')
  }
  const { attempts } = delivery
  if (attempts.length === 0 || attempts.some(({ number }, index) => number !== index + 1)) {
    throw invalid('attempts must count from 1 without a gap')
  }
  return state
}

async function insertDelivery(
  db: Db,
  event: EventRow,
  destination: ReturnType<typeof fromUuid<'dst'>>,
  { attempts, state: delivered }: FinishedDelivery,
  state: keyof typeof stateMessage,
): Promise<void> {
  const last = attempts.at(-1)!
  const bad = state !== 'delivered'
  const key = [event.organization_id, event.id, toUuid(destination), event.received_at]
  await db.query(
    `insert into deliveries (organization_id, event_id, destination_id, received_at, id, state, attempt_count, trigger,
       died_at, dead_reason, discard_reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...key,
      toUuid(deliveryId(fromUuid('evt', event.id), destination)),
      state,
      last.number,
      wordOf(triggerMessage, last.trigger) ?? 'route',
      bad ? new Date((last.at ? dateOf(last.at) : event.received_at).getTime() + last.durationMs) : null,
      bad ? 'attempts_exhausted' : null,
      state === 'discarded' ? 'imported as discarded' : null,
    ],
  )
  await db.query(
    `insert into attempts (organization_id, event_id, destination_id, received_at, number, at, duration_ms, delivered,
       outcome, status, reason, trigger)
     select $1, $2, $3, $4, * from unnest($5::int[], $6::timestamptz[], $7::int[], $8::bool[], $9::text[], $10::int[],
       $11::text[], $12::attempt_trigger[])`,
    [
      ...key,
      attempts.map(({ number }) => number),
      attempts.map(({ at }) => (at ? dateOf(at) : event.received_at)),
      attempts.map(({ durationMs }) => durationMs),
      attempts.map(({ number }) => delivered === DeliveryState.DELIVERED && number === last.number),
      attempts.map(({ outcome }) => outcome),
      attempts.map(({ status }) => status || null),
      attempts.map(({ reason }) => reason || null),
      attempts.map(({ trigger }) => wordOf(triggerMessage, trigger) ?? 'route'),
    ],
  )
}

function dateOf(timestamp: Timestamp): Date {
  return timestampDate(timestamp)
}
