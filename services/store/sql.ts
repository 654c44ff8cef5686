import knex, { type Knex } from 'knex'
import type { QueryResultRow } from 'pg'
import type { Db } from './scope.ts'

/**
 * The builder of statements that are put together while running: filters of lists. It has no connection; what it builds
 * is run under a scope like every other statement. Fixed statements stay text.
 */
export const sql: Knex = knex({ client: 'pg' })

/** Runs what was built. */
export async function select<Row extends QueryResultRow>(db: Db, query: Knex.QueryBuilder): Promise<Row[]> {
  const { sql: text, bindings } = query.toSQL().toNative()
  const { rows } = await db.query<Row>(text, [...bindings])
  return rows
}
