import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import type { RouteService } from '@fairlead/wire/store/route'
import { routeMessage } from '../organizations/messages.ts'
import type { RouteRow } from '../organizations/rows.ts'
import { requireId } from '../parse-request.ts'
import { type Calls, transact } from './calls.ts'

export function routeCalls(calls: Calls): ServiceImpl<typeof RouteService> {
  return {
    async listRoutes(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const { rows } = await transact(calls, context, id, db =>
        db.query<RouteRow>('select * from routes where organization_id = $1 order by created_at, id', [
          toUuid(id),
        ]),
      )
      return { routes: rows.map(routeMessage) }
    },
  }
}
