import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { ListEventsRequest } from '@fairlead/wire/store/event'
import { decodeCursor, pageSize } from '../page.ts'
import { type ScannedPage, scanPage } from '../scan.ts'
import type { Db } from '../scope.ts'
import { alsoLookedAt, eventConditions, eventsWithValue, indexedEvents, lookedAt } from './filter.ts'
import type { EventRow } from './rows.ts'

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
  return await scanPage<EventRow>(db, {
    ...(digest === undefined
      ? { base: indexedEvents(conditions), columns: ['received_at', 'id'], names: ['received_at', 'id'] }
      : {
          base: eventsWithValue(conditions, digest),
          columns: ['v.received_at', 'v.event_id'],
          names: ['value_at', 'value_event'],
        }),
    direction: 'desc',
    from: decodeCursor(request.cursor, 'time', 'uuid'),
    filter: digest === undefined ? lookedAt(conditions, 's') : alsoLookedAt(conditions, digests),
    limit,
    keyOf: row => [row.received_at, row.id],
  })
}
