import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startTestNats } from '@fairlead/testbed/nats'
import type { Restartable } from '@fairlead/testbed/restartable'
import { until } from '@fairlead/testbed/until'
import { deliveryId, eventId, newId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeDelivery } from '@fairlead/wire/delivery'
import { openPublisher, type Publisher } from '@fairlead/wire/publish'
import { pull } from '@fairlead/wire/pull'
import { ensureStreams, streamName } from '@fairlead/wire/streams'
import { dueOfPartition, dueSubject, partitionOf, scheduledSubject } from '@fairlead/wire/subjects'
import { openTrouble } from '@fairlead/wire/trouble'
import { AckPolicy, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { percentile } from './percentile.ts'

/**
 * Retries that wait, as message schedules of DELIVERIES in a nats-server of one's own: how many are stored in a second,
 * what they cost the server, how late they fire when many are due, also after a kill -9, and what it takes to find,
 * re-time and take one back among so many.
 *
 *   node load-tests/schedules.ts [--waiting 100000] [--rate 1000] [--seconds 20] [--sync]
 *
 * `--sync` syncs each message to disk, as an installation does; without it this measures less of the disk.
 */
const { values } = parseArgs({
  options: {
    waiting: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    sync: { type: 'boolean', default: false },
  },
})
const [waiting, rate, seconds] = [Number(values.waiting), Number(values.rate), Number(values.seconds)]
const dayMs = 86_400_000
const organization = newId('org', Date.now())
const destinations = Array.from({ length: 100 }, () => newId('dst', Date.now()))
const source = 'load'
/** Schedules that are under way to the server at one time. */
const inFlight = 500

interface Scheduled {
  readonly subject: string
  readonly payload: string
  readonly headers: Readonly<Record<string, string>>
}

/** A retry as the worker schedules it; its event's number tells when it comes back. */
function aSchedule(number: number, dueMs: number): Scheduled {
  const event = eventId(organization, source, { id: `${number}` })
  const destination = destinations[number % destinations.length]!
  const delivery = deliveryId(event, destination)
  return {
    subject: scheduledSubject(organization, destination, delivery),
    payload: encodeDelivery({
      delivery,
      event,
      organization,
      destination,
      source,
      // Of no use to anyone here: so it carries when this is due.
      receivedAt: dueMs,
      stored: { stream: 'EVENTS', seq: number + 1 },
      attempt: 2,
      spent: 1,
      of: 1,
      bytes: 2048,
      trigger: 'route',
    }),
    headers: {
      'Nats-Schedule': `@at ${new Date(dueMs).toISOString()}`,
      'Nats-Schedule-Target': dueSubject(organization, destination),
    },
  }
}

/** Stores schedules; answers how many a second. */
async function store(publisher: Publisher, count: number, make: (i: number) => Scheduled): Promise<number> {
  const startMs = performance.now()
  let next = 0
  const one = async () => {
    while (next < count) {
      const { subject, payload, headers } = make(next++)
      await publisher.publish(subject, payload, headers)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return count / ((performance.now() - startMs) / 1000)
}

/** Bytes of memory that a process holds (/proc, so Linux only). */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

interface Fired {
  readonly dueMs: number
  readonly lateMs: number
}

/** Takes what becomes due, as a worker does, and remembers how late it was; by delivery, with how often it came. */
function openTaker(connection: Awaited<ReturnType<typeof connectNats>>, manager: JetStreamManager) {
  const fired = new Map<string, Fired[]>()
  const closing = new AbortController()
  const partition = partitionOf(organization)
  const pulling = pull(
    connection,
    manager,
    {
      stream: streamName.deliveries,
      consumer: {
        durable_name: `worker-${partition}`,
        filter_subject: dueOfPartition(partition),
        ack_policy: AckPolicy.Explicit,
        max_ack_pending: 20_000,
      },
      batch: 128,
      maxBytes: 1024 ** 2,
      maxHeldBytes: 1024 ** 2,
      trouble: openTrouble(console.error),
    },
    async message => {
      const { delivery, receivedAt: dueMs } = JSON.parse(Buffer.from(message.data).toString())
      fired.set(delivery, [...(fired.get(delivery) ?? []), { dueMs, lateMs: Date.now() - dueMs }])
      message.ack()
    },
    closing.signal,
  )
  return {
    fired,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await pulling
    },
  }
}

function report(name: string, fired: readonly Fired[]): void {
  const late = fired.map(({ lateMs }) => lateMs)
  const figures = [0.5, 0.99, 1].map(p => `${Math.round(percentile(late, p))} ms`)
  console.log(`${name}: ${late.length} fired; late p50 ${figures[0]}, p99 ${figures[1]}, most ${figures[2]}`)
}

await using nats: Restartable = await startTestNats({ syncAlways: values.sync })
const connection = await connectNats({ url: nats.url, name: 'schedules' })
const manager = await jetstreamManager(connection)
await ensureStreams(manager, { replicas: 1, eventsMaxBytes: 1024 ** 3 })
const publisher = openPublisher(connection)
const mebi = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`

const emptyBytes = await residentBytes(nats.pid)
const tenth = Math.ceil(waiting / 10)
const far = (from: number) => (i: number) => aSchedule(from + i, Date.now() + dayMs + from + i)
const firstTenth = await store(publisher, tenth, far(0))
await store(publisher, waiting - 2 * tenth, far(tenth))
const stored = await store(publisher, tenth, far(waiting - tenth))
const fullBytes = await residentBytes(nats.pid)
const { state } = await manager.streams.info(streamName.deliveries)
console.log(
  `${waiting} waiting (fsync each: ${values.sync}): ${Math.round(firstTenth)} stored/s at first, ${Math.round(stored)} at last; server ${mebi(emptyBytes)} → ${mebi(fullBytes)}, ` +
    `${Math.round((fullBytes - emptyBytes) / waiting)} bytes each in memory, ${Math.round(state.bytes / state.messages)} on disk`,
)
await measureOne(manager)

{
  await using taker = openTaker(connection, manager)
  const due = await scheduleDue(1, stored)
  await untilFired(taker.fired, due)
  const all = [...taker.fired.values()].flat()
  report(`${rate}/s due beside ${waiting} waiting`, all)
  console.log(`  repeated ${all.length - taker.fired.size}`)

  taker.fired.clear()
  const again = await scheduleDue(2, stored)
  await delay(Math.max(0, again.startMs + (seconds * 1000) / 4 - Date.now()))
  const killedMs = Date.now()
  await nats.kill9()
  await nats.restart()
  const upMs = Date.now()
  await untilFired(taker.fired, again)
  const taken = [...taker.fired.values()].flat()
  // What was acknowledged just before may come once more: the acknowledgement was not on disk.
  const after = taken.filter(({ dueMs }) => dueMs >= again.startMs)
  const came = [...taker.fired.values()].filter(([one]) => one!.dueMs >= again.startMs).length
  console.log(`kill -9 of nats-server with ${waiting} waiting: back after ${upMs - killedMs} ms`)
  report(
    '  due before',
    after.filter(({ dueMs }) => dueMs < killedMs),
  )
  report(
    '  due while it was away',
    after.filter(({ dueMs }) => dueMs >= killedMs && dueMs < upMs),
  )
  report(
    '  due in the next second',
    after.filter(({ dueMs }) => dueMs >= upMs && dueMs < upMs + 1_000),
  )
  report(
    '  due later',
    after.filter(({ dueMs }) => dueMs >= upMs + 1_000),
  )
  console.log(`  lost ${again.count - came}, repeated ${taken.length - came}`)
}
const left = (await manager.streams.info(streamName.deliveries)).state.messages
console.log(`still waiting: ${left}; server ${mebi(await residentBytes(nats.pid))}`)
await publisher[Symbol.asyncDispose]()
await connection.close()

/** Schedules `rate` a second for `seconds`, beginning as soon as all can be stored. */
async function scheduleDue(round: number, storedPerSecond: number) {
  const count = rate * seconds
  const startMs = Math.floor(Date.now() + 3_000 + 2_000 * (count / storedPerSecond))
  const first = waiting + round * count
  await store(publisher, count, i => aSchedule(first + i, Math.round(startMs + (i / rate) * 1000)))
  if (Date.now() > startMs) console.log('! the first were due before the last was stored')
  return { count, startMs }
}

/** Waits for all of a round; what an earlier round repeats doesn't count. */
async function untilFired(
  fired: ReadonlyMap<string, readonly Fired[]>,
  { count, startMs }: { readonly count: number; readonly startMs: number },
): Promise<void> {
  const came = () => [...fired.values()].filter(([one]) => one!.dueMs >= startMs).length
  await until(() => came() >= count, {
    deadlineMs: seconds * 1000 + 120_000,
    everyMs: 250,
    what: `${count} fired`,
  }).catch(error => console.log(`! ${error.message}: ${came()}`))
}

/** To find, re-time and take back one of so many, one after the other. */
async function measureOne(jsm: JetStreamManager): Promise<void> {
  const times = { find: [] as number[], 're-time': [] as number[], 'take back': [] as number[] }
  const timed = async <T>(what: keyof typeof times, work: () => Promise<T>): Promise<T> => {
    const startMs = performance.now()
    const result = await work()
    times[what].push(performance.now() - startMs)
    return result
  }
  for (let i = 0; i < 100; i++) {
    const number = Math.floor((i / 100) * waiting)
    const { subject, payload, headers } = aSchedule(number, Date.now() + 2 * dayMs)
    await timed('find', () => jsm.streams.getMessage(streamName.deliveries, { last_by_subj: subject }))
    await timed('re-time', () => publisher.publish(subject, payload, headers))
    await timed('take back', () => jsm.streams.purge(streamName.deliveries, { filter: subject }))
  }
  for (const [what, ms] of Object.entries(times)) {
    console.log(
      `  ${what} one: p50 ${percentile(ms, 0.5).toFixed(1)} ms, p99 ${percentile(ms, 0.99).toFixed(1)} ms`,
    )
  }
}
