import { type DeliveryId, type EventId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { nameOfDestination } from './destination-name.ts'
import type { AttemptRow, DeliveryRow, EventRow } from './rows.ts'

/** One event. Throws a StoreError `not_found`. */
export async function readEvent(db: Db, organization: OrganizationId, event: EventId): Promise<EventRow> {
  const { rows } = await db.query<EventRow>('select * from events where organization_id = $1 and id = $2', [
    toUuid(organization),
    toUuid(event),
  ])
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such event in the log')
}

export const withDestination = `
  select d.*, ${nameOfDestination('d')} as destination, coalesce(x.deleted_at is not null, true) as destination_deleted
  from deliveries d
  left join destinations x on x.organization_id = d.organization_id and x.id = d.destination_id`

/** The deliveries of an event by destination name. */
export async function readDeliveries(
  db: Db,
  event: EventRow,
  lock: '' | 'for update of d' = '',
): Promise<DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>(
    `${withDestination}
     where d.organization_id = $1 and d.event_id = $2 and d.received_at = $3
     order by x.name, d.destination_id ${lock}`,
    [event.organization_id, event.id, event.received_at],
  )
  return rows
}

/**
 * The same, locked: a retry and a Replay must not hand over one delivery at the same time, because both attempts would
 * have the same number.
 */
export const lockDeliveries = (db: Db, event: EventRow): Promise<DeliveryRow[]> =>
  readDeliveries(db, event, 'for update of d')

/** A delivery that is dead or discarded. Throws a StoreError `not_found`. */
export async function readEndedBadly(
  db: Db,
  organization: OrganizationId,
  delivery: DeliveryId,
): Promise<DeliveryRow> {
  const { rows } = await db.query<DeliveryRow>(
    `${withDestination}
     where d.organization_id = $1 and d.id = $2 and d.state in ('dead', 'discarded') for update of d`,
    [toUuid(organization), toUuid(delivery)],
  )
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such dead letter')
}

/** Attempts of one event that are read at most: who asks for a retry again and again makes any number. They count for each destination. */
const mostAttempts = 1_000

/** The attempts of an event, by destination and in the order in which they were made; of more than 1,000 the newest. */
export async function readAttempts(db: Db, event: EventRow): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptRow>(
    `select * from (
       select * from attempts where organization_id = $1 and event_id = $2 and received_at = $3
       order by at desc, number desc, destination_id limit ${mostAttempts}
     ) a order by destination_id, number`,
    [event.organization_id, event.id, event.received_at],
  )
  return rows
}
