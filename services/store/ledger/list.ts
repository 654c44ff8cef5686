import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt'
import { toUuid } from '@fairlead/webhook/id'
import { LedgerResource, type ListLedgerRowsRequest } from '@fairlead/wire/store/ledger'
import type { Knex } from 'knex'
import type { QueryResultRow } from 'pg'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { select, sql } from '../sql.ts'
import { type Resource, requireResource, rowMessage } from './resources.ts'

const mostRows = 500
const presetRows = 50
const sortedBy = 'coalesce(t.created_ms, 0)'

/** A page of rows of one kind, newest first; placeholders, which have no time, last. */
export async function listRows(db: Db, request: ListLedgerRowsRequest) {
  const resource = requireResource(request.resource)
  const limit = pageSize(request.limit, presetRows, mostRows)
  const query = sql
    .from(`${resource.table} as t`)
    .where('t.organization_id', toUuid(requireId('org', request.organizationId, 'organization_id')))
    .select('t.*', sql.raw(`${sortedBy} as sorted`))
    .limit(limit + 1)
  if (request.resource === LedgerResource.CUSTOMERS) addPersonal(query)
  const tail = resource.tail ? [`t.${resource.tail}`] : []
  const order = [sortedBy, 't.id', 't.provider', 't.account', 't.mode', ...tail]
  for (const column of order) query.orderByRaw(`${column} desc`)
  filter(query, resource, request)
  const shapes = ['sequence', ...order.slice(1).map(() => 'foreign' as const)] as const
  const after = decodeCursor(request.cursor, ...shapes)
  if (after.length > 0) query.whereRaw(`(${order.join(', ')}) < (${order.map(() => '?').join(', ')})`, after)
  const rows = await select<QueryResultRow>(db, query)
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    rows: shown.map(rowMessage),
    next: rows.length > limit && last ? encodeCursor(...placeOf(resource, last)) : '',
  }
}

const placeOf = ({ tail }: Resource, row: QueryResultRow): string[] => [
  String(row.sorted),
  row.id,
  row.provider,
  row.account,
  row.mode,
  ...(tail ? [row[tail]] : []),
]

/** Name and address are in a table of their own, from which redaction takes them. */
export function addPersonal(query: Knex.QueryBuilder): void {
  query
    .leftJoin('ledger_customer_personal as p', join =>
      join
        .on('p.organization_id', 't.organization_id')
        .on('p.provider', 't.provider')
        .on('p.account', 't.account')
        .on('p.mode', 't.mode')
        .on('p.customer', 't.id'),
    )
    .select('p.email', 'p.name', 'p.phone', 'p.country')
}

function filter(query: Knex.QueryBuilder, resource: Resource, request: ListLedgerRowsRequest): void {
  const { provider, account, statuses, customer, subscription, currency, text, after, before } = request
  if (provider) query.where('t.provider', provider)
  if (account !== undefined) query.where('t.account', account)
  if (statuses.length > 0) by(query, resource.status, column => query.whereIn(column, statuses))
  if (customer) by(query, resource.customer, column => query.where(column, customer))
  if (subscription) by(query, resource.subscription, column => query.where(column, subscription))
  if (currency) by(query, resource.currency, column => query.where(column, currency))
  if (after) query.whereRaw(`${sortedBy} >= ?`, [ms(after)])
  if (before) query.whereRaw(`${sortedBy} < ?`, [ms(before)])
  if (text) search(query, resource, request.resource, text)
}

/** A filter that rows of this kind have no column for finds none. */
function by(query: Knex.QueryBuilder, column: string | undefined, narrow: (column: string) => void): void {
  if (column) narrow(`t.${column}`)
  else query.whereRaw('false')
}

/** An id or its beginning, a name as a whole; of customers the beginning of address or name. */
function search(query: Knex.QueryBuilder, resource: Resource, kind: LedgerResource, text: string): void {
  const beginning = `${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  query.where(either => {
    either.whereLike('t.id', beginning)
    for (const column of resource.named) either.orWhere(`t.${column}`, text)
    if (kind === LedgerResource.CUSTOMERS) {
      either.orWhereRaw('lower(p.email) like ?', [beginning.toLowerCase()])
      either.orWhereRaw('lower(p.name) like ?', [beginning.toLowerCase()])
    }
  })
}

const ms = (time: Timestamp): number => timestampMs(time)
