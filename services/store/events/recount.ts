import { type EventId, type OrganizationId, toUuid as uuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'

export interface CountedEvent {
  readonly organization: OrganizationId
  readonly id: EventId
  /** Unix milliseconds. */
  readonly receivedAt: number
  /** How many deliveries the event has, where that is known anew. */
  readonly of?: number | undefined
}

/**
 * Counts the deliveries of events again, and sets the events' status.
 *
 * @param change of the projection, whose batches are in order; what others change is told with the next of them
 */
export async function recountEvents(
  db: Db,
  events: readonly CountedEvent[],
  change: string | null = null,
): Promise<void> {
  if (events.length === 0) return
  await db.query(
    `update events e set delivery_count = c.delivery_count, delivered_count = c.delivered, dead_count = c.bad,
       status = event_status_of(c.delivery_count, c.delivered, c.bad),
       change_seq = coalesce($5::bigint, e.change_seq)
     from (
       select n.organization_id, n.id, n.received_at,
         greatest(n.delivery_count, k.delivery_count, nullif(count(d.id), 0))::int as delivery_count,
         count(*) filter (where d.state = 'delivered')::int as delivered,
         count(*) filter (where d.state in ('dead', 'discarded'))::int as bad
       from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::int[]) as n (organization_id, id, received_at, delivery_count)
       join events k on (k.organization_id, k.id, k.received_at) = (n.organization_id, n.id, n.received_at)
       left join deliveries d on d.organization_id = n.organization_id and d.event_id = n.id
         and d.received_at = n.received_at
       group by n.organization_id, n.id, n.received_at, n.delivery_count, k.delivery_count
     ) c
     where (e.organization_id, e.id, e.received_at) = (c.organization_id, c.id, c.received_at)`,
    [
      events.map(event => uuid(event.organization)),
      events.map(event => uuid(event.id)),
      events.map(event => new Date(event.receivedAt).toISOString()),
      events.map(event => event.of ?? null),
      change,
    ],
  )
}
