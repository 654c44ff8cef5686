import { type DeliveryId, fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { deadHeader, encodeDeadMeta } from '@fairlead/wire/dead'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { streamName } from '@fairlead/wire/streams'
import { deadSubject, dueSubject, scheduledSubject } from '@fairlead/wire/subjects'
import { JetStreamApiError, jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { findContent } from './content.ts'
import { readEvent, withDestination } from './read.ts'
import { recountEvents } from './recount.ts'
import type { DeliveryRow } from './rows.ts'

/**
 * The scheduled attempt of a delivery, a message in DELIVERIES under a subject of its own:
 *
 *   scheduled ──its time──▶ due ─▶ the worker
 *     │  ▲ └─ re-timed, also to now: published again over itself
 *     │  └────────────────────────┘
 *     └─ cancelled: re-timed to later, so that it can't fire meanwhile; a dead letter; then purged
 *
 * Publishing over it is one step for JetStream, and refused unless the message that was read is still the last: so a
 * schedule that fires meanwhile is not made a second time, and none is ever lost between two steps.
 */

/** How much later than now, ms, a schedule fires whose cancelling broke off halfway. */
const heldMs = 600_000

/** The reason of a dead letter whose scheduled attempt was cancelled. */
const cancelled = 'cancelled'

/**
 * Gives the scheduled attempt of a delivery another time; the past means now. Throws a StoreError `not_found`,
 * `delivery_ended`, `delivery_open` (it is due already) or `nats_unavailable`.
 */
export async function retime(
  db: Db,
  nats: NatsConnection,
  organization: OrganizationId,
  delivery: DeliveryId,
  at: Date,
): Promise<DeliveryRow> {
  const row = await readWaiting(db, organization, delivery)
  const subject = subjectOf(organization, row)
  const scheduled = await readScheduled(nats, subject)
  if (!scheduled) throw dueAlready()
  await publishOver(nats, scheduled, subject, row, at)
  await update(db, row, 'next_attempt_at = $5', at)
  return { ...row, next_attempt_at: at }
}

/** Throws `delivery_open` if the schedule that was read has fired. */
async function publishOver(
  nats: NatsConnection,
  scheduled: StoredMsg,
  subject: string,
  row: DeliveryRow,
  at: Date,
): Promise<void> {
  const fields = headers()
  fields.set('Nats-Schedule', `@at ${at.toISOString()}`)
  fields.set(
    'Nats-Schedule-Target',
    dueSubject(fromUuid('org', row.organization_id), fromUuid('dst', row.destination_id)),
  )
  try {
    await jetstream(nats).publish(subject, scheduled.data, {
      headers: fields,
      expect: { lastSubjectSequence: scheduled.seq },
    })
  } catch (cause) {
    // 10071 and, in a cluster, 10164: another sequence is the last: it has fired.
    if (cause instanceof JetStreamApiError && (cause.code === 10071 || cause.code === 10164))
      throw dueAlready()
    throw unavailable(cause)
  }
}

/**
 * Cancels the scheduled attempt of a delivery. The delivery becomes a dead letter, which JetStream stores before the
 * schedule is deleted. Throws as `retime` does; a delivery that was cancelled before is answered as it is.
 */
export async function cancel(
  db: Db,
  nats: NatsConnection,
  organization: OrganizationId,
  delivery: DeliveryId,
  nowMs: number,
): Promise<DeliveryRow> {
  const row = await readWaiting(db, organization, delivery, cancelled)
  const subject = subjectOf(organization, row)
  if (row.state === 'dead') {
    // The call before may have ended between its two steps.
    await purge(nats, subject)
    return row
  }
  const scheduled = await readScheduled(nats, subject)
  if (!scheduled) throw dueAlready()
  const died = {
    ...row,
    state: 'dead',
    // The log may not know of the last attempt yet, which must not bring the delivery back when it does.
    attempt_count: decodeDelivery(scheduled.data).attempt - 1,
    dead_reason: cancelled,
    died_at: new Date(nowMs),
    next_attempt_at: null,
  } as const
  // A dead letter of a delivery that is attempted after all could be retried, and both attempts would have one number.
  const later = Math.max(nowMs + heldMs, row.next_attempt_at?.getTime() ?? 0)
  await publishOver(nats, scheduled, subject, row, new Date(later))
  await bury(db, nats, organization, died)
  await purge(nats, subject)
  await update(
    db,
    row,
    `state = 'dead', dead_reason = '${cancelled}', next_attempt_at = null, attempt_count = $5, died_at = $6`,
    died.attempt_count,
    died.died_at,
  )
  const event = { organization, id: fromUuid('evt', row.event_id), receivedAt: row.received_at.getTime() }
  await recountEvents(db, [event])
  return died
}

/** Removes the schedule of a delivery; answers how many there were, 0 or 1. Throws `nats_unavailable`. */
export async function purgeSchedule(
  nats: NatsConnection,
  organization: OrganizationId,
  row: Pick<DeliveryRow, 'id' | 'destination_id'>,
): Promise<number> {
  return purge(nats, subjectOf(organization, row))
}

/** Locked, so that two calls at once take turns. */
async function readWaiting(
  db: Db,
  organization: OrganizationId,
  delivery: DeliveryId,
  deadReason?: string,
): Promise<DeliveryRow> {
  const of = [toUuid(organization), toUuid(delivery)]
  const { rows } = await db.query<DeliveryRow>(
    `${withDestination} where d.organization_id = $1 and d.id = $2 and d.state = 'waiting' for update of d`,
    of,
  )
  if (rows[0]) return rows[0]
  const ended = await db.query<DeliveryRow>(
    `${withDestination} where d.organization_id = $1 and d.id = $2 and d.state in ('dead', 'discarded')`,
    of,
  )
  const [row] = ended.rows
  if (!row) throw new StoreError('not_found', 'there is no such delivery that waits')
  if (row.state === 'dead' && row.dead_reason === deadReason) return row
  throw new StoreError('delivery_ended', 'this delivery has ended: retry the dead letter instead')
}

async function readScheduled(nats: NatsConnection, subject: string): Promise<StoredMsg | undefined> {
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.getMessage(streamName.deliveries, { last_by_subj: subject })) ?? undefined
  } catch (cause) {
    // 10037: none.
    if (cause instanceof JetStreamApiError && cause.code === 10037) return undefined
    throw unavailable(cause)
  }
}

