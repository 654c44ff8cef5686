import { timestampDate } from '@bufbuild/protobuf/wkt'
import {
  deliveryId,
  type EventId,
  eventId,
  fromUuid,
  type OrganizationId,
  toUuid,
} from '@fairlead/webhook/id'
import {
  type Attempt,
  type CreateEventRequest,
  DeliveryState,
  type FinishedDelivery,
} from '@fairlead/wire/store/event'
import { readOrganization, type StoredOrganization } from '../organizations/read.ts'
import { ensureDays } from '../partitions.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { readEvent } from './read.ts'
import { type EventRow, stateMessage, triggerMessage, wordOf } from './rows.ts'
import { eventStatus } from './status.ts'

const dayMs = 86_400_000

/** Events that one call may add. */
const maxEvents = 1000

/**
 * Adds an event with deliveries that have ended to the log, without delivering it; its body is not kept.
 * An event that is in the log already stays as it is. Throws a StoreError `invalid_field` or `not_found`.
 */
export async function createEvent(
  db: Db,
  organization: OrganizationId,
  request: CreateEventRequest,
  nowMs: number,
): Promise<{ event: EventRow; created: boolean }> {
  const stored = await requireOrganization(db, organization)
  const event = planEvent(stored, organization, request, nowMs, '')
  const created = await insertEvents(db, organization, [event])
  return { event: await readEvent(db, organization, event.eventId), created: created > 0 }
}

/** Adds many events, all or none. Returns how many were new. Throws as createEvent does. */
export async function createEvents(
  db: Db,
  organization: OrganizationId,
  requests: readonly CreateEventRequest[],
  nowMs: number,
): Promise<number> {
  if (requests.length < 1 || requests.length > maxEvents) {
    throw new StoreError('invalid_field', `events: must be 1 to ${maxEvents}`, { field: 'events' })
  }
  const stored = await requireOrganization(db, organization)
  const events = new Map<EventId, NewEvent>()
  for (const [index, request] of requests.entries()) {
    const event = planEvent(stored, organization, request, nowMs, `events[${index}].`)
    if (!events.has(event.eventId)) events.set(event.eventId, event)
  }
  return insertEvents(db, organization, [...events.values()])
}

async function requireOrganization(db: Db, organization: OrganizationId): Promise<StoredOrganization> {
  const stored = await readOrganization(db, organization)
  if (!stored || stored.deleted_at) throw new StoreError('not_found', 'there is no such organization')
  return stored
}

interface NewEvent {
  readonly eventId: EventId
  /** Columns of `events` but for the organization. */
  readonly row: Readonly<Record<string, unknown>>
  readonly receivedAt: Date
  readonly deliveries: readonly NewDelivery[]
}

interface NewDelivery {
  readonly destinationId: string
  readonly state: keyof typeof stateMessage
  readonly attempts: readonly Attempt[]
}

/** Builds an event's rows. @param path where the event stands in the request, for faults */
function planEvent(
  stored: StoredOrganization,
  organization: OrganizationId,
  request: CreateEventRequest,
  nowMs: number,
  path: string,
): NewEvent {
  const invalid = (field: string, message: string) =>
    new StoreError('invalid_field', `${path}${field}: ${message}`, { field: path + field })
  const source = stored.sources.find(({ name }) => name === request.source)
  if (!source) throw invalid('source', 'there is no such source')
  if (!request.providerDeliveryId) throw invalid('provider_delivery_id', 'is missing')
  const receivedAt = request.receivedAt ? timestampDate(request.receivedAt) : new Date(nowMs)
  const ageDays = (nowMs - receivedAt.getTime()) / dayMs
  if (ageDays < 0 || ageDays > stored.retention_days) {
    throw invalid('received_at', `must be within the ${stored.retention_days} days that events are kept`)
  }
  const deliveries = request.deliveries.map((delivery, index) => {
    const field = `deliveries[${index}]`
    const destination = stored.destinations.find(({ name }) => name === delivery.destination)
    if (!destination) throw invalid(`${field}.destination`, 'there is no such destination')
    const state = finishedState(delivery, message => invalid(field, message))
    return { destinationId: destination.id, state, attempts: delivery.attempts }
  })
  const id = eventId(organization, source.name, { id: request.providerDeliveryId })
  const bad = deliveries.filter(({ state }) => state !== 'delivered').length
  const counts = { of: deliveries.length, delivered: deliveries.length - bad, bad }
  const row = {
    id: toUuid(id),
    received_at: receivedAt,
    source_id: source.id,
    source: source.name,
    provider: source.provider,
    type: request.type,
    status: eventStatus(counts),
    size_bytes: String(request.sizeBytes),
    method: request.method || 'POST',
    url: request.url || `/webhooks/${stored.slug}/${source.name}`,
    delivery_count: counts.of,
    delivered_count: counts.delivered,
    dead_count: counts.bad,
    mode: source.mode,
  }
  return { eventId: id, row, receivedAt, deliveries }
}

