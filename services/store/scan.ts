import type { Knex } from 'knex'
import type { QueryResultRow } from 'pg'
import { encodeCursor } from './page.ts'
import type { Db } from './scope.ts'
import { select, sql } from './sql.ts'

/** Rows that one page looks at, at most, when a filter has no index of its own. */
export const mostScanned = 10_000

/** They are looked at in steps: the first is small, the others are as large as the time that is left allows. */
const firstStep = 500
const largestStep = 3_000
/** Less is not worth a statement. */
const leastStep = 100

/** How long a page looks for rows that fit before it says how far it came, ms: a list answers within 300 ms. */
export const scanMs = 150

/**
 * Left to itself, Postgres may sort all that an organization has to find its newest 10,000: 820 ms with 100,000 events. In the order of
 * the index it stops there.
 */
export const inIndexOrder = 'set local enable_sort = off; set local max_parallel_workers_per_gather = 0'

/** How far a page that isn't full looked. */
export interface Searched {
  /** Rows that were looked at. */
  readonly count: number
  /** Of the last of them: what lies beyond was not looked at yet. */
  readonly until: Date
}

export interface ScannedPage<Row> {
  readonly rows: Row[]
  /** Cursor of the next page; empty on the last. */
  readonly next: string
  /** Absent: the page is full, or everything was looked at. */
  readonly searched?: Searched
}

/** Where a page of a list ends: the time of its last row, and what makes that the only one there; as a cursor has them. */
export type CursorKey = readonly string[]

/** What is read, and in which order. */
export interface Ordered {
  /** Selects, under conditions that an index serves; neither ordered nor limited. */
  readonly base: Knex.QueryBuilder
  /** The columns of an index, as SQL, in whose order it is read: a time first. */
  readonly columns: readonly string[]
  readonly direction: 'desc' | 'asc'
  /** Where the page before ended; empty: the first page. */
  readonly from: CursorKey
}

export interface Scan<Row> extends Ordered {
  /** `columns` as the result of `base` names them. */
  readonly names: readonly string[]
  /** Other conditions, on the result of `base` as `s`. None: nothing bounds the scan but the page. */
  readonly filter: readonly Knex.Raw[]
  readonly limit: number
  /** The columns' values of a row. */
  readonly keyOf: (row: Row) => readonly [Date, ...string[]]
  /** When no further step is begun, on the clock of `performance.now()`. Default: `scanMs` from now. */
  readonly endMs?: number | undefined
}

/** The base behind `from`, in its order. */
export function inOrder({ base, columns, direction, from }: Ordered): Knex.QueryBuilder {
  const query = base.clone().orderByRaw(columns.map(column => `${column} ${direction}`).join())
  if (from.length === 0) return query
  const [beyond, bound] = direction === 'desc' ? ['<', '<='] : ['>', '>=']
  // The first comparison alone lets Postgres leave out whole days.
  return query
    .whereRaw(`${columns[0]} ${bound} ?`, [from[0]!])
    .whereRaw(`(${columns.join()}) ${beyond} (${from.map(() => '?').join()})`, [...from])
}

/**
 * One page, never by offset. With conditions that no index serves it looks at 10,000 rows or for 150 ms at most, and says how far it
 * came: the next page goes on from there.
 */
export async function scanPage<Row extends QueryResultRow>(
  db: Db,
  scan: Scan<Row>,
): Promise<ScannedPage<Row>> {
  const { filter, limit, keyOf, endMs = performance.now() + scanMs } = scan
  if (filter.length === 0) return cut(await select<Row>(db, inOrder(scan).limit(limit + 1)), limit, keyOf)
  await db.query(inIndexOrder)
  const found: Row[] = []
  let count = 0
  let from = scan.from
  for (let size = firstStep; ; ) {
    const beganMs = performance.now()
    const rows = await step<Row>(db, { ...scan, from, limit: limit - found.length }, size)
    found.push(...rows.filter(({ fits }) => fits))
    if (found.length > limit) return cut(found, limit, keyOf)
    const last = rows.findLast(({ nth }) => nth === String(size))
    if (!last) return { rows: found, next: '' }
    count += size
    from = cursorKeyOf(keyOf(last))
    const nowMs = performance.now()
    size = nextStep({ size, count, tookMs: nowMs - beganMs, leftMs: endMs - nowMs })
    if (size === 0) {
      const [until] = keyOf(last)
      return { rows: found, next: encodeCursor(...from), searched: { count, until } }
    }
  }
}

interface Step {
  readonly size: number
  /** Rows that were looked at so far. */
  readonly count: number
  readonly tookMs: number
  readonly leftMs: number
}

/** How many rows are looked at next, as fast as the last were; 0: none. Pure. */
export function nextStep({ size, count, tookMs, leftMs }: Step): number {
  const affordable = Math.floor((size / Math.max(tookMs, 0.1)) * leftMs)
  if (affordable < leastStep) return 0
  return Math.min(affordable, largestStep, mostScanned - count)
}

interface Looked {
  readonly fits: boolean
  /** Counted from 1, as Postgres writes a bigint. */
  readonly nth: string
}

/** Those of the next `size` rows that fit, one more than the limit at most, and the last of them in any case. */
async function step<Row extends QueryResultRow>(
  db: Db,
  scan: Scan<Row>,
  size: number,
): Promise<(Row & Looked)[]> {
  const { names, direction, filter, limit } = scan
  const order = names.map(name => `s.${name} ${direction}`).join()
  const fits = sql.raw(filter.map(() => '(?)').join(' and '), [...filter])
  const looked = sql
    .select('s.*', sql.raw(`row_number() over (order by ${order}) as nth`), sql.raw('? as fits', [fits]))
    .from(inOrder(scan).limit(size).as('s'))
  return await select<Row & Looked>(
    db,
    sql
      .select('s.*')
      .from(looked.as('s'))
      .whereRaw('(s.fits or s.nth = ?)', [size])
      .orderByRaw(order)
      .limit(limit + 1),
  )
}

function cut<Row>(rows: Row[], limit: number, keyOf: Scan<Row>['keyOf']): ScannedPage<Row> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { rows: shown, next: rows.length > limit && last ? encodeCursor(...cursorKeyOf(keyOf(last))) : '' }
}

const cursorKeyOf = ([time, ...parts]: readonly [Date, ...string[]]): CursorKey => [
  time.toISOString(),
  ...parts,
]
