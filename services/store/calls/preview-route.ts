import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { compileRoutes } from '@fairlead/webhook/match'
import type { PreviewRouteResponseSchema } from '@fairlead/wire/store/route'
import type { EventRow } from '../events/rows.ts'
import type { Db } from '../scope.ts'

/** Events that a preview looks at: the newest. */
const mostEvents = 1_000
/** Of those that match, how many are shown. */
const mostShown = 20

/** Which of the newest events a route would match, by the very function that the worker matches with. */
export async function previewRoute(
  db: Db,
  organization: OrganizationId,
  route: { readonly source: string; readonly eventTypes: readonly string[] },
): Promise<MessageInitShape<typeof PreviewRouteResponseSchema>> {
  const { rows } = await db.query<Pick<EventRow, 'id' | 'received_at' | 'source' | 'type' | 'types'>>(
    `select id, received_at, source, type, types from events where organization_id = $1
     order by received_at desc, id desc limit ${mostEvents}`,
    [toUuid(organization)],
  )
  const match = compileRoutes([{ ...route, destinations: ['*'] }])
  const matched = rows.filter(row => match(row.source, row.type, row.types ?? undefined).length > 0)
  const oldest = rows.at(-1)
  return {
    examined: rows.length,
    matched: matched.length,
    ...(oldest && { oldestAt: timestampFromDate(oldest.received_at) }),
    sample: matched.slice(0, mostShown).map(row => ({
      id: fromUuid('evt', row.id),
      source: row.source,
      type: row.type,
      receivedAt: timestampFromDate(row.received_at),
    })),
  }
}
