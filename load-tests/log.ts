import { create } from '@bufbuild/protobuf'
import { listAttempts } from '@fairlead/store/events/attempts'
import { listDeadLetters } from '@fairlead/store/events/dead-letters'
import { listEvents } from '@fairlead/store/events/list'
import {
  destinationOf,
  generateLog,
  largeOrganization,
  searchedPointer,
  searchedValue,
  smallOrganization,
} from '@fairlead/store/fixtures/generated-log'
import { migrate } from '@fairlead/store/migrate'
import { openPool } from '@fairlead/store/postgres'
import { inScope } from '@fairlead/store/scope'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { ListAttemptsRequestSchema } from '@fairlead/wire/store/attempt'
import {
  EventStatus,
  ListDeadLettersRequestSchema,
  ListEventsRequestSchema,
} from '@fairlead/wire/store/event'
import { percentile } from './percentile.ts'

/**
 * How fast lists answer in a large log: events of 1,000 organizations over 30 days are generated in Postgres (`generated-log.ts`),
 * each with a delivery and an attempt; one organization has a tenth of all, and a day of test data in one run. For each list the p50
 * and p95 of 40 calls.
 * `node load-tests/log.ts [events, default 10000000] [--plans]`: with `--plans` the plan of each list is printed too.
 */
const events = Number(process.argv[2] ?? 10_000_000)
const withPlans = process.argv.includes('--plans')
const organizations = 1_000
const days = 30
const calls = 40

await using postgres = await startTestPostgres()
await migrate(postgres.url)
await using opened = openPool(postgres.url, 4)
const { pool } = opened
const platform = <T>(work: Parameters<typeof inScope<T>>[2]) =>
  inScope(pool, 'platform', work, { timeoutMs: 3_600_000 })

const startedMs = performance.now()
await generateLog({ events, organizations, days, nowMs: Date.now(), transaction: platform })
console.log(
  `${events} events of ${organizations} organizations in ${Math.round((performance.now() - startedMs) / 1000)} s`,
)

const [large, small] = [largeOrganization, smallOrganization]

type List = (organization: OrganizationId, cursor: string) => Promise<{ rows: unknown[]; next: string }>
const eventList =
  (filter: object, mode?: Mode): List =>
  (organization, cursor) =>
    inScope(
      pool,
      organization,
      db =>
        listEvents(
          db,
          organization,
          create(ListEventsRequestSchema, { organizationId: organization, cursor, limit: 50, ...filter }),
          mode,
        ),
      { mode },
    )
const attemptList =
  (filter: object): List =>
  (organization, cursor) =>
    inScope(pool, organization, db =>
      listAttempts(
        db,
        create(ListAttemptsRequestSchema, { organizationId: organization, cursor, limit: 50, ...filter }),
      ),
    )
const deadLetterList =
  (filter: object): List =>
  (organization, cursor) =>
    inScope(pool, organization, db =>
      listDeadLetters(
        db,
        create(ListDeadLettersRequestSchema, { organizationId: organization, cursor, limit: 50, ...filter }),
      ),
    )
const searched = (n: number) => [{ name: searchedPointer, text: searchedValue(n) }]
const lists: Record<string, List> = {
  'events, first page': eventList({}),
  'events, live': eventList({}, 'live'),
  'events, test': eventList({}, 'test'),
  'events, live and failed': eventList({ status: EventStatus.FAILED }, 'live'),
  'events, failed': eventList({ status: EventStatus.FAILED }),
  'events of a source': eventList({ source: 'source-3' }),
  'events of a source that is not there': eventList({ source: 'nowhere' }),
  'events, glob that matches nothing': eventList({ type: 'no*thing' }),
  'events, text that matches nothing': eventList({ q: 'nothing like it' }),
  'events, by id': eventList({ q: fromUuid('evt', '00000000-0000-4000-8000-00000000abcd') }),
  'events, by a declared value': eventList({ value: searched(8) }),
  'events, by a declared value, failed': eventList({ value: searched(8), status: EventStatus.FAILED }),
  'dead letters, first page': deadLetterList({}),
  'dead letters of a destination': deadLetterList({ destinationId: destinationOf(1) }),
  'dead letters of a source': deadLetterList({ source: 'source-3' }),
  'attempts, first page': attemptList({}),
  'attempts, failed': attemptList({ failed: true }),
  'attempts, outcome that matches nothing': attemptList({ outcome: 'dns_failed' }),
}

for (const [name, list] of Object.entries(lists)) {
  for (const [size, organization] of [
    ['large', large],
    ['small', small],
  ] as const) {
    const times: number[] = []
    for (let i = 0; i < calls; i++) {
      const beganMs = performance.now()
      await list(organization, '')
      times.push(performance.now() - beganMs)
    }
    console.log(`${name}, ${size}: ${report(times)}`)
  }
}
{
  // Page 1,000 of the large organization, as far as it has so many.
  let cursor = ''
  let page = 1
  const times: number[] = []
  for (; page <= 1_000; page++) {
    const beganMs = performance.now()
    const { next } = await lists['events, first page']!(large, cursor)
    times.push(performance.now() - beganMs)
    if (!next) break
    cursor = next
  }
  console.log(
    `events, pages ${Math.max(1, page - calls)} to ${Math.min(page, 1_000)}, large: ${report(times.slice(-calls))}`,
  )
}
if (withPlans) {
  for (const statement of [
    'select * from events where organization_id = $1 order by received_at desc, id desc limit 51',
    'select * from attempts where organization_id = $1 order by at desc, event_id desc, destination_id desc, number desc limit 51',
    "select s.* from (select * from events where organization_id = $1 order by received_at desc, id desc limit 10000) as s where s.source = 'nowhere' order by received_at desc, id desc limit 51",
  ]) {
    const { rows } = await platform(db =>
      db.query<Record<string, string>>(`explain (analyze, costs off, timing off, summary on) ${statement}`, [
        '00000000-0000-4000-8000-000000000000',
      ]),
    )
    console.log(`\n${statement}\n${rows.map(row => row['QUERY PLAN']).join('\n')}`)
  }
}

function report(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  return `p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p95 ${percentile(sorted, 0.95).toFixed(1)} ms`
}
