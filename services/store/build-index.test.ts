import { createTestDatabase } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { buildIndex, readIndexes } from './build-index.ts'
import { comingDays, ensureDays } from './partitions.ts'

const index = {
  name: 'events_tried',
  table: 'events',
  verb: 'create index',
  rest: '(organization_id, url)',
} as const

/** A database with a few days of the log, and connections to it. */
async function openDatabase() {
  const opened = new AsyncDisposableStack()
  const database = opened.use(await createTestDatabase())
  const connect = async () => {
    const client = new Client({ connectionString: database.url })
    await client.connect()
    opened.defer(() => client.end())
    await client.query("set fairlead.scope = 'platform'")
    return client
  }
  const owner = await connect()
  await ensureDays(owner, comingDays(Date.now()))
  return { connect, owner, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

const insert = (client: Client) =>
  client.query(
    `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method, url)
     values (gen_random_uuid(), gen_random_uuid(), now(), gen_random_uuid(), 's', 'p', 't', 'pending', 0, 'POST', '/')`,
  )

/** Indexes of this name and its parts: each partition's, and whether all can be used. */
async function stateOf(client: Client) {
  const { rows } = await client.query<{ valid: boolean; parts: number; partitions: number }>(
    `select indisvalid as valid,
       (select count(*)::int from pg_inherits where inhparent = 'events_tried'::regclass) as parts,
       (select count(*)::int from pg_inherits where inhparent = 'events'::regclass) as partitions
     from pg_index where indexrelid = 'events_tried'::regclass`,
  )
  return rows[0]
}

test('while an index of the log is built, transactions that write to it wait for it', async () => {
  await using database = await openDatabase()
  const { connect, owner } = database
  const slow = await connect()
  await slow.query('begin')
  await insert(slow)
  const built = buildIndex(owner, index)
  const other = await connect()
  await other.query("set statement_timeout = '10s'")
  for (let i = 0; i < 20; i++) await insert(other)
  expect((await other.query("select to_regclass('events_tried') is null as missing")).rows).toEqual([
    { missing: true },
  ])
  await slow.query('commit')
  await built
  const state = await stateOf(owner)
  expect(state).toMatchObject({ valid: true, parts: state!.partitions })
  expect(state!.partitions).toBeGreaterThan(2)
  await buildIndex(owner, index)
  expect(await stateOf(owner)).toEqual(state)
})

test('a run that is cut off leaves an index that is never used', async () => {
  await using database = await openDatabase()
  const { connect, owner } = database
  const [cut, slow] = [await connect(), await connect()]
  const { rows } = await cut.query<{ pid: number; today: string }>(
    "select pg_backend_pid() as pid, 'events_' || to_char(now() at time zone 'utc', 'YYYYMMDD') as today",
  )
  const { pid, today } = rows[0]!
  // As whoever writes to this day alone: the parent's index is made, and the day's waits.
  await slow.query('begin')
  await slow.query(`lock table ${today} in row exclusive mode`)
  const failed = buildIndex(cut, index).then(
    () => 'built',
    () => 'cut off',
  )
  cut.on('error', () => {})
  await until(async () => {
    const found = await owner.query(
      `select from pg_index where indexrelid = to_regclass('${today}_events_tried')`,
    )
    return found.rowCount === 1
  })
  await owner.query('select pg_terminate_backend($1)', [pid])
  expect(await failed).toBe('cut off')
  await slow.query('commit')
  expect((await stateOf(owner))?.valid).toBe(false)
  await buildIndex(owner, index)
  const state = await stateOf(owner)
  expect(state).toMatchObject({ valid: true, parts: state!.partitions })
})

test('a table without partitions gets its index, and a part of an older run is replaced', async () => {
  await using database = await openDatabase()
  const { owner } = database
  const unique = {
    name: 'identities_tried',
    table: 'identities',
    verb: 'create unique index',
    rest: '(issuer, email)',
  }
  await buildIndex(owner, unique)
  await buildIndex(owner, unique)
  const { rows } = await owner.query(
    "select indisvalid, indisunique from pg_index where indexrelid = 'identities_tried'::regclass",
  )
  expect(rows).toEqual([{ indisvalid: true, indisunique: true }])
})

test.each([
  ['create index a on events (b)', undefined],
  [
    '-- concurrently\n-- Why.\ncreate index a on events (b) where c;\n',
    [{ name: 'a', table: 'events', verb: 'create index', rest: '(b) where c' }],
  ],
])('%j is read as %j', (sql, indexes) => {
  expect(readIndexes(sql)).toEqual(indexes)
})

test('a migration that is marked has statements besides indexes', () => {
  expect(() => readIndexes('-- concurrently\nalter table events add column x int;')).toThrow('no index')
})
