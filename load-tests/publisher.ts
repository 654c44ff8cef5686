import { startTestNats } from '@fairlead/testbed/nats'
import { connectNats } from '@fairlead/wire/connect'
import { openPublisher } from '@fairlead/wire/publish'
import { defaultStreamLimits, streamConfigs } from '@fairlead/wire/streams'
import { eventsOfPartition, partitionCount } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import { cpuPerItem, readCpu } from './cpu.ts'
import { percentile } from './percentile.ts'

/**
 * What it takes to store events of 2 KB by themselves, each synced to the disk before its acknowledgement: so many at a time, each
 * followed by the next. Into one stream singly, into one as the publisher chooses between singly and atomic batches, and into several streams by
 * partition, of which each is synced by itself.
 *
 *   node load-tests/publisher.ts [8,64,256] [seconds each, default 5]
 */
const [loops = '8,64,256', seconds = '5'] = process.argv.slice(2)
const body = Buffer.alloc(2_048, 'x')

await using server = await startTestNats({ syncAlways: true })
const nats = await connectNats({ url: server.url, name: 'load' })
const manager = await jetstreamManager(nats)
const events = streamConfigs({ ...defaultStreamLimits, eventsMaxBytes: 2 * 1024 ** 3 })[0]!
const partitions = Array.from({ length: partitionCount }, (_, i) => i)

for (const streams of [1, 4]) {
  for (let i = 0; i < streams; i++) {
    const subjects = partitions.filter(partition => partition % streams === i).map(eventsOfPartition)
    await manager.streams.add({ ...events, name: `EVENTS_${i}`, subjects })
  }
  for (const loop of loops.split(',').map(Number)) {
    for (const atomic of [false, true]) await measure(loop, atomic, streams)
  }
  for (let i = 0; i < streams; i++) await manager.streams.delete(`EVENTS_${i}`)
}
await nats.close()

async function measure(loop: number, atomic: boolean, streams: number): Promise<void> {
  await using opened = new AsyncDisposableStack()
  // One for each stream: a batch goes into one stream.
  const publishers = Array.from({ length: streams }, () =>
    opened.use(openPublisher(nats, { atomic, timeoutMs: 30_000 })),
  )
  const took: number[] = []
  let batches = 0
  const pids = { 'nats-server': server.pid, publisher: process.pid }
  const before = readCpu(pids)
  const startMs = performance.now()
  const endMs = startMs + Number(seconds) * 1_000
  await Promise.all(
    Array.from({ length: loop }, async (_, i) => {
      const partition = i % partitionCount
      const publisher = publishers[partition % streams]!
      for (let n = 0; performance.now() < endMs; n++) {
        const sentMs = performance.now()
        const id = `${startMs}.${i}.${n}`
        const { batch } = await publisher.publish(`events.${partition}.o.s`, body, { 'Nats-Msg-Id': id })
        took.push(performance.now() - sentMs)
        batches += 1 / batch
      }
    }),
  )
  const each = (took.length / (performance.now() - startMs)) * 1_000
  const cpu = [...cpuPerItem(before, readCpu(pids), took.length)]
    .map(([name, micros]) => `${name} ${Math.round(micros)} µs`)
    .join(', ')
  console.log(
    `${loop} at a time, ${streams} stream${streams > 1 ? 's' : ''}, ${atomic ? 'batches allowed' : 'singly'}: ` +
      `${Math.round(each)}/s, ${(took.length / batches).toFixed(1)} together; ` +
      `${cpu}; p50 ${percentile(took, 0.5).toFixed(1)} p99 ${percentile(took, 0.99).toFixed(1)} ms`,
  )
}
