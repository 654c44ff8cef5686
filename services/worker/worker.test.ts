import { randomUUID } from 'node:crypto'
import {
  anOrganization,
  type OrganizationSketch,
  putConfiguration,
  testEncryptionKeys,
  testSigningSecret,
} from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import { eventId } from '@fairlead/webhook/id'
import { type AttemptRecord, decodeLogRecords, type LogRecord } from '@fairlead/wire/attempt'
import type { OrganizationConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { deadHeader, decodeDeadMeta } from '@fairlead/wire/dead'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openPublisher, type Publisher } from '@fairlead/wire/publish'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { eventSubject, parkedSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { workerConfig } from './config.ts'
import { compileAddressPolicy } from './egress/address.ts'
import { openResolver } from './egress/resolve.ts'
import { openSender } from './egress/send.ts'
import { openWorker } from './worker.ts'

const log = pino({ level: process.env.TEST_LOG ?? 'silent' })

async function startWorker(natsUrl: string, name = 'test', slots = 1024) {
  const stack = new AsyncDisposableStack()
  const nats = await connectNats({ url: natsUrl, name })
  stack.defer(() => nats.close())
  const resolver = stack.use(openResolver())
  const policy = compileAddressPolicy({ allowCidrs: ['127.0.0.0/8'] })
  const sender = stack.use(openSender({ policy, ports: () => true, resolve: resolver.resolve }))
  const config = workerConfig.parse({
    FAIRLEAD_NATS_URL: natsUrl,
    FAIRLEAD_WORKER_NAME: name,
    FAIRLEAD_WORKER_SLOTS: `${slots}`,
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
  })
  const worker = stack.use(await openWorker(config, { nats, sender, registry: new Registry(), log }))
  return {
    worker,
    nats,
    /** As if killed: nothing is finished, handed over or said. */
    crash: () => nats.close(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function open(sketch: OrganizationSketch = {}) {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  const sink = stack.use(await startSink())
  const organization = anOrganization('acme', {
    sources: [{ name: 'github', provider: 'github' }],
    destinations: [{ name: 'app', url: `${sink.url}/hooks` }],
    ...sketch,
  })
  await putConfiguration(nats, organization)
  const publisher = stack.use(openPublisher(nats))
  const manager = await jetstreamManager(nats)
  return {
    server,
    nats,
    sink,
    organization,
    manager,
    publish: (body: string, overrides: Parameters<typeof publishEvent>[3] = {}) =>
      publishEvent(publisher, organization, body, overrides),
    records: () => readRecords(nats),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function publishEvent(
  publisher: Publisher,
  organization: OrganizationConfig,
  body: string,
  { type = 'push', headers = ['Content-Type', 'application/json'], source = 'github', revision = 1 } = {},
) {
  const id = eventId(organization.id, source, { id: randomUUID() })
  const meta = {
    id,
    organization: organization.id,
    source,
    sourceId: organization.sources[0]!.id,
    provider: 'github',
    revision,
    type,
    receivedAt: Date.now(),
    method: 'POST',
    url: `/webhooks/acme/${source}`,
    headers,
    size: Buffer.byteLength(body),
  }
  await publisher.publish(eventSubject(organization.id, source), body, {
    'Nats-Msg-Id': id,
    [eventHeader]: encodeEventMeta(meta),
  })
  return id
}

async function readRecords(nats: NatsConnection): Promise<LogRecord[]> {
  const manager = await jetstreamManager(nats)
  const { state } = await manager.streams.info('ATTEMPTS')
  const records: LogRecord[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('ATTEMPTS', { seq })
    if (message) records.push(...decodeLogRecords(message.data))
  }
  return records
}

const attemptsOf = (records: LogRecord[], event: string): AttemptRecord[] =>
  records.filter(record => record.kind === 'attempted').filter(record => record.event === event)

test('an event arrives with its bytes and headers, signed, and stands in the log', async () => {
  await using opened = await open()
  await using _running = await startWorker(opened.server.url)
  const body = '{"ref": "ünï"}'
  const headers = [
    'Content-Type',
    'application/json',
    'X-GitHub-Event',
    'push',
    'Connection',
    'x-hop',
    'X-Hop',
    '1',
  ]
  const id = await opened.publish(body, { headers })
  const got = await opened.sink.waitFor(() => true)
  expect(got.body.toString()).toBe(body)
  expect(got.url).toBe('/hooks')
  expect(got.headers).toMatchObject({
    'content-type': 'application/json',
    'x-github-event': 'push',
    'webhook-id': id,
    'fairlead-event-id': id,
    'fairlead-source': 'github',
    'fairlead-provider': 'github',
    'fairlead-event-type': 'push',
    'fairlead-attempt': '1',
    'fairlead-trigger': 'route',
    'fairlead-organization': 'acme',
  })
  expect(got.headers).not.toHaveProperty('x-hop')
  expect(
    new Webhook(testSigningSecret).verify(got.body.toString(), got.headers as Record<string, string>),
  ).toEqual({
    ref: 'ünï',
  })
  const records = await until(async () => {
    const all = await opened.records()
    return all.length > 0 && all
  })
  expect(records).toMatchObject([
    {
      kind: 'attempted',
      event: id,
      number: 1,
      of: 1,
      outcome: 'delivered',
      status: 200,
      settlement: { kind: 'delivered' },
    },
  ])
})

test('what fails is tried again on schedule, with the same id and the next number', async () => {
  await using opened = await open()
  opened.sink.answer((_request, count) => ({ status: count < 3 ? 500 : 204 }))
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{}')
  const got = await opened.sink.waitForCount(3, { deadlineMs: 15_000 })
  expect(got.map(({ headers }) => headers['fairlead-attempt'])).toEqual(['1', '2', '3'])
  expect(new Set(got.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]))
  for (const [earlier, later] of [
    [got[0], got[1]],
    [got[1], got[2]],
  ]) {
    expect(later!.at - earlier!.at).toBeGreaterThanOrEqual(790) // a second, ±20 %
  }
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length === 3 && all
  })
  expect(attempts.map(({ settlement }) => settlement.kind)).toEqual(['retry', 'retry', 'delivered'])
})

test('a delivery that uses up its attempts becomes a dead letter with its body', async () => {
  await using opened = await open()
  const destination = opened.organization.destinations[0]!
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...destination, retryDelaysSeconds: [0.2] }],
  })
  opened.sink.answer({ status: 500, body: 'no' })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{"dead":true}', { revision: 2 })
  const letter = await until(
    async () => (await opened.manager.streams.getMessage('DEAD', { seq: 1 })) ?? undefined,
  )
  expect(letter.string()).toBe('{"dead":true}')
  expect(decodeDeadMeta(letter.header.get(deadHeader))).toMatchObject({
    attempt: 2,
    reason: 'attempts_exhausted',
  })
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length === 2 && all
  })
  expect(attempts.at(-1)).toMatchObject({
    outcome: 'destination_failed',
    status: 500,
    settlement: { kind: 'dead', reason: 'attempts_exhausted' },
  })
})

