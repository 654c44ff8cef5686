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

test('comparing all organizations holds no more than a page of them at one time, and misses none', async () => {
  await using opened = await open()
  const { publisher, bucket, pool } = opened
  const ids = await opened.insert(450)
  const pages: number[] = []
  pool.on('acquire', client => {
    const { query } = client
    client.query = ((...given: Parameters<typeof query>) => {
      const { values } = given[0] as { readonly values?: readonly unknown[] }
      if (Array.isArray(values?.[0])) pages.push(values[0].length)
      return query.apply(client, given)
    }) as typeof query
  })
  expect(await publisher.reconcile()).toBe(450)
  expect(Math.max(...pages)).toBe(200)
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
