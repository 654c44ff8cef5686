import { createTestDatabase } from '@fairlead/testbed/postgres'
import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openPool } from '../postgres.ts'
import { type Db, inScope } from '../scope.ts'
import { replaceRows } from './columns.ts'
import type { Place } from './place.ts'

const place: Place = { organization: newId('org', 1), provider: 'stripe', account: '', mode: 'live' }

/** How a connection goes on to replace rows, now that it has done so. */
async function planOf(db: Db, table: string, by: readonly string[]): Promise<string> {
  const values = Object.fromEntries(by.map(column => [column, ['a']]))
  await replaceRows(db, { table, place, by: values, key: by, rows: [] })
  const { rows } = await db.query(
    `select name from pg_prepared_statements where statement like '%delete from ${table} t%'`,
  )
  const given = ["'[]'", "'00000000-0000-0000-0000-000000000000'", "'stripe'", "''", "'live'"]
  const { rows: lines } = await db.query(
    `explain execute "${rows[0].name}" (${[...given, ...by.map(() => "'{a}'")].join(', ')})`,
  )
  return lines.map(line => line['QUERY PLAN']).join('\n')
}

test('payments, histories and links are replaced without a look at the others of the place, also by a plan of an empty table', async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 1)
  const plan = (table: string, by: readonly string[]) =>
    inScope(opened.pool, place.organization, db => planOf(db, table, by), { planned: true })
  for (const [table, by] of [
    ['ledger_payments', ['id', 'owner']],
    ['ledger_transitions', ['kind', 'id']],
    ['ledger_links', ['kind', 'id']],
  ] as const) {
    const text = await plan(table, by)
    expect(text).toContain(`Tid Scan on ${table} t`)
    expect(text).toMatch(/Index Cond: .*\(id = u\.id\)/)
  }
})
