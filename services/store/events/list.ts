import { parseId, toUuid } from '@fairlead/webhook/id'
import type { ListEventsRequest } from '@fairlead/wire/store/event'
import { decodeCursor, type Page, page, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type EventRow, statusMessage, wordOf } from './rows.ts'
import { hasStatus } from './status.ts'
import { anyType, type Conditions, conditions, dateOf, escapeLike, likeOfGlob } from './where.ts'

/** Events, newest first. */
export async function listEvents(db: Db, request: ListEventsRequest): Promise<Page<EventRow>> {
  const limit = pageSize(request.limit, 50, 500)
  const status = wordOf(statusMessage, request.status)
  const where = conditions()
  where.add(
    p => `organization_id = ${p}`,
    toUuid(requireId('org', request.organizationId, 'organization_id')),
  )
  if (request.source) where.add(p => `source = ${p}`, request.source)
  if (status) where.also(hasStatus(status))
  if (request.type) where.add(p => anyType('events', type => `${type} like ${p}`), likeOfGlob(request.type))
  if (request.q) addSearch(where, request.q)
  if (request.after) where.add(p => `received_at >= ${p}`, dateOf(request.after))
  if (request.before) where.add(p => `received_at < ${p}`, dateOf(request.before))
  const [time, id] = decodeCursor(request.cursor, 'time', 'uuid')
  if (time && id) {
    const place = where.values.push(time, id)
    // The first comparison alone lets Postgres leave out whole days.
    where.add(p => `received_at <= ${p} and (received_at, id) < ($${place - 1}, $${place})`, time)
  }
  const { rows } = await db.query<EventRow>(
    `select * from events where ${where.text()} order by received_at desc, id desc limit ${limit + 1}`,
    where.values,
  )
  return page(rows, limit, row => [row.received_at, row.id])
}

function addSearch(where: Conditions, q: string): void {
  if (q.length > 200) throw new StoreError('invalid_field', 'q: at most 200 characters', { field: 'q' })
  const id = parseId('evt', q)
  if (id) where.add(p => `id = ${p}`, toUuid(id))
  else {
    const fits = (p: string) => `(${anyType('events', type => `${type} ilike ${p}`)} or url ilike ${p})`
    where.add(fits, `%${escapeLike(q)}%`)
  }
}
