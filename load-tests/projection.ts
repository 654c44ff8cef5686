import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { migrate } from '@fairlead/store/migrate'
import { countEvents } from '@fairlead/store/project/fixture/read-log'
import { aStory, recordsOf, seeded } from '@fairlead/store/project/fixture/story'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { encodeLogRecords, type LogRecord } from '@fairlead/wire/attempt'
import { connectNats } from '@fairlead/wire/connect'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openPublisher } from '@fairlead/wire/publish'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { attemptsSubject, eventSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import { cpuPerItem, readCpu } from './cpu.ts'

/**
 * How fast the log catches up: events and their attempts are put into the streams first, then a projector as a process
 * of its own reads all of them. `node load-tests/projection.ts [events, default 50000]`
 */
const events = Number(process.argv[2] ?? 50_000)
const recordsPerMessage = 50

await using server = await startTestNats()
await using postgres = await startTestPostgres()
await migrate(postgres.url)
const nats = await connectNats({ url: server.url, name: 'load' })
await ensureStreams(await jetstreamManager(nats), { ...defaultStreamLimits, eventsMaxBytes: 2 * 1024 ** 3 })

const story = aStory({ events, random: seeded(1), startMs: Date.now() - events })
let rows = 0
{
  await using publisher = openPublisher(nats, { atomic: true, maxWaiting: events })
  const body = Buffer.alloc(2_048, 'x')
  const told = await Promise.all(
    story.events.map(async planned => {
      const { meta } = planned
      const fields = { [eventHeader]: encodeEventMeta(meta) }
      const { seq } = await publisher.publish(eventSubject(meta.organization, meta.source), body, fields)
      return recordsOf(planned, seq)
    }),
  )
  const records: LogRecord[] = told.flat()
  const deliveries = story.events.reduce((sum, planned) => sum + planned.deliveries.length, 0)
  rows = events + deliveries + records.filter(({ kind }) => kind === 'attempted').length
  for (let i = 0; i < records.length; i += recordsPerMessage) {
    const message = encodeLogRecords(records.slice(i, i + recordsPerMessage))
    await publisher.publish(attemptsSubject('load'), message)
  }
}
await nats.close()

const program = new URL('../services/store/project/fixture/projector.ts', import.meta.url).pathname
const child = spawn(process.execPath, [program, postgres.url, server.url], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
const adminUrl = new URL('/fairlead', postgres.adminUrl).href
await until(async () => (await countEvents(adminUrl)) > 0, { deadlineMs: 30_000 })
const startedMs = performance.now()
const processes = { projector: child.pid!, postgres: postgres.pid, 'nats-server': server.pid }
const before = readCpu(processes)
const first = await countEvents(adminUrl)
await until(async () => (await countEvents(adminUrl)) === events, { deadlineMs: 300_000, everyMs: 50 })
const seconds = (performance.now() - startedMs) / 1_000
console.log(`${events} events, ${rows} rows`)
console.log(
  `${Math.round((events - first) / seconds)} events/s, ${Math.round((rows * (events - first)) / events / seconds)} rows/s`,
)
for (const [name, micros] of cpuPerItem(before, readCpu(processes), events - first)) {
  console.log(`${name} ${Math.round(micros)} µs of CPU an event`)
}
const exited = once(child, 'exit')
child.kill('SIGTERM')
await exited
