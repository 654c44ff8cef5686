import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { newInbox } from '@fairlead/wire/connect'
import { ensureStreams } from '@fairlead/wire/streams'
import { partitionOf } from '@fairlead/wire/subjects'
import type { JetStreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from '../fixtures/platform.ts'

test('deliveries with one key go one after the other, and other keys pass them by', async () => {
  await using opened = await openPlatform({
    destinations: [{ name: 'app', url: 'http://127.0.0.1:1/', retryDelaysSeconds: Array(20).fill(1) }],
  })
  const [app] = opened.organization.destinations
  const order = { key: { from: 'body' as const, pointer: '/account' }, maxWaitSeconds: 60 }
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...app!, url: opened.sink.url }],
    routes: [{ ...opened.organization.routes[0]!, order }],
  })
  const bodies = () =>
    opened.sink.received.map(({ body }) => JSON.parse(body.toString()) as { account: string; n: number })
  const numbers = (account: string) => bodies().flatMap(body => (body.account === account ? [body.n] : []))
  // The first delivery of account a fails until all of b have arrived: the others of a wait for it.
  opened.sink.answer(({ body }) => {
    const isA = JSON.parse(body.toString()).account === 'a'
    return isA && numbers('b').length < 10 ? { status: 500 } : { status: 200, delayMs: 5 }
  })
  await using _running = await startWorker(opened.server.url)
  for (let n = 0; n < 10; n++) {
    await opened.publish(`{"account":"a","n":${n}}`, { revision: 2 })
    await opened.publish(`{"account":"b","n":${n}}`, { revision: 2 })
  }
  await until(() => numbers('a').includes(9), { what: 'the last of a', deadlineMs: 60_000 })
  expect(numbers('b')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(numbers('a').filter((n, at, all) => n !== all[at - 1])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const lastB = bodies().findLastIndex(({ account }) => account === 'b')
  expect(bodies().findIndex(({ account, n }) => account === 'a' && n === 1)).toBeGreaterThan(lastB)
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 0, {
    what: 'nothing left in DELIVERIES',
  })
})

const headers = ['X-Account', 'a']

/** One destination, tried again every 2 s, in the order of a header. */
async function openOrdered() {
  const opened = await openPlatform({
    routes: [
      {
        source: '*',
        eventTypes: ['*'],
        destinations: ['app'],
        order: { key: { from: 'header', name: 'x-account' }, maxWaitSeconds: 60 },
      },
    ],
  })
  const destinations = opened.organization.destinations.map(app => ({
    ...app,
    retryDelaysSeconds: Array.from({ length: 10 }, () => 2),
  }))
  await putConfiguration(opened.nats, { ...opened.organization, destinations })
  return opened
}

/** How many messages of each state stand in DELIVERIES. */
async function inDeliveries(manager: JetStreamManager): Promise<Record<string, number>> {
  const { state } = await manager.streams.info('DELIVERIES', { subjects_filter: '>' })
  const counts: Record<string, number> = {}
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    const [, kind = ''] = subject.split('.')
    counts[kind] = (counts[kind] ?? 0) + count
  }
  return counts
}

/** Events that workers have taken and not acknowledged. */
async function inHand(manager: JetStreamManager): Promise<number> {
  let count = 0
  for await (const { num_ack_pending } of manager.consumers.list('EVENTS')) count += num_ack_pending
  return count
}

/** The deliveries in the order of their attempts, without attempts of one delivery in a row. */
const inTurn = (received: readonly { body: Buffer }[]): string[] =>
  received.map(({ body }) => body.toString()).filter((body, index, all) => body !== all[index - 1])

test('deliveries that wait for one key have their events in memory, many read at a time, when their turn comes', async () => {
  await using opened = await openOrdered()
  let reads = 0
  opened.nats.subscribe('$JS.API.DIRECT.GET.EVENTS', { callback: () => void reads++ })
  opened.sink.answer((_request, count) => ({ status: 200, delayMs: count === 1 ? 500 : 0 }))
  await ensureStreams(opened.manager, { replicas: 1, eventsMaxBytes: 1024 ** 3 })
  const bodies = Array.from({ length: 120 }, (_, n) => `${n}`)
  for (const body of bodies) await opened.publish(body, { headers })
  await using _running = await startWorker(opened.server.url)
  const all = await opened.sink.waitForCount(120, { deadlineMs: 60_000 })
  expect(all.map(({ body }) => body.toString())).toEqual(bodies)
  expect(reads).toBeLessThan(12)
})