test('routes choose by source and type; an event that no one wants is recorded as such', async () => {
  await using opened = await open({
    destinations: [
      { name: 'pushes', url: 'http://127.0.0.1:1/unused' },
      { name: 'all', url: 'http://127.0.0.1:1/unused' },
    ],
  })
  const [pushes, all] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [
      { ...pushes!, url: `${opened.sink.url}/pushes` },
      { ...all!, url: `${opened.sink.url}/all` },
    ],
    routes: [
      { ...opened.organization.routes[0]!, eventTypes: ['push'], destinations: ['pushes', 'all'] },
      { ...opened.organization.routes[0]!, eventTypes: ['issues.*'], destinations: ['all'] },
    ],
  })
  await using _running = await startWorker(opened.server.url)
  const both = await opened.publish('{"n":1}', { type: 'push', revision: 2 })
  const one = await opened.publish('{"n":2}', { type: 'issues.opened', revision: 2 })
  const none = await opened.publish('{"n":3}', { type: 'star', revision: 2 })
  await opened.sink.waitForCount(3)
  const wanted = opened.sink.received.map(({ url, body }) => `${url} ${body}`).sort()
  expect(wanted).toEqual(['/all {"n":1}', '/all {"n":2}', '/pushes {"n":1}'])
  const records = await until(async () => {
    const found = await opened.records()
    return found.length === 5 && found
  })
  const routed = records.filter(record => record.kind === 'routed')
  expect(routed.find(({ event }) => event === both)?.destinations).toHaveLength(2)
  expect(routed.find(({ event }) => event === none)?.destinations).toEqual([])
  expect(routed.some(({ event }) => event === one)).toBe(false)
})

