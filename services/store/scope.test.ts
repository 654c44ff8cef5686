import { Code } from '@connectrpc/connect'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { asAdmin } from '@fairlead/testbed/run'
import { until } from '@fairlead/testbed/until'
import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { ErrorReason } from '@fairlead/wire/store/error'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { answerOf } from './answer-errors.ts'
import { mostWaiting, openPool } from './postgres.ts'
import { inScope } from './scope.ts'

test('a connection that breaks between two statements fails its transaction, and does not end the process', async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 1)
  const broken = Promise.withResolvers<void>()
  opened.pool.on('connect', client => client.on('end', broken.resolve))

  const work = inScope(opened.pool, 'platform', async db => {
    const { rows } = await db.query('select pg_backend_pid() as pid')
    // As PostgreSQL does to every connection when its postmaster is killed.
    await asAdmin(database.adminUrl, `select pg_terminate_backend(${rows[0].pid})`)
    await broken.promise
    await db.query('select 1')
  })

  await expect(work).rejects.toMatchObject({ code: 'postgres_unavailable' })
  const after = () => inScope(opened.pool, 'platform', async db => (await db.query('select 1 as one')).rows)
  await until(async () => expect(await after()).toEqual([{ one: 1 }]))
})

test('statements of one organization do not hold up those of another', async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 4)
  const [many, other] = [newId('org', 1), newId('org', 2)]
  const holder = new Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('select pg_advisory_lock(1)')
  let done = 0
  const crowd = Array.from({ length: 60 }, () =>
    inScope(opened.pool, many, async db => {
      await db.query('select pg_advisory_xact_lock_shared(1)')
      done++
    }),
  )
  // Two connections are left to others while one organization waits for more.
  await inScope(opened.pool, other, db => db.query('select 1'))
  expect(done).toBe(0)
  await holder.end()
  await Promise.all(crowd)
})

test('a queue that is full is told as such at once, and not as an outage of Postgres', async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 1)
  const organization = newId('org', 1)
  const gate = Promise.withResolvers<void>()
  const held = inScope(opened.pool, organization, () => gate.promise)
  const ask = () => inScope(opened.pool, organization, db => db.query('select 1'))
  const crowd = Array.from({ length: mostWaiting }, () => ask().catch(() => {}))
  const refusal = await ask().then(
    () => expect.fail('it was answered'),
    (error: unknown) => error,
  )
  expect(refusal).toMatchObject({ code: 'busy' })
  const answer = answerOf(refusal)
  expect([answer.code, storeErrorDetail(answer)?.reason]).toEqual([Code.ResourceExhausted, ErrorReason.BUSY])
  expect(opened.pool.turns.waiting).toBe(mostWaiting)
  gate.resolve()
  await Promise.all([held, ...crowd])
  await expect(ask()).resolves.toMatchObject({ rowCount: 1 })
})

test("slow lists of many organizations don't hold up authentication and the health check", async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 8)
  const gate = Promise.withResolvers<void>()
  let listed = 0
  const list = (organization: OrganizationId) =>
    inScope(opened.pool, organization, async () => {
      await gate.promise
      listed++
    }).catch(() => {})
  const lists = Array.from({ length: 40 }, (_, n) => list(newId('org', n % 20)))
  const background = inScope(opened.pool, 'platform', db => db.query('select 1')).catch(() => {})
  // They hold all connections that they may have, and more of them wait.
  expect(opened.pool.turns.waiting).toBe(35)
  const lookUp = () => inScope(opened.pool, 'platform', db => db.query('select 1'), { short: true })
  await Promise.all(Array.from({ length: 20 }, lookUp))
  expect(listed).toBe(0)
  gate.resolve()
  await Promise.all([...lists, background])
})

test('a statement that is planned once goes on after a migration added a column, and reads no whole table that was empty when it was planned', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await using opened = openPool(database.url, 1)
  const change = (text: string) => inScope(opened.pool, 'platform', db => db.query(text))
  await change('create table things (id int primary key)')
  const wanted = 'select id from things where id = any($1::int[])'
  const ask = () =>
    inScope(
      opened.pool,
      'platform',
      async db => {
        const { rows } = await db.query(wanted, [[7]])
        const { rows: kept } = await db.query(
          `select name, generic_plans::int from pg_prepared_statements where statement = '${wanted}'`,
        )
        const { rows: plan } = await db.query(`explain execute "${kept[0].name}" ('{7}')`)
        return { rows, generic: kept[0].generic_plans, plan: JSON.stringify(plan) }
      },
      { planned: true },
    )
  const before = await ask()
  await change('alter table things add column name text; insert into things select generate_series(1, 9)')
  const after = await ask()
  expect([before.rows, after.rows]).toEqual([[], [{ id: 7 }]])
  expect(after.generic).toBeGreaterThan(before.generic)
  for (const { plan } of [before, after]) expect(plan).toMatch(/Index|Bitmap/)
})

test('a statement that selects all columns of a table fails once after a migration added one, and not for as long as its connection lasts', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await using opened = openPool(database.url, 1)
  const change = (text: string) => inScope(opened.pool, 'platform', db => db.query(text))
  const options = { planned: true }
  const ask = () => inScope(opened.pool, 'platform', db => db.query('select * from things', []), options)
  await change('create table things (id int)')
  await ask()
  await change('alter table things add column name text; insert into things values (1)')
  await expect(ask()).rejects.toThrow('cached plan')
  expect((await ask()).rows).toEqual([{ id: 1, name: null }])
})

test("a plan that was made for one organization shows another one's transaction nothing of it", async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 1)
  const organizations = [newId('org', 1), newId('org', 2)]
  const options = { planned: true }
  for (const [index, organization] of organizations.entries()) {
    await inScope(opened.pool, organization, db =>
      db.query(
        `insert into ledger_links (organization_id, provider, account, mode, parent_kind, parent_id, kind, id)
         values ($1, 'stripe', '', 'live', 'charge', $2, 'refund', $2)`,
        [toUuid(organization), String(index)],
      ),
    )
  }
  const shown: unknown[] = []
  for (const scope of [...organizations, ...organizations.toReversed()]) {
    const { rows } = await inScope(
      opened.pool,
      scope,
      db => db.query('select id from ledger_links where id = any($1::text[])', [['0', '1']]),
      options,
    )
    shown.push(rows)
  }
  expect(shown).toEqual([[{ id: '0' }], [{ id: '1' }], [{ id: '1' }], [{ id: '0' }]])
})
