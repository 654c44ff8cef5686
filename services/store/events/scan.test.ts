import { create } from '@bufbuild/protobuf'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { toUuid } from '@fairlead/webhook/id'
import { ListAttemptsRequestSchema } from '@fairlead/wire/store/attempt'
import { ListWaitingDeliveriesRequestSchema } from '@fairlead/wire/store/delivery'
import { ListDeadLettersRequestSchema, ListEventsRequestSchema } from '@fairlead/wire/store/event'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateLog, largeOrganization, sourceOf } from '../fixtures/generated-log.ts'
import { openPool, type SharedPool } from '../postgres.ts'
import { mostScanned, nextStep, type Scan, type ScannedPage, scanPage } from '../scan.ts'
import { inScope } from '../scope.ts'
import { sql } from '../sql.ts'
import { listAttempts } from './attempts.ts'
import { listDeadLetters } from './dead-letters.ts'
import { listEvents } from './list.ts'
import { listWaiting } from './waiting.ts'

/** Lists with a filter that no index serves, over some thousands of rows: more than one step, and less than a page may look at. */

const opened = new AsyncDisposableStack()
let pool: SharedPool
const organization = toUuid(largeOrganization)

beforeAll(async () => {
  const database = opened.use(await createTestDatabase())
  pool = opened.use(openPool(database.url, 2)).pool
  await generateLog({
    events: 12_000,
    organizations: 3,
    days: 2,
    nowMs: Date.now(),
    transaction: work => inScope(pool, 'platform', work, { timeoutMs: 120_000 }),
  })
})
afterAll(() => opened.disposeAsync())

const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id)
const query = async (text: string) => {
  const { rows } = await inScope(pool, largeOrganization, db =>
    db.query<{ id: string }>(text, [organization]),
  )
  return idsOf(rows)
}

/** All pages, one after the other. */
async function pages<Row>(load: (cursor: string) => Promise<ScannedPage<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  for (let cursor = ''; ; ) {
    const page = await load(cursor)
    rows.push(...page.rows)
    if (page.next === '') return rows
    cursor = page.next
  }
}

const scanOf = (
  limit: number,
  from: readonly string[],
  endMs?: number,
): Scan<{ id: string; received_at: Date }> => ({
  base: sql('events').where('organization_id', organization),
  columns: ['received_at', 'id'],
  names: ['received_at', 'id'],
  direction: 'desc',
  from,
  filter: [sql.raw('s.stream_seq % 97 = ?', [3]), sql.raw("s.type like 'type.%' or s.type = ?", ['x'])],
  limit,
  keyOf: row => [row.received_at, row.id],
  endMs,
})
const partsOf = (cursor: string): string[] =>
  cursor === '' ? [] : JSON.parse(Buffer.from(cursor, 'base64url').toString())

test.each([
  ['as long as it takes', Number.POSITIVE_INFINITY],
  ['until its time is over at once', 0],
])(
  'pages of a filter without an index skip a match, or show one twice, where a page looks %s',
  async (_name, endMs) => {
    const all = await query(
      'select id from events where organization_id = $1 and stream_seq % 97 = 3 order by received_at desc, id desc',
    )
    expect(all.length).toBeGreaterThan(20)
    for (const limit of [1, 7, 500]) {
      const rows = await pages(cursor =>
        inScope(pool, largeOrganization, db => scanPage(db, scanOf(limit, partsOf(cursor), endMs))),
      )
      expect(idsOf(rows)).toEqual(all)
    }
  },
)

test('a page whose time is over looks on, or keeps from its reader how far it came', async () => {
  const page = await inScope(pool, largeOrganization, db => scanPage(db, scanOf(500, [], 0)))
  const fiveHundredth = await inScope(pool, largeOrganization, db =>
    db.query<{ id: string; received_at: Date }>(
      'select id, received_at from events where organization_id = $1 order by received_at desc, id desc offset 499 limit 1',
      [organization],
    ),
  )
  const { id, received_at } = fiveHundredth.rows[0]!
  expect(page.searched).toEqual({ count: 500, until: received_at })
  expect(partsOf(page.next)).toEqual([received_at.toISOString(), id])
})

test.each([
  ['is fast', { size: 500, count: 500, tookMs: 2, leftMs: 148 }, 3_000],
  ['is as slow as its time', { size: 500, count: 500, tookMs: 75, leftMs: 75 }, 500],
  ['has no time', { size: 500, count: 500, tookMs: 200, leftMs: -50 }, 0],
  ['has time for next to nothing', { size: 500, count: 500, tookMs: 145, leftMs: 5 }, 0],
  ['has looked at almost all that it may', { size: 3_000, count: mostScanned - 7, tookMs: 5, leftMs: 90 }, 7],
  ['has looked at all that it may', { size: 3_000, count: mostScanned, tookMs: 5, leftMs: 90 }, 0],
])('a page that %s looks at more rows than it has time for, or fewer', (_name, step, size) => {
  expect(nextStep(step)).toBe(size)
})

const request = { organizationId: largeOrganization, limit: 40 }
const lists: [
  string,
  string,
  (cursor: string) => Promise<ScannedPage<{ id?: string; event_id?: string }>>,
][] = [
  [
    'events of a source and a type',
    "select id from events where organization_id = $1 and source = 'source-3' and type = 'type.11' order by received_at desc, id desc",
    cursor =>
      inScope(pool, largeOrganization, db =>
        listEvents(
          db,
          largeOrganization,
          create(ListEventsRequestSchema, { ...request, cursor, source: sourceOf(3), type: 'type.11' }),
        ),
      ),
  ],
  [
    'dead letters of a source',
    `select d.id from deliveries d join events e on e.id = d.event_id and e.received_at = d.received_at
     where d.organization_id = $1 and d.state = 'dead' and e.source = 'source-2' order by d.died_at desc, d.id desc`,
    cursor =>
      inScope(pool, largeOrganization, db =>
        listDeadLetters(
          db,
          create(ListDeadLettersRequestSchema, { ...request, cursor, source: sourceOf(2) }),
        ),
      ),
  ],
  [
    'dead letters of another reason',
    "select id from deliveries where organization_id = $1 and state = 'dead' and dead_reason = 'gone'",
    cursor =>
      inScope(pool, largeOrganization, db =>
        listDeadLetters(db, create(ListDeadLettersRequestSchema, { ...request, cursor, reason: 'gone' })),
      ),
  ],
  [
    'deliveries that wait, of a type',
    `select d.id from deliveries d join events e on e.id = d.event_id and e.received_at = d.received_at
     where d.organization_id = $1 and d.state = 'waiting' and e.type like 'type.1%'
     order by coalesce(d.next_attempt_at, d.received_at), d.id`,
    cursor =>
      inScope(pool, largeOrganization, db =>
        listWaiting(db, create(ListWaitingDeliveriesRequestSchema, { ...request, cursor, type: 'type.1*' })),
      ),
  ],
  [
    'attempts of a status',
    'select event_id as id from attempts where organization_id = $1 and status = 500 order by at desc, event_id desc',
    cursor =>
      inScope(pool, largeOrganization, db =>
        listAttempts(db, create(ListAttemptsRequestSchema, { ...request, cursor, status: 500 })),
      ),
  ],
]

test.each(lists)(
  '%s are fewer, more or in another order, page by page, than the log has',
  async (_name, text, load) => {
    const rows = await pages(load)
    expect(rows.map(({ id, event_id }) => id ?? event_id)).toEqual(await query(text))
  },
)
