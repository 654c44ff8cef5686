import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { Client, type ClientBase } from 'pg'
import { refuseUnboundRole } from './bound-role.ts'
import { buildIndex, readIndexes } from './build-index.ts'
import { connectTimeoutMs, lockTimeoutMs } from './postgres.ts'
import { StoreError } from './store-error.ts'

/**
 * Migrations are the numbered SQL files of `migrations/`, forward only, each in one transaction; those marked `-- concurrently` build
 * indexes beside writers (`build-index.ts`). An advisory lock lets one process at a time through, and goes with its session: a run that
 * was killed leaves nothing to unlock.
 */

/** A lock that another run holds is asked for this often, ms. */
const lockPollMs = 200

/**
 * Brings a database to the newest schema; does nothing where it is there already. The role must own the database and
 * be bound by row-level security. Throws a StoreError: `role_unbound`, or `migration_changed` if a file that ran
 * before says something else now.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'fairlead migrate',
    connectionTimeoutMillis: connectTimeoutMs,
    // A migration may take hours, so only the kernel tells whether the server is there.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  // A connection that breaks between two statements fails the next statement; without a listener it would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    await refuseUnboundRole(client)
    await takeLock(client)
    await client.query(`create table if not exists migrations (
      name text primary key, sha256 text not null, applied_at timestamptz not null default now())`)
    const applied = await readApplied(client)
    for (const migration of await readMigrations()) {
      const before = applied.get(migration.name)
      if (before === undefined) await apply(client, migration)
      else if (before !== migration.sha256) {
        throw new StoreError(
          'migration_changed',
          `${migration.name} has changed since it ran: put it back and write a new migration`,
        )
      }
    }
  } finally {
    await client.end()
  }
}

/**
 * Asks for the lock again and again. A statement that waits for it has a snapshot, and the run that holds it may build an index
 * `concurrently`, which waits for older snapshots: neither would go on.
 */
async function takeLock(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(
      "select pg_try_advisory_lock(hashtextextended('fairlead.migrate', 0)) as taken",
    )
    if (rows[0]?.taken) return
    await wait(lockPollMs)
  }
}

/** Throws a StoreError `schema_missing` if a migration that this code needs has not run. Newer ones don't matter. */
export async function requireSchema(client: Pick<ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>(
    "select to_regclass('migrations') is not null as found",
  )
  const applied = rows[0]?.found ? await readApplied(client) : new Map<string, string>()
  const missing = (await readMigrations()).find(({ name }) => !applied.has(name))
  if (!missing) return
  throw new StoreError(
    'schema_missing',
    `the database is not migrated (${missing.name} has not run): run node services/store/migrate-main.ts, or the image's part migrate`,
  )
}

interface Migration {
  name: string
  sql: string
  sha256: string
}

async function readMigrations(): Promise<Migration[]> {
  const folder = new URL('./migrations/', import.meta.url)
  const names = (await readdir(folder)).filter(name => /^\d{4}-.*\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async name => {
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function readApplied(client: Pick<ClientBase, 'query'>): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migrations')
  return new Map(rows.map(row => [row.name, row.sha256]))
}

async function apply(client: Client, migration: Migration): Promise<void> {
  const indexes = readIndexes(migration.sql)
  if (!indexes) return await applyInTransaction(client, migration)
  for (const index of indexes) await buildIndex(client, index)
  await note(client, migration)
}

const note = (client: Client, { name, sha256 }: Migration) =>
  client.query('insert into migrations (name, sha256) values ($1, $2)', [name, sha256])

async function applyInTransaction(client: Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    // A statement that waits for a table's lock keeps all others from that table: it fails instead, and is run again.
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`)
    await client.query(migration.sql)
    await note(client, migration)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
