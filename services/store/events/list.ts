import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { ListEventsRequest } from '@fairlead/wire/store/event'
import { decodeCursor, pageSize } from '../page.ts'
import { type ScannedPage, scanPage } from '../scan.ts'
import type { Db } from '../scope.ts'
import { alsoLookedAt, eventConditions, eventsWithValue, indexedEvents, lookedAt } from './filter.ts'
import type { EventRow } from './rows.ts'

export const newestFirst = ['received_at', 'id'].map(column => ({ column, order: 'desc' as const }))

/** Events, newest first. @param mode of this mode alone; undefined: of both */
export async function listEvents(
  db: Db,
  organization: OrganizationId,
  request: ListEventsRequest,
  mode?: Mode,
): Promise<ScannedPage<EventRow>> {
  const limit = pageSize(request.limit, 50, 500)
  const conditions = await eventConditions(db, organization, { filter: request, mode })
  const [digest, ...digests] = conditions.digests
  const [at, key] = digest === undefined ? ['received_at', 'id'] : ['v.received_at', 'v.event_id']
  const base = (
    digest === undefined ? indexedEvents(conditions) : eventsWithValue(conditions, digest)
  ).orderBy([at, key].map(column => ({ column, order: 'desc' as const })))
  const [time, id] = decodeCursor(request.cursor, 'time', 'uuid')
  if (time && id) {
    // The first comparison alone lets Postgres leave out whole days.
    base.where(at, '<=', time).whereRaw(`(${at}, ${key}) < (?, ?)`, [time, id])
  }
  return await scanPage<EventRow>(db, {
    base,
    order: newestFirst,
    filter: digest === undefined ? lookedAt(conditions, 's') : alsoLookedAt(conditions, digests),
    limit,
    place: row => [row.received_at, row.id],
  })
}
