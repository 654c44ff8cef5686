import { openLog } from '@fairlead/daemon/log'
import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { decodeConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { openConfigBucket } from '@fairlead/wire/watch-config'
import { Pool } from 'pg'
import { expect, test } from 'vitest'
import { inScope } from '../scope.ts'
import { openConfigPublisher } from './publish.ts'

async function open() {
  await using opening = new AsyncDisposableStack()
  const database = opening.use(await createTestDatabase())
  const server = opening.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  opening.defer(() => nats.close())
  const pool = new Pool({ connectionString: database.url, max: 1 })
  opening.defer(() => pool.end())
  const log = openLog({ service: 'store', level: 'silent' })
  const publisher = openConfigPublisher(pool, nats, 1, { written: { inc: () => {} } }, log)
  const bucket = await openConfigBucket(nats, 1)
  const opened = opening.move()
  return {
    publisher,
    bucket,
    pool,
    nats,
    /** Rows alone, with nothing published. */
    async insert(count: number): Promise<OrganizationId[]> {
      const ids = Array.from({ length: count }, () => newId('org', Date.now()))
      await inScope(pool, 'platform', db =>
        db.query(
          `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference)
           select id, 'org-' || place, 'Org', 'free', true, 30, 'api', 'org-' || place
           from unnest($1::uuid[]) with ordinality as o (id, place)`,
          [ids.map(toUuid)],
        ),
      )
      return ids
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The organizations that each statement about rows of some asks for, until the next look. */
function watchPages(pool: Pool): { take(): number[] } {
  let pages: number[] = []
  pool.on('acquire', client => {
    const { query } = client
    client.query = ((...given: Parameters<typeof query>) => {
      const { values } = given[0] as { readonly values?: readonly unknown[] }
      if (Array.isArray(values?.[0])) pages.push(values[0].length)
      return query.apply(client, given)
    }) as typeof query
  })
  return {
    take() {
      const taken = pages
      pages = []
      return taken
    },
  }
}

test('comparing all organizations holds no more than a page of them at one time, and misses none', async () => {
  await using opened = await open()
  const { publisher, bucket, pool } = opened
  const ids = await opened.insert(450)
  const pages = watchPages(pool)
  expect(await publisher.reconcile()).toBe(450)
  expect(Math.max(...pages.take())).toBe(200)
  const last = await bucket.get(ids.at(-1)!)
  expect(decodeConfig(last!.value)).toMatchObject({ slug: 'org-450' })

  await inScope(pool, 'platform', db =>
    db.query(`update organizations set slug = 'renamed' where slug = 'org-300'`),
  )
  await bucket.delete(ids[0]!)
  expect(await publisher.reconcile()).toBe(2)
  expect(decodeConfig((await bucket.get(ids[299]!))!.value)).toMatchObject({ slug: 'renamed' })
  expect(decodeConfig((await bucket.get(ids[0]!))!.value)).toMatchObject({ slug: 'org-1' })
  expect(await publisher.reconcile()).toBe(0)
})

test('organizations that have not changed are read again each minute, or one that has is not', async () => {
  await using opened = await open()
  const { publisher, bucket, pool } = opened
  const ids = await opened.insert(50)
  const pages = watchPages(pool)
  expect(await publisher.reconcile()).toBe(50)
  const compared = async () => {
    pages.take()
    const written = await publisher.reconcile()
    return [written, Math.max(0, ...pages.take())]
  }
  expect(await compared()).toEqual([0, 0])
  const change = (sql: string, id: OrganizationId) =>
    inScope(pool, 'platform', db => db.query(sql, [toUuid(id)]))

  await change('update organizations set weight = 7 where id = $1', ids[0]!)
  expect(await compared()).toEqual([1, 1])
  await change(
    `insert into sources (organization_id, id, name, provider, managed_by)
     values ($1, gen_random_uuid(), 'github', 'github', 'owner')`,
    ids[1]!,
  )
  expect(await compared()).toEqual([1, 1])
  await change(`update sources set deleted_at = now() where organization_id = $1`, ids[1]!)
  expect(await compared()).toEqual([1, 1])
  // What its usage says is in no row of its own.
  await change('update organizations set webhook_limit = 5 where id = $1', ids[2]!)
  expect(await compared()).toEqual([0, 1])
  await change(
    `insert into monthly_usage (organization_id, month, accepted)
     values ($1, date_trunc('month', now() at time zone 'UTC')::date, 5)`,
    ids[2]!,
  )
  expect(await compared()).toEqual([1, 1])

  // By another store, by hand, and a bucket that is made anew.
  const before = await bucket.get(ids[3]!)
  await bucket.put(ids[3]!, '{}')
  await bucket.delete(ids[4]!)
  expect(await compared()).toEqual([2, 3])
  expect((await bucket.get(ids[3]!))!.value).toEqual(before!.value)
  expect(await compared()).toEqual([0, 1])
  await publisher.publish([ids[5]!])
  await bucket.destroy()
  await openConfigBucket(opened.nats, 1)
  expect(await compared()).toEqual([50, 50])
})

test('a change in one of the tables that a configuration is made of is not published until the next restart', async () => {
  await using opened = await open()
  const { publisher, pool } = opened
  const [id] = await opened.insert(10)
  await publisher.reconcile()
  // The names of columns that are no ids, with a value for each; a part that another one needs comes first.
  const rows: [table: string, columns: string][] = [
    ['sources', `id = $2::uuid, name = 'github', provider = 'github', managed_by = 'owner'`],
    ['source_secrets', `source_id = $2::uuid, id = 'a', position = 0, sealed = 'x'`],
    [
      'destinations',
      `id = $2::uuid, name = 'app', url = 'http://a', timeout_seconds = 1, retry_delays_seconds = '{1}', managed_by = 'owner'`,
    ],
    ['destination_headers', `destination_id = $2::uuid, name = 'x-a', position = 0, sealed = 'x'`],
    ['destination_auths', `destination_id = $2::uuid, id = 'a', position = 0, sealed = 'x'`],
    ['destination_pauses', `destination_id = $2::uuid, reason = 'asked'`],
    [
      'routes',
      `id = $2::uuid, source = 'github', event_types = '{*}', destinations = '{app}', managed_by = 'owner'`,
    ],
    ['signing_secrets', `id = $2::text, position = 0, sealed = 'x'`],
    ['ledger_hydration_keys', `id = $2::text, position = 0, sealed = 'x'`],
  ]
  const change = (sql: string, ...values: string[]) =>
    inScope(pool, 'platform', db => db.query(sql, [toUuid(id!), ...values]))
  const part = toUuid(newId('src', 5))
  for (const [table, text] of rows) {
    const columns = text.split(', ').map(pair => pair.split(' = ') as [string, string])
    await change(
      `insert into ${table} (organization_id, ${columns.map(([name]) => name)}) values ($1, ${columns.map(([, value]) => value)})`,
      part,
    )
    expect([table, await publisher.reconcile()]).toEqual([table, 1])
  }
  for (const [table] of rows.toReversed()) {
    await change(`delete from ${table} where organization_id = $1`)
    expect([table, await publisher.reconcile()]).toEqual([table, 1])
  }
  expect(await publisher.reconcile()).toBe(0)
})
