import { calendarOf } from '@fairlead/ledger/metrics/calendar'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { newId, toUuid } from '@fairlead/webhook/id'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSpans } from './spans.ts'

const opened = new AsyncDisposableStack()
const organization = newId('org', 0)
let db: Client

beforeAll(async () => {
  const database = opened.use(await createTestDatabase({ migrated: false }))
  db = new Client({ connectionString: database.url })
  await db.connect()
  opened.defer(() => db.end())
})
afterAll(() => opened.disposeAsync())

const question = (timeZone: string, from: string | undefined, until: string) => ({
  organization,
  organizationUuid: toUuid(organization),
  fromMs: from === undefined ? undefined : Date.parse(from),
  untilMs: Date.parse(until),
  timeZone,
  currency: '',
  convert: '',
  rateDay: '',
})

test.each([
  ['whose midnight comes twice', 'America/Havana', '2026-10-20T12:00:00Z', '2026-11-05T12:00:00Z'],
  ['whose midnight is left out', 'America/Havana', '2026-03-01T12:00:00Z', '2026-03-12T12:00:00Z'],
  ['that is left out', 'Pacific/Apia', '2011-12-25T12:00:00Z', '2012-01-04T12:00:00Z'],
  ['with 25 hours', 'Europe/Berlin', '2026-10-20T12:00:00Z', '2026-10-28T12:00:00Z'],
])(
  'a day %s takes no hour of its neighbours, and leaves them none (%s)',
  async (_name, timeZone, from, until) => {
    const { dayOf } = calendarOf(timeZone)
    const spans = await readSpans(db, question(timeZone, from, until), 'day')
    const hours = Array.from(
      { length: (Date.parse(until) - Date.parse(from)) / 3_600_000 },
      (_, hour) => Date.parse(from) + hour * 3_600_000,
    )
    expect(spans.map(({ label }) => label)).toEqual([...new Set(hours.map(dayOf))])
    for (const { label, fromMs, untilMs } of spans) {
      expect([dayOf(fromMs), dayOf(untilMs - 1)]).toEqual([label, label])
    }
    expect(spans.slice(1).map(({ fromMs }) => fromMs)).toEqual(
      spans.slice(0, -1).map(({ untilMs }) => untilMs),
    )
  },
)

test.each([
  ['at the first moment of a month', '2026-11-01T04:00:00Z', '2025-11', '2026-10'],
  ['a moment later', '2026-11-01T04:00:00.001Z', '2025-12', '2026-11'],
  ['at the last moment of a month', '2026-11-01T03:59:59.999Z', '2025-11', '2026-10'],
])(
  'twelve months are told where none is asked for and the time ends %s',
  async (_name, until, first, last) => {
    const spans = await readSpans(db, question('America/Havana', undefined, until), 'month')
    expect(spans.map(({ label }) => label)).toHaveLength(12)
    expect([spans[0]?.label, spans.at(-1)?.label]).toEqual([first, last])
  },
)
