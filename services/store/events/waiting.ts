import { toUuid } from '@fairlead/webhook/id'
import type { ListWaitingDeliveriesRequest } from '@fairlead/wire/store/delivery'
import { decodeCursor, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { type ScannedPage, scanPage } from '../scan.ts'
import type { Db } from '../scope.ts'
import { sql } from '../sql.ts'
import { deliveriesWithEvents, fitsEvent } from './dead-letters.ts'
import type { DeliveryRow, EventRow } from './rows.ts'

export type WaitingRow = DeliveryRow & Pick<EventRow, 'source' | 'provider' | 'type'> & { readonly due: Date }

/** When a delivery is due, as an index has it. A delivery without an attempt is due since its event was received. */
const due = 'coalesce(d.next_attempt_at, d.received_at)'

/** Deliveries that have not ended, in the order in which they are due. */
export async function listWaiting(
  db: Db,
  request: ListWaitingDeliveriesRequest,
): Promise<ScannedPage<WaitingRow>> {
  const { organizationId, destinationId } = request
  const base = deliveriesWithEvents(organizationId)
    .select(sql.raw(`${due} as due`))
    .whereRaw("d.state = 'waiting'")
  const filter = fitsEvent(request)
  if (destinationId)
    filter.push(sql.raw('s.destination_id = ?', [toUuid(requireId('dst', destinationId, 'destination_id'))]))
  return await scanPage<WaitingRow>(db, {
    base,
    columns: [due, 'd.id'],
    names: ['due', 'id'],
    direction: 'asc',
    from: decodeCursor(request.cursor, 'time', 'uuid'),
    filter,
    limit: pageSize(request.limit, 50, 500),
    keyOf: row => [row.due, row.id],
  })
}
