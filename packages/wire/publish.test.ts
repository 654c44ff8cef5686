import { startTestNats } from '@fairlead/testbed/nats'
import { until } from '@fairlead/testbed/until'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { connectNats } from './connect.ts'
import { openPublisher } from './publish.ts'
import { type PulledMessage, pull } from './pull.ts'
import { defaultStreamLimits, ensureStreams } from './streams.ts'
import { openTrouble } from './trouble.ts'

const consumer = {
  durable_name: 'test',
  filter_subject: 'events.>',
  ack_policy: 'explicit',
  ack_wait: 2e9,
} as const
/** Whose messages come again only where they are given back: not because a slow machine takes seconds for them. */
const patientConsumer = { ...consumer, ack_wait: 120e9 } as const

async function open() {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  const manager = await jetstreamManager(nats)
  await ensureStreams(manager, defaultStreamLimits)
  return { server, nats, manager, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('many at once are all stored, in few batches, and each knows its own sequence', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true })
  const count = 2000
  const acknowledgements = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      publisher.publish('events.0.x', `${i}`, { 'Nats-Msg-Id': `id-${i}` }),
    ),
  )
  expect(new Set(acknowledgements.map(({ seq }) => seq)).size).toBe(count)
  expect(publisher.unacknowledged).toBe(0)
  for (const i of [0, 17, 999, 1999]) {
    const stored = await opened.manager.streams.getMessage('EVENTS', { seq: acknowledgements[i]!.seq })
    expect(stored?.string()).toBe(`${i}`)
  }
})

test('after a large batch, few messages that follow are published singly, at once', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true })
  const publish = (count: number) =>
    Promise.all(Array.from({ length: count }, () => publisher.publish('events.0.x', '{}')))
  /** The batches that so many were stored in, '' for none. */
  const batchesOf = async (count: number) => {
    const read = (await publish(count)).map(({ seq }) => opened.manager.streams.getMessage('EVENTS', { seq }))
    return new Set((await Promise.all(read)).map(message => message?.header.get('Nats-Batch-Id')))
  }
  await publish(200)
  expect(await batchesOf(5)).toEqual(new Set(['']))
  const [batch, ...others] = await batchesOf(50)
  expect(batch).toMatch(/./)
  expect(others).toEqual([])
})

test('messages that come during a slow sync go as one batch; later messages go singly again', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true })
  const publish = () => publisher.publish('events.0.x', '{}')
  await publish()
  process.kill(opened.server.pid, 'SIGSTOP')
  const held: Promise<unknown>[] = []
  try {
    held.push(publish())
    await until(() => publisher.unacknowledged === 1, { what: 'a flight in the air' })
    for (let i = 0; i < 40; i++) held.push(publish())
  } finally {
    process.kill(opened.server.pid, 'SIGCONT')
  }
  await Promise.all(held)
  const { seq } = await publish()
  const batchOf = async (at: number) =>
    (await opened.manager.streams.getMessage('EVENTS', { seq: at }))?.header.get('Nats-Batch-Id')
  expect(await batchOf(seq - 1)).toMatch(/./)
  expect(await batchOf(seq - 40)).toBe(await batchOf(seq - 1))
  expect(await batchOf(seq)).toBe('')
})

test('a header that would break off its message is refused, and the next message is stored', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { timeoutMs: 20_000 })
  const broken = publisher.publish('events.0.x', 'x', { 'Fairlead-Event': 'a\r\nNats-Msg-Id: b' })
  await expect(broken).rejects.toThrow('line break')
  const { seq } = await publisher.publish('events.0.x', 'x', { 'Fairlead-Event': 'Ünïcode: {"a":1}' })
  const stored = await opened.manager.streams.getMessage('EVENTS', { seq })
  expect(stored?.header.get('Fairlead-Event')).toBe('Ünïcode: {"a":1}')
  expect(publisher.unacknowledged).toBe(0)
})

test('a message that is too large holds up no message that would share its batch', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true, timeoutMs: 30_000 })
  const others = Array.from({ length: 50 }, () => publisher.publish('events.0.x', 'x'))
  const large = publisher.publish('events.0.x', new Uint8Array(64 * 1024 ** 2))
  await expect(large).rejects.toMatchObject({ code: 'refused' })
  await Promise.all(others)
})

