import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import type { DestinationService } from '@fairlead/wire/store/destination'
import { type DestinationCondition, destinationMessage } from '../organizations/messages.ts'
import { readOrganization } from '../organizations/read.ts'
import { requireId } from '../parse-request.ts'
import { type Calls, transact } from './calls.ts'

/** Waiting and dead deliveries come from partial indexes that hold nothing else. */
const conditions = `
  select d.id,
    (select count(*)::int from deliveries w
     where w.organization_id = d.organization_id and w.destination_id = d.id and w.state = 'waiting') as waiting,
    (select count(*)::int from deliveries x
     where x.organization_id = d.organization_id and x.destination_id = d.id and x.state = 'dead') as dead,
    h.last_success_at, h.failing_since, h.last_error
  from destinations d
  left join destination_health h on h.organization_id = d.organization_id and h.destination_id = d.id
  where d.organization_id = $1 and d.deleted_at is null`

export function destinationCalls(calls: Calls): ServiceImpl<typeof DestinationService> {
  return {
    async listDestinations(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, id, async db => {
        const organization = await readOrganization(db, id)
        const { rows } = await db.query<DestinationCondition & { id: string }>(conditions, [toUuid(id)])
        const condition = new Map(rows.map(row => [row.id, row]))
        const destinations = organization?.destinations ?? []
        return { destinations: destinations.map(row => destinationMessage(row, condition.get(row.id))) }
      })
    },
  }
}