async function purge(nats: NatsConnection, filter: string): Promise<number> {
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.purge(streamName.deliveries, { filter })).purged
  } catch (cause) {
    throw unavailable(cause)
  }
}

/** Stores a dead letter as the worker does. Where the body has expired, there is none to store. */
async function bury(
  db: Db,
  nats: NatsConnection,
  organization: OrganizationId,
  row: DeliveryRow,
): Promise<void> {
  const id = fromUuid('evt', row.event_id)
  const event = await readEvent(db, organization, id)
  const content = await findContent(nats, id, event, [row])
  if (!content) return
  const [delivery, destination] = [fromUuid('dlv', row.id), fromUuid('dst', row.destination_id)]
  const fields = headers()
  fields.set(eventHeader, encodeEventMeta(content.meta))
  fields.set(
    deadHeader,
    encodeDeadMeta({
      delivery,
      destination,
      // Of an event that is in the log already.
      eventSeq: 1,
      attempt: row.attempt_count,
      at: row.died_at!.getTime(),
      reason: cancelled,
    }),
  )
  try {
    const msgID = `${delivery}.${row.attempt_count}.${cancelled}`
    await jetstream(nats).publish(deadSubject(organization, destination), content.body, {
      headers: fields,
      msgID,
    })
  } catch (cause) {
    throw unavailable(cause)
  }
}

async function update(db: Db, row: DeliveryRow, set: string, ...values: unknown[]): Promise<void> {
  await db.query(
    `update deliveries set ${set}
     where organization_id = $1 and event_id = $2 and destination_id = $3 and received_at = $4`,
    [row.organization_id, row.event_id, row.destination_id, row.received_at, ...values],
  )
}

const subjectOf = (organization: OrganizationId, row: Pick<DeliveryRow, 'id' | 'destination_id'>): string =>
  scheduledSubject(organization, fromUuid('dst', row.destination_id), fromUuid('dlv', row.id))

const dueAlready = () =>
  new StoreError('delivery_open', 'its next attempt is due already: it is being tried, or waits for room')

const unavailable = (cause: unknown) =>
  new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
