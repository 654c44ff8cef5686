import type { Knex } from 'knex'
import type { QueryResultRow } from 'pg'
import { encodeCursor } from './page.ts'
import type { Db } from './scope.ts'
import { select, sql } from './sql.ts'

/** Rows that one page looks at when a filter has no index of its own: some 20 ms of work. */
export const mostScanned = 10_000

/**
 * Left to itself, Postgres may sort all that an organization has to find its newest 10,000: 820 ms with 100,000 events. In the order of
 * the index it stops there.
 */
export const inIndexOrder = 'set local enable_sort = off; set local max_parallel_workers_per_gather = 0'

/** How far a page that isn't full looked. */
export interface Searched {
  /** Rows that were looked at. */
  readonly count: number
  /** Of the last of them: what is older was not looked at yet. */
  readonly until: Date
}

export interface ScannedPage<Row> {
  readonly rows: Row[]
  /** Cursor of the next page; empty on the last. */
  readonly next: string
  /** Absent: the page is full, or everything was looked at. */
  readonly searched?: Searched
}

export interface Scan<Row> {
  /** Selects and orders by an index, newest first; only conditions that the index serves. */
  readonly base: Knex.QueryBuilder
  /** The same order, on the columns of the base's result `s`. */
  readonly order: { column: string; order: 'desc' | 'asc' }[]
  /** Other conditions on `s`; absent: there are none, and nothing bounds the scan but the page. */
  readonly filter?: ((query: Knex.QueryBuilder) => void) | undefined
  readonly limit: number
  /** A row's place: its time first, then all that makes it the only one there. */
  readonly place: (row: Row) => readonly [Date, ...string[]]
  readonly scanned?: number
}

/**
 * One page, never by offset. With conditions that no index serves it looks at 10,000 rows at most, and says how far it
 * came: the next page goes on from there.
 */
export async function scanPage<Row extends QueryResultRow>(
  db: Db,
  { base, order, filter, limit, place, scanned = mostScanned }: Scan<Row>,
): Promise<ScannedPage<Row>> {
  if (!filter) return cut(await select<Row>(db, base.clone().limit(limit + 1)), limit, place)
  const query = sql
    .select('s.*')
    .from(base.clone().limit(scanned).as('s'))
    .orderBy(order)
    .limit(limit + 1)
  filter(query)
  await db.query(inIndexOrder)
  const rows = await select<Row>(db, query)
  if (rows.length > limit) return cut(rows, limit, place)
  const [last] = await select<Row>(
    db,
    base
      .clone()
      .offset(scanned - 1)
      .limit(1),
  )
  if (!last) return { rows, next: '' }
  const [until] = place(last)
  return { rows, next: cursorOf(place(last)), searched: { count: scanned, until } }
}

function cut<Row>(rows: Row[], limit: number, place: Scan<Row>['place']): ScannedPage<Row> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { rows: shown, next: rows.length > limit && last ? cursorOf(place(last)) : '' }
}

const cursorOf = ([time, ...parts]: readonly [Date, ...string[]]): string =>
  encodeCursor(time.toISOString(), ...parts)