test('a duplicate inside a batch is reported as a duplicate, and the others are stored', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true })
  const first = await publisher.publish('events.0.x', 'first', { 'Nats-Msg-Id': 'id-7' })
  const again = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      publisher.publish('events.0.x', `${i}`, { 'Nats-Msg-Id': `id-${i}` }),
    ),
  )
  expect(again.filter(({ duplicate }) => duplicate)).toHaveLength(1)
  expect(again[7]).toEqual({ seq: first.seq, duplicate: true, batch: 1 })
  const { state } = await opened.manager.streams.info('EVENTS')
  expect(state.messages).toBe(100)
})

test('with a linger, schedules and others share batches, and one subject twice spoils none', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true, lingerMs: 20 })
  const at = new Date(Date.now() + 1_000).toISOString()
  const schedule = { 'Nats-Schedule': `@at ${at}`, 'Nats-Schedule-Target': 'deliveries.due.0.x.y' }
  const rollup = { 'Nats-Rollup': 'sub' }
  // A rollup of a subject that the batch has already is refused, and with it the whole batch.
  const withTwice = [1, 2].map(i => publisher.publish('deliveries.held.0.x.y.z', `${i}`, rollup))
  const schedules = Array.from({ length: 50 }, (_, i) =>
    publisher.publish(`deliveries.scheduled.0.x.y.${i}`, `${i}`, schedule),
  )
  const parked = Array.from({ length: 50 }, (_, i) => publisher.publish('deliveries.parked.0.x.y', `${i}`))
  const all = await Promise.all([...withTwice, ...schedules, ...parked])
  expect(new Set(all.map(({ seq }) => seq)).size).toBe(102)
  const subjects = async () =>
    (await opened.manager.streams.info('DELIVERIES', { subjects_filter: '>' })).state.subjects ?? {}
  expect(await subjects()).toMatchObject({ 'deliveries.held.0.x.y.z': 1, 'deliveries.parked.0.x.y': 50 })
  await until(async () => (await subjects())['deliveries.due.0.x.y'] === 50, { what: 'fifty that are due' })
})

test.each([
  ['a subject that no stream takes', 'nowhere.x', new Uint8Array(1)],
  ['a message above max_payload', 'events.0.x', new Uint8Array(64 * 1024 * 1024)],
])('%s is refused', async (_name, subject, payload) => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { timeoutMs: 20_000 })
  await expect(publisher.publish(subject, payload)).rejects.toMatchObject({ code: 'refused' })
  await expect(publisher.publish('events.0.x', 'after it')).resolves.toMatchObject({ duplicate: false })
})

test('a full stream refuses with its own code', async () => {
  await using opened = await open()
  await opened.manager.streams.update('EVENTS', { max_msgs: 1 })
  await using publisher = openPublisher(opened.nats)
  await publisher.publish('events.0.x', 'fits')
  await expect(publisher.publish('events.0.x', 'does not')).rejects.toMatchObject({
    code: 'refused',
    serverCode: 10077,
  })
})

test('a silent server: no acknowledgement in time, and the next one counts again', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { timeoutMs: 300 })
  await opened.server.kill9()
  await expect(publisher.publish('events.0.x', 'lost')).rejects.toMatchObject({ code: 'no_acknowledgement' })
  await opened.server.restart()
  await until(() => publisher.publish('events.0.x', 'kept').then(() => true), {
    what: 'a publish after the restart',
  })
})

test('messages that wait for a flight while the server is silent time out after the time-out, not after twice that', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { timeoutMs: 3_000, atomic: true })
  await publisher.publish('events.0.x', 'x')
  await opened.server.kill9()
  const timesOut = () =>
    expect(publisher.publish('events.0.x', 'x')).rejects.toMatchObject({ code: 'no_acknowledgement' })
  const first = Array.from({ length: 20 }, timesOut)
  await until(() => publisher.unacknowledged === 20, { what: 'all of the first under way' })
  // They find the others unacknowledged, and so wait to go as a batch.
  // A timer of this process, which a machine that stands still makes as late as those of the messages.
  let isTwice = false
  const timer = setTimeout(() => {
    isTwice = true
  }, 5_900)
  await Promise.all([...first, ...Array.from({ length: 20 }, timesOut)])
  clearTimeout(timer)
  expect(isTwice).toBe(false)
})

test('messages above the bound are refused at once', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { maxWaiting: 10 })
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => publisher.publish('events.0.x', '')),
  )
  expect(results.filter(result => result.status === 'rejected')).toHaveLength(10)
})

