import type { QueryResultRow } from 'pg'
import type { Db } from '../scope.ts'
import { inPlace, type Place, placeValues } from './place.ts'

/** Rows of the ledger's tables: fields are named as in packages/ledger, columns in SQL's way, times with their unit. */

export type Columns = Readonly<Record<string, unknown>>

/** `amountDue` → `amount_due`, `paidAt` → `paid_ms`. */
export const columnOf = remembered(field => {
  if (field === 'at') return 'at_ms'
  return field.replace(/At$/, 'Ms').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
})

/** `amount_due` → `amountDue`, `paid_ms` → `paidAt`. */
export const fieldOf = remembered(column => {
  if (column === 'at_ms') return 'at'
  return column.replace(/_ms$/, '_at').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
})

/** For the names of our own types and tables, which are few: each row asks for all of its own. */
function remembered(rename: (name: string) => string): (name: string) => string {
  const renamed = new Map<string, string>()
  return name => {
    const known = renamed.get(name) ?? rename(name)
    renamed.set(name, known)
    return known
  }
}

/** Fields as columns; money as its digits, which JSON can hold. */
export function columnsOf(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([field, value]) => [columnOf(field), jsonOf(value)]))
}

/** The same value with digits for bigints. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([field, part]) => [field, jsonOf(part)]))
}

/** Columns that each row of the ledger's tables has in its primary key. */
const placeKey = ['organization_id', 'provider', 'account', 'mode']

/**
 * Puts rows into a table by its primary key: new ones come, others become these, equal ones stay untouched. All rows have the same
 * columns. Names come from our own types, never from outside. The place is locked: no other writer comes between look and write.
 * @param key columns of the primary key, without the place's
 */
export async function putRows(
  db: Db,
  table: string,
  key: readonly string[],
  rows: readonly Columns[],
): Promise<void> {
  const [first] = rows
  if (!first) return
  await db.query(
    `with n as (select * from jsonb_populate_recordset(null::${table}, $1::jsonb)) ${putStatement(table, key, first)}`,
    [JSON.stringify(rows)],
  )
}

/** Puts the rows of `n`, which have the columns of `first`. Equal ones are looked for first: a conflict would write to the old one, if only a lock. */
function putStatement(table: string, key: readonly string[], first: Columns): string {
  const names = Object.keys(first).map(name => `"${name}"`)
  const list = names.join(', ')
  const of = (row: string) => names.map(name => `${row}.${name}`).join(', ')
  const sameKey = [...placeKey, ...key].map(name => `n."${name}" = t."${name}"`).join(' and ')
  return `insert into ${table} as t (${list}) select ${list} from n
     where not exists (select from ${table} t where ${sameKey} and (${of('t')}) is not distinct from (${of('n')}))
     on conflict on constraint ${table}_pkey do update set (${list}) = row(${of('excluded')})`
}

export interface Replaced {
  readonly table: string
  readonly place: Place
  /** The rows of the place that these are to be, and no others: columns of text, with their values side by side. An index begins with them. */
  readonly by: Readonly<Record<string, readonly string[]>>
  /** Columns of its primary key, without the place's. */
  readonly key: readonly string[]
  readonly rows: readonly Columns[]
  /** A column of text. */
  readonly returning?: string
}

/**
 * Makes the rows of a table that some columns name these, in one statement: others go, equal ones stay untouched.
 * @returns the column of the rows that came or changed
 */
export async function replaceRows(
  db: Db,
  { table, place, by, key, rows, returning }: Replaced,
): Promise<string[]> {
  const [first] = rows
  const keyOf = (row: string) => key.map(name => `${row}."${name}"`).join(', ')
  // `not in`, which goes by a table of hashes whatever joins are planned.
  const remove = `delete from ${table} t where ${namedRows(table, Object.keys(by))} and (${keyOf('t')}) not in (select ${keyOf('n')} from n)`
  const put =
    first && `${putStatement(table, key, first)} ${returning ? `returning t.${returning} as changed` : ''}`
  const { rows: changed } = await db.query<{ changed: string }>(
    `with n as (select * from jsonb_populate_recordset(null::${table}, $1::jsonb))
     ${put ? `, gone as (${remove}) ${put}` : remove}`,
    [JSON.stringify(rows), ...placeValues(place), ...Object.values(by)],
  )
  return put && returning ? changed.map(row => row.changed) : []
}

/**
 * A condition on `t`, each of whose rows is looked up by itself: no join can go through a whole place instead. By which index is Postgres' choice:
 * where the table was empty when the plan was made, it may be one of the place alone until the plan is made anew.
 */
function namedRows(table: string, columns: readonly string[]): string {
  const names = columns.map(column => `"${column}"`)
  return `t.ctid = any(array(
     select x.ctid from unnest(${names.map((_, index) => `$${6 + index}::text[]`).join(', ')}) as u (${names.join(', ')})
     cross join lateral (
       select x.ctid from ${table} x
       where ${inPlace('x', 2)} and ${names.map(name => `x.${name} = u.${name}`).join(' and ')} offset 0) x))`
}

/** A row of a table as its fields; whose it is stays out. bigint columns are texts of digits. */
export function fieldsOf(row: QueryResultRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => column !== 'organization_id' && column !== 'owner')
      .map(([column, value]) => [
        fieldOf(column),
        column.endsWith('_ms') && value !== null ? Number(value) : value,
      ]),
  )
}
