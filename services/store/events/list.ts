import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { ListEventsRequest } from '@fairlead/wire/store/event'
import { decodeCursor, pageSize } from '../page.ts'
import { type ScannedPage, scanPage } from '../scan.ts'
import type { Db } from '../scope.ts'
import { eventConditions, indexedEvents, lookedAt } from './filter.ts'
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
  const base = indexedEvents(conditions).orderBy(newestFirst)
  const [time, id] = decodeCursor(request.cursor, 'time', 'uuid')
  if (time && id) {
    // The first comparison alone lets Postgres leave out whole days.
    base.where('received_at', '<=', time).whereRaw('(received_at, id) < (?, ?)', [time, id])
  }
  return await scanPage<EventRow>(db, {
    base,
    order: newestFirst,
    filter: lookedAt(conditions, 's'),
    limit,
    place: row => [row.received_at, row.id],
  })
}