/** One statement for each table, however many events. Returns how many events were new. */
async function insertEvents(
  db: Db,
  organization: OrganizationId,
  events: readonly NewEvent[],
): Promise<number> {
  await ensureDays(db, new Set(events.map(({ receivedAt }) => receivedAt.toISOString().slice(0, 10))))
  const { rows } = await db.query<{ id: string }>(
    `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method,
       url, delivery_count, delivered_count, dead_count, mode)
     select $1, n.id, n.received_at, n.source_id, n.source, n.provider, n.type, n.status, n.size_bytes, n.method, n.url,
       n.delivery_count, n.delivered_count, n.dead_count, n.mode
     from json_to_recordset($2) as n(id uuid, received_at timestamptz, source_id uuid, source text, provider text,
       type text, status event_status, size_bytes bigint, method text, url text, delivery_count integer,
       delivered_count integer, dead_count integer, mode text)
     where not exists (select from events e where e.organization_id = $1 and e.id = n.id)
     on conflict do nothing returning id`,
    [toUuid(organization), JSON.stringify(events.map(({ row }) => row))],
  )
  const created = new Set(rows.map(({ id }) => id))
  const added = events.filter(({ row }) => created.has(row.id as string))
  await insertDeliveries(db, organization, added)
  await insertAttempts(db, organization, added)
  return added.length
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

async function insertDeliveries(
  db: Db,
  organization: OrganizationId,
  events: readonly NewEvent[],
): Promise<void> {
  const rows = events.flatMap(event =>
    event.deliveries.map(({ destinationId, state, attempts }) => {
      const last = attempts.at(-1)!
      const diedAtMs = attemptTime(last, event).getTime() + last.durationMs
      const bad = state !== 'delivered'
      return {
        event_id: event.row.id,
        destination_id: destinationId,
        received_at: event.receivedAt,
        id: toUuid(deliveryId(event.eventId, fromUuid('dst', destinationId))),
        state,
        attempt_count: last.number,
        trigger: wordOf(triggerMessage, last.trigger) ?? 'route',
        died_at: bad ? new Date(diedAtMs) : null,
        dead_reason: bad ? 'attempts_exhausted' : null,
        discard_reason: state === 'discarded' ? 'imported as discarded' : null,
        mode: event.row.mode,
      }
    }),
  )
  await db.query(
    `insert into deliveries (organization_id, event_id, destination_id, received_at, id, state, attempt_count, trigger,
       died_at, dead_reason, discard_reason, mode)
     select $1, n.* from json_to_recordset($2) as n(event_id uuid, destination_id uuid, received_at timestamptz, id uuid,
       state delivery_state, attempt_count integer, trigger attempt_trigger, died_at timestamptz, dead_reason text,
       discard_reason text, mode text)`,
    [toUuid(organization), JSON.stringify(rows)],
  )
}

async function insertAttempts(
  db: Db,
  organization: OrganizationId,
  events: readonly NewEvent[],
): Promise<void> {
  const rows = events.flatMap(event =>
    event.deliveries.flatMap(({ destinationId, state, attempts }) =>
      attempts.map(attempt => ({
        event_id: event.row.id,
        destination_id: destinationId,
        received_at: event.receivedAt,
        number: attempt.number,
        at: attemptTime(attempt, event),
        duration_ms: attempt.durationMs,
        delivered: state === 'delivered' && attempt.number === attempts.length,
        outcome: attempt.outcome,
        status: attempt.status || null,
        reason: attempt.reason || null,
        trigger: wordOf(triggerMessage, attempt.trigger) ?? 'route',
        mode: event.row.mode,
      })),
    ),
  )
  await db.query(
    `insert into attempts (organization_id, event_id, destination_id, received_at, number, at, duration_ms, delivered,
       outcome, status, reason, trigger, mode)
     select $1, n.* from json_to_recordset($2) as n(event_id uuid, destination_id uuid, received_at timestamptz,
       number integer, at timestamptz, duration_ms integer, delivered boolean, outcome text, status integer, reason text,
       trigger attempt_trigger, mode text)`,
    [toUuid(organization), JSON.stringify(rows)],
  )
}

function attemptTime(attempt: Attempt, event: NewEvent): Date {
  return attempt.at ? timestampDate(attempt.at) : event.receivedAt
}