test('a full lane parks, and drains in order when there is room', async () => {
  await using opened = await open()
  const destination = { ...opened.organization.destinations[0]!, concurrency: 1, timeoutSeconds: 30 }
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [destination] })
  opened.sink.answer((_request, count) => (count === 1 ? { status: 200, delayMs: 700 } : { status: 200 }))
  await using _running = await startWorker(opened.server.url)
  for (let i = 0; i < 40; i++) await opened.publish(`${i}`, { revision: 2 })
  const subject = parkedSubject(opened.organization.id, destination.id)
  const parked = async () =>
    (await opened.manager.streams.info('DELIVERIES', { subjects_filter: subject })).state.subjects?.[
      subject
    ] ?? 0
  await until(async () => (await parked()) === 39, { what: '39 parked', everyMs: 5 })
  const got = await opened.sink.waitForCount(40)
  expect(got.map(({ body }) => Number(body.toString()))).toEqual(Array.from({ length: 40 }, (_, i) => i))
  await until(async () => (await parked()) === 0, { what: 'an empty park' })
})

test('a destination that hangs costs its neighbour nothing', async () => {
  await using hanging = await startSink({ hang: true })
  await using opened = await open()
  const [app] = opened.organization.destinations
  const stuck = anOrganization('stuck', {
    id: opened.organization.id, // the same partition
    sources: [{ name: 'github', provider: 'github' }],
    destinations: [{ name: 'hangs', url: hanging.url, concurrency: 4, timeoutSeconds: 20 }],
  })
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [app!, stuck.destinations[0]!],
    routes: [
      { ...opened.organization.routes[0]!, eventTypes: ['push'], destinations: ['app'] },
      { ...opened.organization.routes[0]!, eventTypes: ['stuck'], destinations: ['hangs'] },
    ],
  })
  await using running = await startWorker(opened.server.url)
  for (let i = 0; i < 200; i++) await opened.publish(`${i}`, { type: 'stuck', revision: 2 })
  for (let i = 0; i < 50; i++) await opened.publish(`${i}`, { type: 'push', revision: 2 })
  await opened.sink.waitForCount(50, { deadlineMs: 3_000 })
  expect(hanging.received.length).toBeLessThanOrEqual(4)
  await running.crash()
})

test('a broken destination is left alone, probed, and drained when it is well again', async () => {
  await using opened = await open()
  const destination = {
    ...opened.organization.destinations[0]!,
    retryDelaysSeconds: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  }
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [destination] })
  opened.sink.answer({ status: 503 })
  await using _running = await startWorker(opened.server.url)
  const ids = []
  for (let i = 0; i < 60; i++) ids.push(await opened.publish(`${i}`, { revision: 2 }))
  await opened.sink.waitForCount(5)
  opened.sink.answer({ status: 200 })
  await until(
    () =>
      new Set(opened.sink.received.map(({ headers }) => headers['webhook-id'])).size === 60 &&
      opened.sink.received.length >= 60,
    { what: 'all of them', deadlineMs: 20_000 },
  )
  await until(
    async () =>
      (await opened.records()).filter(r => r.kind === 'attempted' && r.outcome === 'delivered').length === 60,
    { what: '60 delivered in the log' },
  )
  // Without the breaker each of the 60 would have met the 503.
  const refused = (await opened.records()).filter(r => r.kind === 'attempted' && r.outcome !== 'delivered')
  expect(refused.length).toBeLessThan(30)
})

test('a paused destination gets nothing, and everything once it is resumed', async () => {
  await using opened = await open()
  const [destination] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...destination!, paused: true }],
  })
  await using _running = await startWorker(opened.server.url)
  for (let i = 0; i < 10; i++) await opened.publish(`${i}`, { revision: 2 })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 10, {
    what: 'all parked',
  })
  expect(opened.sink.received).toHaveLength(0)
  await putConfiguration(opened.nats, opened.organization)
  await opened.sink.waitForCount(10)
})