test('pulling goes on over kill -9 of the server, and hands out every message', async () => {
  await using opened = await open()
  const seen = new Map<number, PulledMessage>()
  const stopping = new AbortController()
  const options = {
    stream: 'EVENTS',
    consumer,
    batch: 32,
    maxBytes: 1024 ** 2,
    maxHeldBytes: 1024 ** 2,
    trouble: openTrouble(() => {}),
  }
  const take = async (message: PulledMessage) => {
    seen.set(message.seq, message)
    message.ack()
  }
  const pulling = pull(opened.nats, opened.manager, options, take, stopping.signal)
  await using publisher = openPublisher(opened.nats, { atomic: true, timeoutMs: 5_000 })
  await Promise.all(Array.from({ length: 500 }, (_, i) => publisher.publish('events.0.x', `${i}`)))
  await until(() => seen.size === 500, { what: 'the first 500' })
  await opened.server.kill9()
  await opened.server.restart()
  await until(() => publisher.publish('events.0.x', 'one more').then(() => true))
  await until(() => seen.size === 501, { what: 'one after the restart' })
  expect(seen.get(501)).toMatchObject({ seq: 501, deliveries: 1, subject: 'events.0.x' })
  stopping.abort()
  await pulling
})

test('a message that is given back comes again', async () => {
  await using opened = await open()
  const deliveries: number[] = []
  const stopping = new AbortController()
  const take = async (message: PulledMessage) => {
    deliveries.push(message.deliveries)
    if (message.deliveries < 3) message.nak()
    else message.ack()
  }
  const options = {
    stream: 'EVENTS',
    consumer: patientConsumer,
    batch: 8,
    maxBytes: 1024 ** 2,
    maxHeldBytes: 1024 ** 2,
    trouble: openTrouble(() => {}),
  }
  const pulling = pull(opened.nats, opened.manager, options, take, stopping.signal)
  await using publisher = openPublisher(opened.nats)
  await publisher.publish('events.0.x', 'again')
  await until(() => deliveries.length === 3, { what: 'three deliveries' })
  expect(deliveries).toEqual([1, 2, 3])
  stopping.abort()
  await pulling
})

test('messages on their way to a pull that ends are given back, and come to the next one at once', async () => {
  await using opened = await open()
  await using publisher = openPublisher(opened.nats, { atomic: true })
  await Promise.all(Array.from({ length: 100 }, (_, i) => publisher.publish('events.0.x', `${i}`)))
  const options = {
    stream: 'EVENTS',
    consumer: patientConsumer,
    batch: 128,
    maxBytes: 1024 ** 2,
    maxHeldBytes: 1024 ** 2,
    trouble: openTrouble(() => {}),
  }
  const taken = new Set<number>()
  const pullUntil = async (count: number) => {
    const stopping = new AbortController()
    const take = async (message: PulledMessage) => {
      taken.add(message.seq)
      message.ack()
      if (taken.size === count) stopping.abort()
    }
    await pull(opened.nats, opened.manager, options, take, stopping.signal)
  }
  await pullUntil(1)
  expect(taken.size).toBe(1)
  await pullUntil(100)
})

test('a pull holds no more messages than it may until some are handed over', async () => {
  await using opened = await open()
  let taken = 0
  const handedOver = Promise.withResolvers<void>()
  const stopping = new AbortController()
  const take = async (message: PulledMessage) => {
    taken++
    await handedOver.promise
    message.ack()
  }
  const options = {
    stream: 'EVENTS',
    consumer: patientConsumer,
    batch: 8,
    maxBytes: 1024 ** 2,
    maxHeldBytes: 1024 ** 2,
    trouble: openTrouble(() => {}),
  }
  const pulling = pull(opened.nats, opened.manager, options, take, stopping.signal)
  await using publisher = openPublisher(opened.nats)
  await Promise.all(Array.from({ length: 50 }, (_, i) => publisher.publish('events.0.x', `${i}`)))
  await until(() => taken === 8, { what: 'the first eight' })
  const { num_ack_pending } = await opened.manager.consumers.info('EVENTS', 'test')
  expect(num_ack_pending).toBe(8)
  handedOver.resolve()
  await until(() => taken === 50, { what: 'all of them' })
  stopping.abort()
  await pulling
})