test('order outlives its worker: the next owner lets none past a delivery that is being retried', async () => {
  await using opened = await openOrdered()
  opened.sink.answer({ status: 500 })
  const first = await startWorker(opened.server.url, { name: 'first' })
  await opened.publish('0', { headers })
  await opened.sink.waitForCount(1)
  await opened.publish('1', { headers })
  await until(
    async () => {
      const { held, ordered, scheduled } = await inDeliveries(opened.manager)
      return held === 1 && ordered === 1 && scheduled === 1
    },
    { what: 'a schedule, a holder and one that waits' },
  )
  await first[Symbol.asyncDispose]()
  opened.sink.answer({ status: 200 })
  await using _second = await startWorker(opened.server.url, { name: 'second' })
  await opened.publish('2', { headers })
  await opened.sink.waitFor(({ body }) => body.toString() === '2')
  expect(inTurn(opened.sink.received)).toEqual(['0', '1', '2'])
})

test('order outlives a crash: none passes a delivery whose first attempt was under way', async () => {
  await using opened = await openOrdered()
  opened.sink.answer({ hang: true })
  const first = await startWorker(opened.server.url, { name: 'first' })
  await opened.publish('0', { headers })
  await opened.sink.waitForCount(1)
  await opened.publish('1', { headers })
  await until(async () => (await inDeliveries(opened.manager)).ordered === 1, { what: 'one that waits' })
  await first.crash()
  const atCrash = opened.sink.received.length
  opened.sink.answer({ status: 200 })
  await using _second = await startWorker(opened.server.url, { name: 'second' })
  await opened.publish('2', { headers })
  await opened.sink.waitFor(({ body }) => body.toString() === '2', { deadlineMs: 30_000 })
  expect(inTurn(opened.sink.received.slice(atCrash))).toEqual(['0', '1', '2'])
  await first[Symbol.asyncDispose]()
})

test('order outlives a crash: a new event does not pass a first attempt that was under way alone', async () => {
  await using opened = await openOrdered()
  opened.sink.answer({ hang: true })
  const first = await startWorker(opened.server.url, { name: 'first' })
  await opened.publish('0', { headers })
  await opened.sink.waitForCount(1)
  await first.crash()
  const atCrash = opened.sink.received.length
  opened.sink.answer({ status: 200 })
  await using _second = await startWorker(opened.server.url, { name: 'second' })
  for (const body of ['1', '2']) await opened.publish(body, { headers })
  await opened.sink.waitFor(({ body }) => body.toString() === '2', { deadlineMs: 30_000 })
  expect(inTurn(opened.sink.received.slice(atCrash))).toEqual(['0', '1', '2'])
  await first[Symbol.asyncDispose]()
})

test('an event that the server handed to a dead connection is not passed by a newer one of its key', async () => {
  await using opened = await openOrdered()
  await using _worker = await startWorker(opened.server.url)
  await opened.publish('0', { headers })
  await opened.sink.waitForCount(1)
  // The request of a worker that is frozen stays open at the server, which hands it its share.
  const consumer = `worker-${partitionOf(opened.organization.id)}`
  const stolen: number[] = []
  const inbox = newInbox(opened.nats)
  opened.nats.subscribe(inbox, { callback: (_error, { data }) => void stolen.push(Number(data.toString())) })
  const request = JSON.stringify({ batch: 1, expires: 30e9 })
  opened.nats.publish(`$JS.API.CONSUMER.MSG.NEXT.EVENTS.${consumer}`, request, { reply: inbox })
  await opened.nats.flush()
  for (let n = 1; n <= 6; n++) await opened.publish(`${n}`, { headers })
  await opened.sink.waitFor(({ body }) => body.toString() === '6', { deadlineMs: 30_000 })
  expect(stolen).toHaveLength(1)
  expect(inTurn(opened.sink.received)).toEqual(['0', '1', '2', '3', '4', '5', '6'])
})

