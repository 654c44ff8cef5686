import type { Mode } from '@fairlead/wire/mode'
import type { QueryResultRow } from 'pg'
import { encodeCursor } from '../page.ts'
import { inIndexOrder, inOrder, mostScanned, type Scan, type ScannedPage, scanMs, scanPage } from '../scan.ts'
import { type Db, readAcrossModes } from '../scope.ts'
import { sql } from '../sql.ts'

/** Attempts of both modes that a page of one mode looks at: so many at first, and more where they don't fill the page. */
const windows = [1_000, 3_000, mostScanned] as const
const leastId = '00000000-0000-0000-0000-000000000000'

/**
 * A page of attempts of one mode. No index has the mode, and the other one may have long runs: a page looks at 10,000 attempts of both
 * at most, for as long as `scanPage` looks, and says how far it came. Only a time is read of the other mode, to the second.
 * @param mode of the transaction; undefined: both
 */
export async function scanOneMode<Row extends QueryResultRow>(
  db: Db,
  mode: Mode | undefined,
  scan: Scan<Row>,
): Promise<ScannedPage<Row>> {
  if (!mode) return await scanPage(db, scan)
  const endMs = performance.now() + scanMs
  await db.query(inIndexOrder)
  for (const count of windows) {
    const until = await timeOf(db, mode, scan, count)
    // Fewer are left than it may look at.
    if (!until) break
    const page = await scanPage(db, { ...scan, endMs, base: scan.base.clone().where('at', '>=', until) })
    if (page.next) return page
    if (count === mostScanned || performance.now() >= endMs) {
      const next = encodeCursor(until.toISOString(), leastId, leastId, '0')
      return { rows: page.rows, next, searched: { count, until } }
    }
  }
  return await scanPage(db, { ...scan, endMs })
}

/** Of the attempt of either mode in this place, rounded down. */
async function timeOf<Row>(db: Db, mode: Mode, scan: Scan<Row>, place: number): Promise<Date | undefined> {
  const query = inOrder(scan)
    .select(sql.raw("date_trunc('second', at) as until"))
    .offset(place - 1)
    .limit(1)
  const { sql: text, bindings } = query.toSQL().toNative()
  const [row] = await readAcrossModes<{ until: Date }>(db, mode, text, bindings)
  return row?.until
}
