import { openLog } from '@fairlead/daemon/log'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { newId, toUuid } from '@fairlead/webhook/id'
import { Client, Pool } from 'pg'
import { expect, test } from 'vitest'
import { ensureDays } from './partitions.ts'
import { maintain } from './retention.ts'
import { inScope } from './scope.ts'

const dayMs = 86_400_000
const now = Date.UTC(2030, 0, 31, 12)
const log = openLog({ service: 'store', level: 'silent' })

test('each organization keeps its days, dead letters thirty, and days that nobody keeps go as tables', async () => {
  await using database = await createTestDatabase()
  const pool = new Pool({ connectionString: database.url, max: 2 })
  await using _ = { [Symbol.asyncDispose]: () => pool.end() }
  const [week, month, gone] = [newId('org', now), newId('org', now), newId('org', now)].map(toUuid)
  await inScope(pool, 'platform', async db => {
    for (const [id, retention, deletedAt] of [
      [week, 7, null],
      [month, 40, null],
      [gone, 7, new Date(Date.now() - 8 * dayMs)],
    ]) {
      await db.query(
        `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference, deleted_at)
         values ($1, ($1::uuid)::text, '', 'free', true, $2, 'api', '', $3)`,
        [id, retention, deletedAt],
      )
    }
    for (const age of [0, 7, 8, 20, 31, 40, 41]) {
      for (const id of [week, month, gone]) await addEvent(db, id!, age, 'delivered')
    }
    for (const age of [20, 31]) await addEvent(db, week!, age, 'dead')
  })

  await maintain(pool, now, log)
  expect(await ages(database.adminUrl, week!)).toEqual([0, 7, 20])
  expect(await ages(database.adminUrl, month!)).toEqual([0, 7, 8, 20, 31, 40])
  expect(await ages(database.adminUrl, gone!)).toEqual([0, 7])
  const tables = await partitions(database.adminUrl)
  expect(tables[0]).toBe(dayName(40))
  expect(tables).not.toContain(dayName(41))
  // Made ahead, so that the first event after midnight finds its day.
  expect(tables).toEqual(expect.arrayContaining([dayName(0), dayName(-1), dayName(-3)]))

  // Eight days later the last events of the deleted organization have gone, and it goes with them.
  await maintain(pool, now + 8 * dayMs, log)
  const { rows } = await inScope(pool, 'platform', db =>
    db.query('select id from organizations order by retention_days'),
  )
  expect(rows.map(({ id }) => id)).toEqual([week, month])
})

test('an organization that was deleted within a day keeps its dead letters, in case it comes back', async () => {
  await using database = await createTestDatabase()
  const pool = new Pool({ connectionString: database.url, max: 2 })
  await using _ = { [Symbol.asyncDispose]: () => pool.end() }
  const [today, before] = [newId('org', now), newId('org', now)].map(toUuid)
  await inScope(pool, 'platform', async db => {
    for (const [id, hours] of [
      [today, 23],
      [before, 25],
    ]) {
      await db.query(
        `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference, deleted_at)
         values ($1, 'acme', '', 'free', false, 7, 'file', 'default/acme', now() - make_interval(hours => $2))`,
        [id, hours],
      )
      await addEvent(db, String(id), 20, 'dead')
    }
  })
  await maintain(pool, now, log)
  expect(await ages(database.adminUrl, today!)).toEqual([20])
  expect(await ages(database.adminUrl, before!)).toEqual([])
})

test('names of deleted sources and destinations stay for ever, or go before the log that shows them', async () => {
  await using database = await createTestDatabase()
  const pool = new Pool({ connectionString: database.url, max: 2 })
  await using _ = { [Symbol.asyncDispose]: () => pool.end() }
  const organization = toUuid(newId('org', now))
  await inScope(pool, 'platform', async db => {
    await db.query(
      `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference)
       values ($1, 'acme', '', 'free', true, 7, 'api', '')`,
      [organization],
    )
    for (const [name, deletedAgeDays] of [
      ['there', null],
      ['deleted', 5],
    ] as const) {
      const deletedAt = deletedAgeDays === null ? null : new Date(now - deletedAgeDays * dayMs)
      await db.query(
        `insert into sources (organization_id, id, name, provider, managed_by, deleted_at)
         values ($1, gen_random_uuid(), $2, 'github', 'tenant', $3)`,
        [organization, name, deletedAt],
      )
      await db.query(
        `insert into destinations (organization_id, id, name, url, timeout_seconds, retry_delays_seconds, managed_by, deleted_at)
         values ($1, gen_random_uuid(), $2, 'https://a.example/', 1, '{}', 'tenant', $3)`,
        [organization, name, deletedAt],
      )
    }
    await db.query(
      `insert into destination_health (organization_id, destination_id, last_attempt_at)
       select organization_id, id, now() from destinations`,
    )
    for (const age of [0, 6]) await addEvent(db, organization, age, 'delivered')
  })
  const names = async () => {
    const read = (table: string) => query<{ name: string }>(database.adminUrl, `select name from ${table}`)
    const rows = [await read('sources'), await read('destinations')]
    return rows.map(all => all.map(({ name }) => name).toSorted())
  }

  await maintain(pool, now, log)
  expect(await names()).toEqual([
    ['deleted', 'there'],
    ['deleted', 'there'],
  ])
  await maintain(pool, now + 2 * dayMs, log)
  expect(await names()).toEqual([['there'], ['there']])
  expect(await query(database.adminUrl, 'select from destination_health')).toHaveLength(1)
})

async function addEvent(
  db: Parameters<typeof ensureDays>[0],
  organization: string,
  ageDays: number,
  state: 'delivered' | 'dead',
): Promise<void> {
  const receivedAt = new Date(now - ageDays * dayMs)
  await ensureDays(db, new Set([receivedAt.toISOString().slice(0, 10)]))
  await db.query(
    `with event as (
       insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method, url, delivery_count, dead_count)
       values ($1, gen_random_uuid(), $2, gen_random_uuid(), 's', 'p', 't', 'success', 0, 'POST', '/', 1, $3) returning id)
     insert into deliveries (organization_id, event_id, destination_id, received_at, id, state, attempt_count)
     select $1, id, gen_random_uuid(), $2, gen_random_uuid(), $4, 1 from event`,
    [organization, receivedAt, state === 'dead' ? 1 : 0, state],
  )
}

/** Ages in days of the events that are left; fails if there are deliveries of others. */
async function ages(adminUrl: string, organization: string): Promise<number[]> {
  const read = (table: string) =>
    query<{ received_at: Date }>(
      adminUrl,
      `select received_at from ${table} where organization_id = '${organization}' order by received_at desc`,
    )
  const events = await read('events')
  expect(await read('deliveries')).toEqual(events)
  return events.map(({ received_at }) => (now - received_at.getTime()) / dayMs)
}

async function partitions(adminUrl: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    adminUrl,
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass order by 1`,
  )
  return rows.map(({ name }) => name)
}

const dayName = (ageDays: number) =>
  `events_${new Date(now - ageDays * dayMs).toISOString().slice(0, 10).replaceAll('-', '')}`

async function query<Row extends object>(adminUrl: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: adminUrl })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}