test('a delivery whose destination was deleted meanwhile has a fate of its own', async () => {
  await using opened = await open()
  const [destination] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...destination!, paused: true }],
  })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{}', { revision: 2 })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 1, {
    what: 'parked',
  })
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [], routes: [] })
  const attempts = await until(
    async () => {
      const all = attemptsOf(await opened.records(), id)
      return all.length > 0 && all
    },
    { what: 'its last record' },
  )
  expect(attempts[0]).toMatchObject({ settlement: { kind: 'dead', reason: 'destination_deleted' } })
  expect((await opened.manager.streams.info('DELIVERIES')).state.messages).toBe(0)
})

test('a sequence that names another event by now delivers nothing', async () => {
  await using opened = await open()
  const [destination] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...destination!, paused: true }],
  })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{"mine":1}', { revision: 2 })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 1, {
    what: 'parked',
  })
  // EVENTS is lost and made anew: the same sequence is somebody else's.
  const { config } = await opened.manager.streams.info('EVENTS')
  await opened.manager.streams.delete('EVENTS')
  await opened.manager.streams.add(config)
  await opened.publish('{"not":"mine"}', { revision: 2, type: 'other' })
  await putConfiguration(opened.nats, { ...opened.organization, routes: [] })
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length > 0 && all
  })
  expect(attempts[0]).toMatchObject({ outcome: 'event_expired', settlement: { kind: 'dead' } })
  expect(opened.sink.received.filter(({ headers }) => headers['webhook-id'] === id)).toHaveLength(0)
})

test('an event waits for the configuration that its receiver knew', async () => {
  await using opened = await open({ routes: [] })
  await using _running = await startWorker(opened.server.url)
  await opened.publish('{"early":1}', { revision: 2 })
  const all = { ...anOrganization('x', { destinations: [] }).routes[0]!, destinations: ['app'] }
  await putConfiguration(opened.nats, { ...opened.organization, routes: [all] })
  await opened.sink.waitForCount(1)
})

test('after a crash another worker has everything within seconds, and nothing is lost', async () => {
  await using opened = await open()
  opened.sink.answer((_request, count) => (count <= 20 ? { hang: true } : { status: 200 }))
  const first = await startWorker(opened.server.url, 'first')
  await until(() => first.worker.partitions === 16, { what: 'all partitions' })
  const ids = new Set<string>()
  for (let i = 0; i < 20; i++) ids.add(await opened.publish(`${i}`))
  await opened.sink.waitForCount(10) // as many as the lane lets through; the rest is parked
  await first.crash()
  const crashedAt = Date.now()
  opened.sink.answer({ status: 200 })
  await using second = await startWorker(opened.server.url, 'second')
  await until(() => second.worker.partitions === 16, { what: 'the take-over', deadlineMs: 10_000 })
  await until(
    () =>
      ids.size ===
      new Set(
        opened.sink.received
          .filter(({ at }) => at > crashedAt)
          .map(({ headers }) => `${headers['webhook-id']}`),
      ).size,
    { what: 'all twenty at the second worker', deadlineMs: 10_000 },
  )
  expect(Date.now() - crashedAt).toBeLessThan(9_000)
  await first[Symbol.asyncDispose]().catch(() => {})
})

test('a worker that stops hands over without a repeat', async () => {
  await using opened = await open()
  opened.sink.answer({ status: 200, delayMs: 50 })
  const first = await startWorker(opened.server.url, 'first')
  await using _second = await startWorker(opened.server.url, 'second')
  const ids: string[] = []
  const sending = (async () => {
    for (let i = 0; i < 200; i++) ids.push(await opened.publish(`${i}`))
  })()
  await opened.sink.waitForCount(20)
  await first[Symbol.asyncDispose]()
  await sending
  await until(() => opened.sink.received.length >= 200, { what: 'all of them', deadlineMs: 15_000 })
  expect(new Set(opened.sink.received.map(({ headers }) => headers['webhook-id'])).size).toBe(200)
  expect(opened.sink.received.length - 200).toBe(0)
})

