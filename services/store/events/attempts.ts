import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { deliveryId, fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { ledgerDestination } from '@fairlead/wire/ledger'
import type { Mode } from '@fairlead/wire/mode'
import { type ListAttemptsRequest, LoggedAttemptSchema } from '@fairlead/wire/store/attempt'
import type { Knex } from 'knex'
import { decodeCursor, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { type Scan, type ScannedPage, scanPage } from '../scan.ts'
import type { Db } from '../scope.ts'
import { select, sql } from '../sql.ts'
import { StoreError } from '../store-error.ts'
import { nameOfDestination } from './destination-name.ts'
import { type AttemptRow, attemptMessage } from './rows.ts'
import { scanOneMode } from './scan-mode.ts'
import { dateOf } from './where.ts'

/** An attempt with what it was an attempt of. */
export interface LoggedAttemptRow extends AttemptRow {
  event_id: string
  received_at: Date
  dead: boolean
  mode: Mode
  exchange_seq: string | null
  destination: string | null
  source: string | null
  type: string | null
}

const columns = ['at', 'event_id', 'destination_id', 'number']

/** Attempts of an organization, newest first. @param mode of this mode alone; undefined: of both */
export async function listAttempts(
  db: Db,
  request: ListAttemptsRequest,
  mode?: Mode,
): Promise<ScannedPage<LoggedAttemptRow>> {
  const organization = toUuid(requireId('org', request.organizationId, 'organization_id'))
  const base = sql('attempts').where('organization_id', organization)
  // An event has few attempts: all conditions are on those.
  const table = request.eventId ? 'attempts' : 's'
  const filter: Knex.Raw[] = []
  if (request.destinationId) {
    const destination = toUuid(requireId('dst', request.destinationId, 'destination_id'))
    // Those that failed have an index by destination. Of the others it may have none among a million.
    if (request.failed) base.where('destination_id', destination)
    else filter.push(sql.raw(`${table}.destination_id = ?`, [destination]))
  }
  if (request.eventId) base.where('event_id', toUuid(requireId('evt', request.eventId, 'event_id')))
  if (request.failed) base.whereRaw('not delivered')
  const [after, before] = [dateOf(request.after), dateOf(request.before)]
  if (after) base.where('at', '>=', after)
  if (before) base.where('at', '<', before)
  if (request.outcome) filter.push(sql.raw(`${table}.outcome = ?`, [request.outcome]))
  if (request.status) filter.push(sql.raw(`${table}.status = ?`, [request.status]))
  const scan: Scan<LoggedAttemptRow> = {
    base,
    columns,
    names: columns,
    direction: 'desc',
    from: decodeCursor(request.cursor, 'time', 'uuid', 'uuid', 'number'),
    filter,
    limit: pageSize(request.limit, 50, 500),
    keyOf: row => [row.at, row.event_id, row.destination_id, String(row.number)],
  }
  if (request.eventId) for (const fits of filter) base.whereRaw(fits)
  const page = request.eventId
    ? await scanPage(db, { ...scan, filter: [] })
    : await scanOneMode(db, mode, scan)
  return { ...page, rows: await withNames(db, organization, page.rows) }
}

/** One attempt. Throws a StoreError `not_found`. */
export async function readAttempt(
  db: Db,
  organization: OrganizationId,
  delivery: string,
  number: number,
): Promise<LoggedAttemptRow> {
  const { rows } = await db.query<LoggedAttemptRow>(
    `select a.*, ${nameOfDestination('a')} as destination, e.source, e.type
     from deliveries d
     join attempts a on a.organization_id = d.organization_id and a.event_id = d.event_id
       and a.destination_id = d.destination_id and a.received_at = d.received_at and a.number = $3::bigint
     left join destinations x on x.organization_id = a.organization_id and x.id = a.destination_id
     left join events e on e.organization_id = a.organization_id and e.id = a.event_id
       and e.received_at = a.received_at
     where d.organization_id = $1 and d.id = $2`,
    [toUuid(organization), delivery, number],
  )
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such attempt in the log')
}

/** Joined to the rows of a page alone. */
async function withNames(
  db: Db,
  organization: string,
  rows: readonly LoggedAttemptRow[],
): Promise<LoggedAttemptRow[]> {
  if (rows.length === 0) return []
  const [destinations, events] = [
    await select<{ id: string; name: string }>(
      db,
      sql('destinations')
        .select('id', 'name')
        .where('organization_id', organization)
        .whereRaw('id = any(?::uuid[])', [[...new Set(rows.map(row => row.destination_id))]]),
    ),
    (
      await db.query<{ id: string; received_at: Date; source: string; type: string }>(
        `select e.id, e.received_at, e.source, e.type
         from (select distinct * from unnest($2::uuid[], $3::timestamptz[]) as n (id, received_at)) as n
         join events e on e.organization_id = $1 and e.id = n.id and e.received_at = n.received_at`,
        [organization, rows.map(row => row.event_id), rows.map(row => row.received_at)],
      )
    ).rows,
  ]
  const ledger = ledgerDestination(fromUuid('org', organization))
  const names = new Map(destinations.map(({ id, name }) => [id, name])).set(toUuid(ledger.id), ledger.name)
  const byId = new Map(events.map(event => [event.id, event]))
  return rows.map(row => ({
    ...row,
    destination: names.get(row.destination_id) ?? null,
    source: byId.get(row.event_id)?.source ?? null,
    type: byId.get(row.event_id)?.type ?? null,
  }))
}

export function loggedAttemptMessage(row: LoggedAttemptRow) {
  const event = fromUuid('evt', row.event_id)
  const destination = fromUuid('dst', row.destination_id)
  return create(LoggedAttemptSchema, {
    attempt: attemptMessage(row),
    deliveryId: deliveryId(event, destination),
    eventId: event,
    destinationId: destination,
    destination: row.destination ?? '',
    source: row.source ?? '',
    type: row.type ?? '',
    receivedAt: timestampFromDate(row.received_at),
    dead: row.dead,
    mode: row.mode,
  })
}
