import { toUuid } from '@fairlead/webhook/id'
import type { ListWaitingDeliveriesRequest } from '@fairlead/wire/store/delivery'
import { decodeCursor, type Page, page, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { inIndexOrder } from '../scan.ts'
import type { Db } from '../scope.ts'
import { withEvent } from './dead-letters.ts'
import { nameOfDestination } from './destination-name.ts'
import type { DeliveryRow, EventRow } from './rows.ts'
import { anyType, conditions, likeOfGlob } from './where.ts'

export type WaitingRow = DeliveryRow & Pick<EventRow, 'source' | 'provider' | 'type'>

/** When a delivery is due, as an index has it. A delivery without an attempt is due since its event was received. */
const due = 'coalesce(d.next_attempt_at, d.received_at)'

/** Deliveries that have not ended, in the order in which they are due. */
export async function listWaiting(db: Db, request: ListWaitingDeliveriesRequest): Promise<Page<WaitingRow>> {
  const limit = pageSize(request.limit, 50, 500)
  const where = conditions()
  where.add(
    p => `d.organization_id = ${p}`,
    toUuid(requireId('org', request.organizationId, 'organization_id')),
  )
  if (request.destinationId) {
    const destination = toUuid(requireId('dst', request.destinationId, 'destination_id'))
    where.add(p => `d.destination_id = ${p}`, destination)
  }
  if (request.source) where.add(p => `e.source = ${p}`, request.source)
  if (request.type) where.add(p => anyType('e', type => `${type} like ${p}`), likeOfGlob(request.type))
  const [time, id] = decodeCursor(request.cursor, 'time', 'uuid')
  if (time && id) {
    const place = where.values.push(id)
    where.add(p => `(${due}, d.id) > (${p}, $${place})`, time)
  }
  await db.query(inIndexOrder)
  const { rows } = await db.query<WaitingRow>(
    `select d.*, e.source, e.provider, e.type, ${nameOfDestination('d')} as destination,
       coalesce(x.deleted_at is not null, true) as destination_deleted
     from ${withEvent}
     left join destinations x on x.organization_id = d.organization_id and x.id = d.destination_id
     where d.state = 'waiting' and ${where.text()}
     order by ${due}, d.id limit ${limit + 1}`,
    where.values,
  )
  return page(rows, limit, row => [row.next_attempt_at ?? row.received_at, row.id])
}
