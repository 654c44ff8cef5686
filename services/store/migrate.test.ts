import { readdir, readFile } from 'node:fs/promises'
import { openLog } from '@fairlead/daemon/log'
import { openRegistry } from '@fairlead/daemon/metrics'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { storeConfig } from './config.ts'
import { dumpSchema } from './dump-schema.ts'
import { migrate } from './migrate.ts'
import { run } from './run.ts'

test('an empty database gets the schema that schema.sql shows; a second run changes nothing', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await Promise.all([migrate(database.url), migrate(database.url)])
  const schema = await dumpSchema(database.url)
  // After a new migration: vitest run services/store/migrate.test.ts -u
  await expect(schema).toMatchFileSnapshot('./schema.sql')
  await migrate(database.url)
  expect(await dumpSchema(database.url)).toBe(schema)
})

test('a run that waits for another keeps that one from building an index', async () => {
  await using database = await createTestDatabase()
  const holder = new Client({ connectionString: database.url, statement_timeout: 60_000 })
  await holder.connect()
  await holder.query("select pg_advisory_lock(hashtextextended('fairlead.migrate', 0))")
  const waiting = migrate(database.url)
  try {
    await until(async () => {
      const { rowCount } = await holder.query(
        `select from pg_stat_activity where datname = current_database()
           and application_name = 'fairlead migrate' and query like '%advisory_lock%'`,
      )
      return rowCount === 1
    })
    await holder.query('create table built (id int)')
    await holder.query('create index concurrently on built (id)')
    await holder.query('drop table built')
  } finally {
    await holder.end()
  }
  await waiting
})

test('every table with tenants keeps them apart, its owner bound too', async () => {
  await using database = await createTestDatabase()
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query<{ relname: string }>(
    `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
       and relname <> 'migrations' and not (relrowsecurity and relforcerowsecurity)`,
  )
  await client.end()
  expect(rows).toEqual([])
})

test('a superuser is refused with what to do', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await expect(migrate(database.adminUrl)).rejects.toThrow(
    expect.objectContaining({
      code: 'role_unbound',
      message: expect.stringContaining('create role fairlead'),
    }),
  )
})

test.each([
  ['as a superuser', true, 'role_unbound'],
  ['on a database that is not migrated', false, 'schema_missing'],
])('the store does not start %s', async (_name, asSuperuser, code) => {
  await using database = await createTestDatabase({ migrated: asSuperuser })
  const config = storeConfig.parse({
    FAIRLEAD_POSTGRES_URL: asSuperuser ? database.adminUrl : database.url,
    FAIRLEAD_NATS_URL: 'nats://127.0.0.1:1',
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    FAIRLEAD_STORE_PORT: 0,
  })
  const daemon = {
    log: openLog({ service: 'store', level: 'silent' }),
    registry: openRegistry(),
    health: { check: () => ({ [Symbol.dispose]: () => {} }) },
  }
  await expect(run(config, new AbortController().signal, daemon)).rejects.toMatchObject({ code })
})

/** Tables of the log, which are large: those that write to them must not wait for an index. */
const logTables = ['events', 'deliveries', 'attempts', 'event_values', 'audit_logs']
/** From before the first release: no installation had a log when they ran. */
const beforeRelease = /^(0004|0013|0015|0030|0031|0050)-/

test('a migration builds an index on the log while those that write to it wait', async () => {
  const folder = new URL('./migrations/', import.meta.url)
  const names = (await readdir(folder)).filter(name => !beforeRelease.test(name))
  for (const name of names) {
    const sql = await readFile(new URL(name, folder), 'utf8')
    const waited = logTables.filter(
      table =>
        new RegExp(`create (unique )?index \\w+ on ${table}\\b`, 'i').test(sql) &&
        !sql.includes(`create table ${table}`),
    )
    if (!sql.startsWith('-- concurrently\n')) expect(waited, name).toEqual([])
  }
})
