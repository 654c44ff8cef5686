import { createTestDatabase, type TestDatabase } from '@fairlead/testbed/postgres'
import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureDays } from './partitions.ts'
import { inScope } from './scope.ts'

let database: TestDatabase
let pool: Pool
const now = Date.now()
const [acme, other] = [newId('org', now), newId('org', now)] as [OrganizationId, OrganizationId]
const today = new Date(now).toISOString().slice(0, 10)

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new Pool({ connectionString: database.url, max: 2 })
  await inScope(pool, 'platform', async db => {
    await ensureDays(db, new Set([today]))
    for (const [id, slug] of [
      [acme, 'acme'],
      [other, 'other'],
    ]) {
      const uuid = toUuid(id as OrganizationId)
      await db.query(
        `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference)
         values ($1, $2, '', 'free', true, 7, 'api', '')`,
        [uuid, slug],
      )
      await db.query(
        `insert into members (organization_id, id, email, role, managed_by)
         values ($1, gen_random_uuid(), 'ada@acme.example', 'owner', 'owner')`,
        [uuid],
      )
      await db.query(
        `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method, url)
         values ($1, gen_random_uuid(), $2, gen_random_uuid(), 's', 'p', 't', 'pending', 0, 'POST', '/')`,
        [uuid, new Date(now)],
      )
    }
  })
})
afterAll(async () => {
  await pool?.end()
  await database?.[Symbol.asyncDispose]()
})

test.each(['organizations', 'members', 'events'])(
  'a forgotten where on %s reads one organization only',
  async table => {
    const column = table === 'organizations' ? 'id' : 'organization_id'
    const { rows } = await inScope(pool, acme, db => db.query(`select ${column} as id from ${table}`))
    expect(rows).toEqual([{ id: toUuid(acme) }])
  },
)

test('a forgotten where on a change or a deletion touches one organization only', async () => {
  await inScope(pool, acme, async db => {
    expect((await db.query("update members set email = 'x@acme.example'")).rowCount).toBe(1)
    expect((await db.query('delete from events')).rowCount).toBe(1)
  })
  const { rows } = await inScope(pool, 'platform', db => db.query('select organization_id as id from events'))
  expect(rows).toEqual([{ id: toUuid(other) }])
})

test('a forgotten where reads, changes and deletes events of one mode only', async () => {
  await inScope(pool, acme, async db => {
    await db.query(
      `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method,
         url, mode)
       select $1, gen_random_uuid(), $2, gen_random_uuid(), 's', 'p', 't', 'pending', 0, 'POST', '/', mode
       from unnest(array['live', 'test']) as mode`,
      [toUuid(acme), new Date(now)],
    )
  })
  const read = async (mode?: 'live' | 'test') =>
    (await inScope(pool, acme, db => db.query('select mode from events order by mode'), { mode })).rows
  expect(await read('test')).toEqual([{ mode: 'test' }])
  expect(await read('live')).toEqual([{ mode: 'live' }])
  expect(await read()).toEqual([{ mode: 'live' }, { mode: 'test' }])
  const move = inScope(pool, acme, db => db.query("update events set mode = 'live'"), { mode: 'test' })
  await expect(move).rejects.toThrow('row-level security')
  const gone = await inScope(pool, acme, db => db.query('delete from events'), { mode: 'test' })
  expect([gone.rowCount, await read()]).toEqual([1, [{ mode: 'live' }]])
})

test('nothing is written into another organization', async () => {
  const write = inScope(pool, acme, db =>
    db.query(
      `insert into members (organization_id, id, email, role, managed_by)
       values ($1, gen_random_uuid(), 'eve@acme.example', 'owner', 'tenant')`,
      [toUuid(other)],
    ),
  )
  await expect(write).rejects.toThrow('row-level security')
  const move = inScope(pool, acme, db => db.query('update members set organization_id = $1', [toUuid(other)]))
  await expect(move).rejects.toThrow('row-level security')
})

test('without a scope there is nothing to read or to write, also on a connection that had one', async () => {
  await inScope(pool, 'platform', db => db.query('select 1'))
  for (const table of ['organizations', 'members', 'events', 'projection_positions', 'api_keys']) {
    expect((await pool.query(`select * from ${table}`)).rows).toEqual([])
  }
  await expect(pool.query("insert into projection_positions values ('EVENTS', 1, now())")).rejects.toThrow(
    'row-level security',
  )
})

test('a day of the log shows nothing by its own name', async () => {
  const { rows } = await inScope(pool, 'platform', db =>
    db.query(`select * from events_${today.replaceAll('-', '')}`),
  )
  expect(rows).toEqual([])
})

test('a scope ends with its transaction, also when the work fails', async () => {
  await expect(inScope(pool, acme, () => Promise.reject(new Error('test')))).rejects.toThrow('test')
  expect((await pool.query('select * from organizations')).rows).toEqual([])
})
