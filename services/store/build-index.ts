import { setTimeout as wait } from 'node:timers/promises'
import type { ClientBase } from 'pg'

/**
 * Indexes on tables that are written to while they are built. A migration whose first line is `-- concurrently` is nothing but such
 * indexes; the runner builds each outside of a transaction, and a run that was cut off goes on where it stopped.
 */
export interface NewIndex {
  readonly name: string
  readonly table: string
  /** `create unique index`, or `create index`. */
  readonly verb: string
  /** Columns and conditions. */
  readonly rest: string
}

/** How long the one lock that writers wait behind is asked for, ms; and how often, before the run fails. */
const lockMs = 500
const lockTries = 120

/** The indexes of a migration; undefined: it has no mark, and runs in a transaction. Throws a TypeError for other statements. */
export function readIndexes(sql: string): NewIndex[] | undefined {
  if (!/^-- concurrently\s*$/m.test(sql.split('\n', 1)[0]!)) return undefined
  const statements = sql
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map(statement => statement.trim())
    .filter(statement => statement !== '')
  return statements.map(statement => {
    const [, verb, name, table, rest] =
      /^(create (?:unique )?index) (\w+) on (\w+) (.+)$/is.exec(statement) ?? []
    if (!verb || !name || !table || !rest)
      throw new TypeError(`no index that is built concurrently: ${statement}`)
    return { name, table, verb, rest }
  })
}

export async function buildIndex(client: Pick<ClientBase, 'query'>, index: NewIndex): Promise<void> {
  const { rows } = await client.query<{ partitioned: boolean }>(
    "select relkind = 'p' as partitioned from pg_class where oid = $1::regclass",
    [index.table],
  )
  if (!rows[0]?.partitioned) return await buildOn(client, index, index.table, index.name)
  await untilLocked(client, `${index.verb} if not exists ${index.name} on only ${index.table} ${index.rest}`)
  for (const partition of await partitionsWithout(client, index)) {
    const name = `${partition}_${index.name}`.slice(0, 63)
    await buildOn(client, index, partition, name)
    await untilLocked(client, `alter index ${index.name} attach partition ${name}`)
  }
}

/** Waits for transactions that write, and no transaction waits for it. What a run that was cut off left is made anew. */
async function buildOn(
  client: Pick<ClientBase, 'query'>,
  { verb, rest }: NewIndex,
  table: string,
  name: string,
): Promise<void> {
  const { rows } = await client.query<{ valid: boolean }>(
    'select indisvalid as valid from pg_index where indexrelid = to_regclass($1)',
    [name],
  )
  if (rows[0]?.valid) return
  await client.query("set lock_timeout = '0'")
  if (rows[0]) await client.query(`drop index concurrently ${name}`)
  await client.query(`${verb} concurrently ${name} on ${table} ${rest}`)
}

/** Partitions whose index is not part of the whole one yet. Those that are made meanwhile get it as they are made. */
async function partitionsWithout(
  client: Pick<ClientBase, 'query'>,
  { name, table }: NewIndex,
): Promise<string[]> {
  const { rows } = await client.query<{ partition: string }>(
    `select p.inhrelid::regclass::text as partition from pg_inherits p where p.inhparent = $1::regclass
       and not exists (select from pg_inherits c join pg_index x on x.indexrelid = c.inhrelid
                       where c.inhparent = $2::regclass and x.indrelid = p.inhrelid)
     order by 1 desc`,
    [table, name],
  )
  return rows.map(({ partition }) => partition)
}

/**
 * A statement of a few milliseconds that needs a table for itself. Whoever comes after it in the queue waits too, so it gives up soon
 * and asks again. Rejects with Postgres' error (55P03) where the lock was not to be had within two minutes.
 */
async function untilLocked(client: Pick<ClientBase, 'query'>, statement: string): Promise<void> {
  await client.query(`set lock_timeout = ${lockMs}`)
  for (let tries = 1; ; tries++) {
    try {
      await client.query(statement)
      return
    } catch (error) {
      const isLocked = error instanceof Error && 'code' in error && error.code === '55P03'
      if (!isLocked || tries >= lockTries) throw error
      await wait(lockMs)
    }
  }
}
