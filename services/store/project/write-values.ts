import { toUuid as uuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import { date, type NewEvent } from './write-log.ts'

/** Writes the digests by which new events are found; most sources declare none. */
export async function insertValues(db: Db, events: readonly NewEvent[]): Promise<void> {
  const rows = events.flatMap(({ meta }) => (meta.search ?? []).map(digest => ({ meta, digest })))
  if (rows.length === 0) return
  await db.query(
    `insert into event_values (organization_id, digest, received_at, event_id, mode)
     select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[]) on conflict do nothing`,
    [
      rows.map(({ meta }) => uuid(meta.organization)),
      rows.map(({ digest }) => digest),
      rows.map(({ meta }) => date(meta.receivedAt)),
      rows.map(({ meta }) => uuid(meta.id)),
      rows.map(({ meta }) => meta.mode ?? 'live'),
    ],
  )
}