test('a worker that ends well leaves no event to wait for until ack_wait has passed', async () => {
  await using opened = await openOrdered()
  const worker = await startWorker(opened.server.url)
  const sending = (async () => {
    for (let n = 0; n < 100; n++) await opened.publish(`${n}`, { headers })
  })()
  await opened.sink.waitForCount(5)
  await worker[Symbol.asyncDispose]()
  await sending
  const consumer = `worker-${partitionOf(opened.organization.id)}`
  const left = await opened.manager.consumers.info('EVENTS', consumer)
  // Whatever is not acknowledged comes at once.
  let came = 0
  const inbox = newInbox(opened.nats)
  const over = Promise.withResolvers<void>()
  opened.nats.subscribe(inbox, {
    callback: (_error, { headers }) => (headers?.code ? over.resolve() : void came++),
  })
  const request = JSON.stringify({ batch: 200, no_wait: true })
  opened.nats.publish(`$JS.API.CONSUMER.MSG.NEXT.EVENTS.${consumer}`, request, { reply: inbox })
  await over.promise
  expect(came).toBe(left.num_ack_pending + left.num_pending)
})

test('a delivery that had waited for its key and was under way at a crash is not lost', async () => {
  await using opened = await openOrdered()
  opened.sink.answer((_request, count) => (count === 1 ? { status: 200, delayMs: 300 } : { hang: true }))
  const first = await startWorker(opened.server.url, { name: 'first' })
  for (const body of ['0', '1', '2']) await opened.publish(body, { headers })
  await opened.sink.waitFor(({ body }) => body.toString() === '1')
  // Delivered and not recorded yet, the first would rightly come again: its key goes on before its record is stored.
  await until(async () => (await opened.manager.streams.info('ATTEMPTS')).state.messages > 0, {
    everyMs: 5,
    what: 'the record of the first',
  })
  await until(async () => (await inHand(opened.manager)) === 0, { what: 'all events acknowledged' })
  await first.crash()
  opened.sink.answer({ status: 200 })
  await using _second = await startWorker(opened.server.url, { name: 'second' })
  await opened.sink.waitFor(({ body }) => body.toString() === '2', { deadlineMs: 30_000 })
  const got = inTurn(opened.sink.received)
  expect(
    got.filter(body => body === '1'),
    got.join(),
  ).toHaveLength(1)
  expect(opened.sink.received.filter(({ body }) => body.toString() === '1')).toHaveLength(2)
  await until(async () => Object.keys(await inDeliveries(opened.manager)).length === 0, {
    what: 'nothing left in DELIVERIES',
  })
  await first[Symbol.asyncDispose]()
})

test('a busy key whose deliveries end at once is never written down, however many held it', async () => {
  await using opened = await openOrdered()
  opened.sink.answer({ status: 200, delayMs: 20 })
  await using _worker = await startWorker(opened.server.url)
  for (let n = 0; n < 20; n++) await opened.publish(`${n}`, { headers })
  let most = 0
  await until(
    async () => {
      const counts = await inDeliveries(opened.manager)
      most = Math.max(most, counts.held ?? 0)
      return opened.sink.received.length === 20 && Object.keys(counts).length === 0
    },
    { everyMs: 5, what: 'twenty arrivals and nothing left' },
  )
  expect(most).toBe(0)
})

test('a delivery that comes while its key becomes free is not left waiting', async () => {
  await using opened = await openOrdered()
  await using _worker = await startWorker(opened.server.url)
  for (let n = 0; n < 60; n++) {
    // The second waits for the first and is written down; the third comes while the second ends.
    await Promise.all([opened.publish(`${n}.0`, { headers }), opened.publish(`${n}.1`, { headers })])
    await until(() => opened.sink.received.some(({ body }) => body.toString() === `${n}.1`), { everyMs: 1 })
    await opened.publish(`${n}.2`, { headers })
    await opened.sink.waitForCount(3 * (n + 1))
  }
  await until(async () => Object.keys(await inDeliveries(opened.manager)).length === 0, {
    what: 'nothing left in DELIVERIES',
  })
})

test('a delivery that holds its key for too long is overtaken', async () => {
  await using opened = await openPlatform({
    destinations: [{ name: 'app', url: 'http://127.0.0.1:1/', retryDelaysSeconds: [600] }],
  })
  const [app] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...app!, url: opened.sink.url }],
    routes: [
      {
        ...opened.organization.routes[0]!,
        order: { key: { from: 'header', name: 'x-account' }, maxWaitSeconds: 1 },
      },
    ],
  })
  opened.sink.answer((_request, count) => ({ status: count === 1 ? 500 : 200 }))
  await using _running = await startWorker(opened.server.url)
  const headers = ['X-Account', 'a']
  await opened.publish('stuck', { headers, revision: 2 })
  await opened.sink.waitForCount(1)
  await opened.publish('next', { headers, revision: 2 })
  const got = await opened.sink.waitForCount(2)
  expect(got[1]!.body.toString()).toBe('next')
})
