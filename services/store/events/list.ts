import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { parseId, toUuid } from '@fairlead/webhook/id'
import type { ListDeadLettersRequest, ListEventsRequest } from '@fairlead/wire/store/event'
import { decodeCursor, encodeCursor, pageSize } from '../calls/page.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type DeliveryRow, type EventRow, statusMessage, wordOf } from './rows.ts'

export interface Page<Row> {
  rows: Row[]
  /** Cursor of the next page; empty on the last. */
  next: string
}

/** Conditions that are joined by `and`, with their values. */
function conditions() {
  const texts: string[] = []
  const values: unknown[] = []
  return {
    values,
    add(text: (place: string) => string, value: unknown) {
      texts.push(text(`$${values.push(value)}`))
    },
    text: () => texts.join(' and '),
  }
}

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
  if (status) where.add(p => `status = ${p}::event_status`, status)
  if (request.type) where.add(p => `type like ${p}`, likeOfGlob(request.type))
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

function addSearch(where: ReturnType<typeof conditions>, q: string): void {
  if (q.length > 200) throw new StoreError('invalid_field', 'q: at most 200 characters', { field: 'q' })
  const id = parseId('evt', q)
  if (id) where.add(p => `id = ${p}`, toUuid(id))
  else where.add(p => `(type ilike ${p} or url ilike ${p})`, `%${escapeLike(q)}%`)
}

/** Dead letters, those that died last first. */
export async function listDeadLetters(
  db: Db,
  request: ListDeadLettersRequest,
): Promise<Page<DeliveryRow & Pick<EventRow, 'source' | 'provider' | 'type'>>> {
  const limit = pageSize(request.limit, 50, 500)
  const where = conditions()
  where.add(
    p => `d.organization_id = ${p}`,
    toUuid(requireId('org', request.organizationId, 'organization_id')),
  )
  if (request.destinationId) {
    where.add(
      p => `d.destination_id = ${p}`,
      toUuid(requireId('dst', request.destinationId, 'destination_id')),
    )
  }
  if (request.source) where.add(p => `e.source = ${p}`, request.source)
  if (request.type) where.add(p => `e.type like ${p}`, likeOfGlob(request.type))
  const [time, id] = decodeCursor(request.cursor, 'time', 'uuid')
  if (time && id) {
    const place = where.values.push(id)
    where.add(p => `(d.died_at, d.id) < (${p}, $${place})`, time)
  }
  const { rows } = await db.query<DeliveryRow & Pick<EventRow, 'source' | 'provider' | 'type'>>(
    `select d.*, e.source, e.provider, e.type, x.name as destination,
       coalesce(x.deleted_at is not null, true) as destination_deleted
     from deliveries d
     join events e on e.organization_id = d.organization_id and e.id = d.event_id and e.received_at = d.received_at
     left join destinations x on x.organization_id = d.organization_id and x.id = d.destination_id
     where d.state = 'dead' and ${where.text()}
     order by d.died_at desc, d.id desc limit ${limit + 1}`,
    where.values,
  )
  return page(rows, limit, row => [row.died_at ?? row.received_at, row.id])
}

function page<Row>(rows: Row[], limit: number, position: (row: Row) => [Date, string]): Page<Row> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  if (rows.length <= limit || !last) return { rows: shown, next: '' }
  const [time, id] = position(last)
  return { rows: shown, next: encodeCursor(time.toISOString(), id) }
}

function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && timestampDate(timestamp)
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&')

/** A glob (`*` stands for any characters) as a pattern of `like`. */
const likeOfGlob = (glob: string): string => escapeLike(glob).replaceAll('*', '%')