test('deliveries with one key go one after the other, and other keys pass them by', async () => {
  await using opened = await open({
    routes: [
      {
        source: '*',
        eventTypes: ['*'],
        destinations: ['app'],
        order: { key: { from: 'body', pointer: '/account' }, maxWaitSeconds: 60 },
      },
    ],
  })
  // The first of account a fails once: all of a wait for it.
  opened.sink.answer((_request, count) => (count === 1 ? { status: 500 } : { status: 200, delayMs: 5 }))
  await using _running = await startWorker(opened.server.url)
  await opened.publish('{"account":"a","n":0}')
  await opened.sink.waitForCount(1)
  for (let n = 1; n < 10; n++) await opened.publish(`{"account":"a","n":${n}}`)
  for (let n = 0; n < 10; n++) await opened.publish(`{"account":"b","n":${n}}`)
  const got = await opened.sink.waitForCount(21, { deadlineMs: 15_000 })
  const bodies = got.map(({ body }) => JSON.parse(body.toString()) as { account: string; n: number })
  const numbers = (account: string) => bodies.filter(body => body.account === account).map(({ n }) => n)
  expect(numbers('a')).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(numbers('b')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const lastB = bodies.findLastIndex(({ account }) => account === 'b')
  expect(bodies.findIndex(({ account, n }) => account === 'a' && n === 1)).toBeGreaterThan(lastB)
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 0, {
    what: 'nothing left in DELIVERIES',
  })
})

test('order outlives its worker: the next owner lets none past the one that is tried again', async () => {
  await using opened = await open({
    routes: [
      {
        source: '*',
        eventTypes: ['*'],
        destinations: ['app'],
        order: { key: { from: 'header', name: 'x-account' }, maxWaitSeconds: 60 },
      },
    ],
  })
  const headers = ['X-Account', 'a']
  opened.sink.answer({ status: 500 })
  const first = await startWorker(opened.server.url, 'first')
  await opened.publish('0', { headers })
  await opened.sink.waitForCount(1)
  await opened.publish('1', { headers })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 3, {
    what: 'a schedule, a holder and one that waits',
  })
  await first[Symbol.asyncDispose]()
  opened.sink.answer({ status: 200 })
  await using _second = await startWorker(opened.server.url, 'second')
  await opened.publish('2', { headers })
  const got = await opened.sink.waitForCount(4, { deadlineMs: 15_000 })
  expect(got.map(({ body }) => body.toString())).toEqual(['0', '0', '1', '2'])
})

test('a delivery that keeps others waiting too long is overtaken', async () => {
  await using opened = await open({
    destinations: [{ name: 'app', url: 'http://127.0.0.1:1/', retryDelaysSeconds: [20] }],
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
  const got = await opened.sink.waitForCount(2, { deadlineMs: 8_000 })
  expect(got[1]!.body.toString()).toBe('next')
})

test('a destination of the kind nats: the event is a message for others to consume, once', async () => {
  await using opened = await open({ destinations: [{ name: 'bus', kind: 'nats' }] })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{"for":"others"}')
  const message = await until(
    async () => (await opened.manager.streams.getMessage('OUTBOUND', { seq: 1 })) ?? undefined,
  )
  expect(message.subject).toBe('outbound.acme.bus')
  expect(message.string()).toBe('{"for":"others"}')
  expect(message.header.get('webhook-id')).toBe(id)
  const signed = Object.fromEntries(message.header.keys().map(name => [name, message.header.get(name)]))
  expect(new Webhook(testSigningSecret).verify(message.string(), signed)).toEqual({ for: 'others' })
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length > 0 && all
  })
  expect(attempts[0]).toMatchObject({ outcome: 'delivered' })
})

test('built-in processors are destinations with the same log and the same retries', async () => {
  await using opened = await open({
    destinations: [
      { name: 'tally', kind: 'processor', processor: 'tally' },
      { name: 'typo', kind: 'processor', processor: 'tallly', retryDelaysSeconds: [] },
    ],
  })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{}')
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length === 2 && all
  })
  expect(attempts.map(({ outcome }) => outcome).sort()).toEqual(['delivered', 'processor_failed'])
})

test('a destination that asks for a token gets it', async () => {
  await using opened = await open()
  const [app] = opened.organization.destinations
  const keyring = openKeyring(testEncryptionKeys)
  const sealed = keyring.seal(
    JSON.stringify([{ kind: 'bearer', token: 'test-token' }]),
    sealContext.destinationAuth(opened.organization.id, 'app'),
  )
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [{ ...app!, auth: sealed }] })
  await using _running = await startWorker(opened.server.url)
  await opened.publish('{}', { revision: 2 })
  const [got] = await opened.sink.waitForCount(1)
  expect(got!.headers.authorization).toBe('Bearer test-token')
})
