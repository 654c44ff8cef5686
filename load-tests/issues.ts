import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { migrate } from '@fairlead/store/migrate'
import { anAttempt, anEventMeta, type PlannedDelivery } from '@fairlead/store/project/fixture/story'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { eventId, newId } from '@fairlead/webhook/id'
import { encodeLogRecords, type LogRecord } from '@fairlead/wire/attempt'
import { connectNats } from '@fairlead/wire/connect'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openPublisher } from '@fairlead/wire/publish'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { attemptsSubject, eventSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import { Client } from 'pg'

/**
 * When the issues of many failures are there, and when all failures are counted in them: failures are put into the streams first, then a
 * projector as a process of its own reads all of them. Each event fails at 20 destinations, for one of five causes.
 * `node load-tests/issues.ts [failures, default 100000]`
 */
const failures = Number(process.argv[2] ?? 100_000)
const recordsPerMessage = 50
const causes = [
  { outcome: 'destination_failed', status: 500 },
  { outcome: 'destination_failed', status: 503 },
  { outcome: 'connection_refused' },
  { outcome: 'response_timeout' },
  { outcome: 'dns_failed' },
] as const
const destinations = Array.from({ length: 20 }, () => newId('dst', Date.now()))
const events = failures / destinations.length
if (!Number.isInteger(events / causes.length)) throw new TypeError('failures: a multiple of 100')

await using server = await startTestNats()
await using postgres = await startTestPostgres()
await migrate(postgres.url)
const nats = await connectNats({ url: server.url, name: 'load' })
await ensureStreams(await jetstreamManager(nats), { ...defaultStreamLimits, eventsMaxBytes: 2 * 1024 ** 3 })
await publishFailures()
await nats.close()

const program = new URL('../services/store/project/fixture/projector.ts', import.meta.url).pathname
const child = spawn(process.execPath, [program, postgres.url, server.url], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
const exited = once(child, 'exit')
const database = new Client({ connectionString: new URL('/fairlead', postgres.adminUrl).href })
await database.connect()
const wanted = destinations.length * causes.length
const waited = { deadlineMs: 600_000, everyMs: 50 }
await until(async () => (await read()).groups > 0, { ...waited, what: 'the first batch' })
const startedMs = performance.now()
await until(async () => (await read()).groups === wanted, { ...waited, what: 'all issues' })
const groupsMs = performance.now() - startedMs
await until(async () => (await read()).failures === failures, { ...waited, what: 'all failures' })
const countedMs = performance.now() - startedMs
const { groups, least, most } = await read()
console.log(`${failures} failures of ${events} events, after the first batch:`)
console.log(`${groups} issues of ${wanted} there after ${(groupsMs / 1_000).toFixed(1)} s`)
console.log(`all counted after ${(countedMs / 1_000).toFixed(1)} s, ${least} to ${most} in each`)
child.kill('SIGTERM')
await exited
await database.end()

async function publishFailures(): Promise<void> {
  await using publisher = openPublisher(nats, { atomic: true, maxWaiting: events })
  const organization = newId('org', Date.now())
  const sourceId = newId('src', Date.now())
  const body = Buffer.alloc(2_048, 'x')
  const told = await Promise.all(
    Array.from({ length: events }, async (_, index): Promise<LogRecord[]> => {
      const id = eventId(organization, 'stripe', { id: `failing-${index}` })
      const meta = anEventMeta({ organization, sourceId, id, receivedAt: Date.now() - events + index })
      const deliveries = destinations.map(
        (destination): PlannedDelivery => ({ destination, attempts: 1, end: 'dead' }),
      )
      const fields = { [eventHeader]: encodeEventMeta(meta) }
      const { seq } = await publisher.publish(eventSubject(organization, meta.source), body, fields)
      const { outcome, ...status } = causes[index % causes.length]!
      return deliveries.map(delivery => {
        const { status: _, ...failed } = anAttempt({ meta, deliveries }, delivery, 1, seq)
        return { ...failed, ...status, outcome }
      })
    }),
  )
  const records = told.flat()
  for (let at = 0; at < records.length; at += recordsPerMessage) {
    const message = encodeLogRecords(records.slice(at, at + recordsPerMessage))
    await publisher.publish(attemptsSubject('load'), message)
  }
}

async function read() {
  const { rows } = await database.query<{ groups: number; failures: number; least: number; most: number }>(
    `select count(*)::int as groups, coalesce(sum(failures), 0)::int as failures,
       min(failures)::int as least, max(failures)::int as most from issues`,
  )
  return rows[0]!
}
