import { create } from '@bufbuild/protobuf'
import { listAttempts } from '@fairlead/store/events/attempts'
import { listEvents } from '@fairlead/store/events/list'
import { migrate } from '@fairlead/store/migrate'
import { comingDays, ensureDays } from '@fairlead/store/partitions'
import { openPool } from '@fairlead/store/postgres'
import { inScope } from '@fairlead/store/scope'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { ListAttemptsRequestSchema } from '@fairlead/wire/store/attempt'
import { EventStatus, ListEventsRequestSchema } from '@fairlead/wire/store/event'
import { percentile } from './percentile.ts'

/**
 * How fast lists answer in a large log: events of 1,000 organizations over 30 days are generated in Postgres, each with a
 * delivery and an attempt; one organization has a tenth of all, and a day of test data in one run. For each list the p50 and p95 of 40 calls.
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
const nowMs = Date.now()
await platform(db =>
  ensureDays(
    db,
    new Set([
      ...comingDays(nowMs),
      ...Array.from({ length: days + 1 }, (_, i) =>
        new Date(nowMs - i * 86_400_000).toISOString().slice(0, 10),
      ),
    ]),
  ),
)
/** UUIDs that say which organization or destination they are: `org` 0 is the large one. */
const organizationUuid = (n: string) => `('00000000-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`
for (let day = 0; day < days; day++) {
  const perDay = Math.floor(events / days)
  const end = new Date(nowMs - day * 86_400_000)
  await platform(async db => {
    await db.query(
      `create temporary table given on commit drop as
       select ${organizationUuid('org')} as organization_id, gen_random_uuid() as id,
         date_trunc('milliseconds', $2::timestamptz - random() * interval '1 day') as received_at, random() as luck, n, org
       from (select n, case when random() < 0.1 then 0 else floor(random() * ${organizations})::int end as org
             from generate_series(1, $1::int) as n) as g`,
      [perDay, end],
    )
    await db.query(
      `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, stream_seq, size_bytes,
         method, url, delivery_count, delivered_count, dead_count, change_seq, mode)
       select organization_id, id, received_at, id, 'source-' || n % 8, 'stripe', 'type.' || n % 40,
         case when luck < 0.01 then 'failed' else 'success' end::event_status, n, 2000, 'POST', '/webhooks/acme/x', 1,
         case when luck < 0.01 then 0 else 1 end, case when luck < 0.01 then 1 else 0 end, $1::bigint * 1000 + n / 1000,
         case when $2 and org = 0 then 'test' else 'live' end
       from given`,
      // The newest day of the large organization is test data: live data lies behind a long run of it.
      [days - day, day === 0],
    )
    await db.query(
      `insert into attempts (organization_id, event_id, destination_id, number, received_at, at, duration_ms, delivered,
         outcome, status, trigger, dead)
       select organization_id, id, ${organizationUuid('n % 4')}, 1, received_at, received_at + interval '20 ms', 20,
         luck >= 0.01, case when luck < 0.01 then 'destination_failed' else 'delivered' end,
         case when luck < 0.01 then 500 else 200 end, 'route', luck < 0.01 from given`,
    )
  })
}
await platform(db => db.query('analyze events; analyze attempts'))
console.log(
  `${events} events of ${organizations} organizations in ${Math.round((performance.now() - startedMs) / 1000)} s`,
)

const large = fromUuid('org', '00000000-0000-4000-8000-000000000000')
const small = fromUuid('org', '00000000-0000-4000-8000-000000000007')

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
