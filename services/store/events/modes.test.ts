import { create } from '@bufbuild/protobuf'
import { createTestDatabase, type TestDatabase } from '@fairlead/testbed/postgres'
import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { ListAttemptsRequestSchema } from '@fairlead/wire/store/attempt'
import { EventFilterSchema } from '@fairlead/wire/store/event'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureDays } from '../partitions.ts'
import { type Db, inScope } from '../scope.ts'
import { listAttempts } from './attempts.ts'
import { positionText, readChanges, readLatest, readPositionText } from './changes.ts'

let database: TestDatabase
let pool: Pool
const now = Date.now()
const organization = newId('org', now) as OrganizationId
const latest = 30

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new Pool({ connectionString: database.url, max: 2 })
  await inScope(pool, 'platform', async db => {
    await ensureDays(db, new Set([now, now - 86_400_000].map(ms => new Date(ms).toISOString().slice(0, 10))))
    await db.query(
      `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference)
       values ($1, 'acme', '', 'free', true, 7, 'api', '')`,
      [toUuid(organization)],
    )
    // A batch of test data, 28 of 60 live events each, and test data again.
    await write(db, 'test', 1, 2)
    for (let change = 2; change < latest; change++) await write(db, 'live', change, 60)
    await write(db, 'test', latest, 3)
    // One attempt of test data is older than all those of live data.
    await attempted(db, 'test', 1, 3_600)
    await attempted(db, 'live', 12_000, 1_800)
  })
})
afterAll(async () => {
  await pool?.end()
  await database?.[Symbol.asyncDispose]()
})

const write = (db: Db, mode: Mode, change: number, count: number) =>
  db.query(
    `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, size_bytes, method,
       url, mode, change_seq)
     select $1, gen_random_uuid(), $2, gen_random_uuid(), 's', 'p', 't', 'pending', 0, 'POST', '/', $3, $4
     from generate_series(1, $5::int)`,
    [toUuid(organization), new Date(now), mode, change, count],
  )

/** @param ago of the newest, seconds */
const attempted = (db: Db, mode: Mode, count: number, ago: number) =>
  db.query(
    `insert into attempts (organization_id, event_id, destination_id, number, received_at, at, duration_ms, delivered,
       outcome, status, trigger, dead, mode)
     select $1, gen_random_uuid(), gen_random_uuid(), 1, $2, $3::timestamptz - n * interval '50 ms', 20, true,
       'delivered', 200, 'route', false, $4 from generate_series(1, $5::int) as n`,
    [toUuid(organization), new Date(now - 7_200_000), new Date(now - ago * 1_000), mode, count],
  )

const inMode = <T>(mode: Mode | undefined, work: (db: Db) => Promise<T>) =>
  inScope(pool, organization, work, { mode })

test('a stream of test data goes on past live data, and neither shows nor names any of it', async () => {
  const filter = { filter: create(EventFilterSchema), mode: 'test' } as const
  const seen: string[] = []
  let position = readPositionText('0')
  let steps = 0
  for (;;) {
    const changes = await inMode('test', db => readChanges(db, organization, filter, position))
    if (positionText(changes.position) === positionText(position)) break
    steps++
    // A whole batch, or an event that was shown.
    expect(changes.position.id).toMatch(/^f{8}-/)
    position = changes.position
    seen.push(...changes.events.map(({ mode }) => mode))
  }
  expect(seen).toEqual(['test', 'test', 'test', 'test', 'test'])
  // 1,685 events of both modes, some 500 in a step.
  expect([steps, position.change]).toEqual([4, BigInt(latest)])
})

test.each(['live', 'test', undefined] as const)(
  'the latest position is the same in each mode: %s',
  async mode => {
    const { change } = await inMode(mode, db => readLatest(db, organization, mode))
    expect(change).toBe(BigInt(latest))
  },
)

test('after a place was looked up across both modes a transaction shows its own mode alone', async () => {
  const modes = await inMode('test', async db => {
    await readLatest(db, organization, 'test')
    return (await db.query<{ mode: string }>('select distinct mode from events')).rows
  })
  expect(modes).toEqual([{ mode: 'test' }])
})

test('a list of attempts of one mode looks at 10,000 attempts at most, and the next page goes on from there', async () => {
  const list = (mode: Mode | undefined, cursor = '', limit = 50) =>
    inMode(mode, db =>
      listAttempts(
        db,
        create(ListAttemptsRequestSchema, { organizationId: organization, cursor, limit }),
        mode,
      ),
    )
  const first = await list('test')
  expect(first.rows).toEqual([])
  expect([1_000, 3_000, 10_000]).toContain(first.searched?.count)
  const test: (typeof first.rows)[number][] = []
  for (let page = first; page.next !== ''; ) {
    page = await list('test', page.next)
    test.push(...page.rows)
    expect(page.searched?.count ?? 0).toBeLessThanOrEqual(10_000)
  }
  expect(test.map(({ mode }) => mode)).toEqual(['test'])
  const live: string[] = []
  for (let cursor: string | undefined; cursor !== ''; ) {
    const page = await list('live', cursor, 500)
    live.push(...page.rows.map(({ event_id }) => event_id))
    cursor = page.next
  }
  expect([live.length, new Set(live).size]).toEqual([12_000, 12_000])
})
