import { freePort } from '@fairlead/standalone/servers/processes'
import { eventId, parseId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openPublisher, type Publisher } from '@fairlead/wire/publish'
import { ErrorReason } from '@fairlead/wire/store/error'
import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { ReplayState } from '@fairlead/wire/store/replay'
import { connectStore, type StoreClient, storeErrorDetail } from '@fairlead/wire/store-client'
import { streamName } from '@fairlead/wire/streams'
import { eventSubject } from '@fairlead/wire/subjects'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testEncryptionKeys } from './configuration.ts'
import { startTestNats } from './nats.ts'
import { createTestDatabase } from './postgres.ts'
import { scratchFolder } from './scratch.ts'
import { type Service, startService } from './service.ts'
import { type Received, type Sink, startSink } from './sink.ts'
import { until } from './until.ts'

/**
 * Replays, dead letters and waiting retries as they are deployed: store and worker are processes of their own, with a
 * real nats-server, PostgreSQL and destinations. Each test has a type of events for itself.
 */

const opened = new AsyncDisposableStack()
let client: StoreClient
let store: Service
let manager: JetStreamManager
let publisher: Publisher
/** Takes everything. */
let billing: Sink
/** No route leads there. */
let archive: Sink
/** Answers as a test says. */
let shaky: Sink
let organizationId: string
let sourceId: string
const destinationIds = new Map<string, string>()

beforeAll(async () => {
  const nats = opened.use(await startTestNats())
  const database = opened.use(await createTestDatabase())
  const logFolder = opened.use(await scratchFolder()).path
  const storePort = await freePort()
  const shared = { FAIRLEAD_NATS_URL: nats.url, FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys }
  store = startService({
    name: 'store',
    main: 'services/store/main.ts',
    logFolder,
    env: {
      ...shared,
      FAIRLEAD_POSTGRES_URL: database.url,
      FAIRLEAD_STORE_PORT: String(storePort),
      FAIRLEAD_STORE_HOST: '127.0.0.1',
    },
  })
  opened.use(store)
  const worker = startService({
    name: 'worker',
    main: 'services/worker/main.ts',
    logFolder,
    env: {
      ...shared,
      FAIRLEAD_WORKER_NAME: 'worker',
      FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8',
      FAIRLEAD_DESTINATION_PORTS: '1-65535',
    },
  })
  opened.use(worker)
  client = opened.use(connectStore(`http://127.0.0.1:${storePort}`))
  ;[billing, archive, shaky] = [
    opened.use(await startSink()),
    opened.use(await startSink()),
    opened.use(await startSink()),
  ]
  const connection = await connectNats({ url: nats.url, name: 'test' })
  opened.defer(() => connection.close())
  publisher = opened.use(openPublisher(connection))
  manager = await jetstreamManager(connection)
  await apply()
}, 60_000)
afterAll(() => opened.disposeAsync())

async function apply(): Promise<void> {
  const destination = (name: string, sink: Sink, delaysSeconds: number[]) => ({
    name,
    settings: { url: sink.url, timeoutSeconds: 5, concurrency: 50, retry: { delaysSeconds } },
  })
  const organization = {
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml' },
    slug: 'acme',
    sources: [
      { name: 'partner', settings: { provider: 'github' }, secrets: [{ id: 'a', value: 'test-only' }] },
    ],
    destinations: [
      destination('billing', billing, []),
      destination('archive', archive, []),
      destination('shaky', shaky, []),
      destination('patient', shaky, [3_600]),
    ],
    routes: [
      { settings: { source: 'partner', eventTypes: ['to.both.*'], destinations: ['billing', 'shaky'] } },
      { settings: { source: 'partner', eventTypes: ['to.billing.*'], destinations: ['billing'] } },
      { settings: { source: 'partner', eventTypes: ['to.shaky.*'], destinations: ['shaky'] } },
      { settings: { source: 'partner', eventTypes: ['to.patient.*'], destinations: ['patient'] } },
    ],
  }
  const applied = await until(() => client.organizations.applyOrganization(organization), {
    deadlineMs: 30_000,
    what: 'the store',
  })
  organizationId = applied.organization!.id
  const { sources } = await client.sources.listSources({ organizationId })
  sourceId = sources[0]!.id
  const { destinations } = await client.destinations.listDestinations({ organizationId })
  for (const { name, id } of destinations) destinationIds.set(name, id)
}

/** Accepts events of a type as a receiver does, and waits until the log says that all stand so. */
async function accept(type: string, count: number, status: EventStatus): Promise<string[]> {
  const organization = parseId('org', organizationId)!
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const id = eventId(organization, 'partner', { id: `${type} ${i}` })
      const body = JSON.stringify({ type, i })
      const meta = {
        id,
        organization,
        source: 'partner',
        sourceId: parseId('src', sourceId)!,
        provider: 'github',
        revision: 1,
        type,
        receivedAt: Date.now(),
        method: 'POST',
        url: '/webhooks/acme/partner',
        headers: ['Content-Type', 'application/json'],
        size: body.length,
      }
      await publisher.publish(eventSubject(organization, 'partner'), body, {
        'Nats-Msg-Id': id,
        [eventHeader]: encodeEventMeta(meta),
      })
      return id
    }),
  )
  await until(async () => (await list(type, status)).length === count, {
    deadlineMs: 30_000,
    everyMs: 50,
    what: `${count} events of ${type} in the log`,
  })
  return ids
}

const list = async (type: string, status: EventStatus) =>
  (await client.events.listEvents({ organizationId, type, status, limit: 500 })).events

interface Asked {
  readonly type: string
  readonly to?: readonly string[]
  readonly states?: DeliveryState[]
  readonly rate?: number
  readonly dryRun?: boolean
}

async function replay({ type, to = [], states = [], rate = 1_000, dryRun = false }: Asked) {
  const { replay } = await client.replays.createReplay({
    organizationId,
    selector: { types: [type], states },
    destinationIds: to.map(name => destinationIds.get(name)!),
    ratePerSecond: rate,
    dryRun,
    createdBy: 'a test',
  })
  return replay!
}

const look = async (replayId: string) =>
  (await client.replays.getReplay({ organizationId, replayId })).replay!

async function untilSettled(replayId: string) {
  return until(
    async () => {
      const found = await look(replayId)
      return found.endedAt && found.delivered + found.failed === found.published && found
    },
    { deadlineMs: 60_000, everyMs: 50, what: 'the end of the Replay' },
  )
}

const arrivals = (sink: Sink, replayId: string): Received[] =>
  sink.received.filter(({ headers }) => headers['fairlead-replay-id'] === replayId)
const idsOf = (requests: readonly Received[]) => requests.map(({ headers }) => headers['webhook-id']).sort()
const ofType = (sink: Sink, type: string) =>
  sink.received.filter(({ headers }) => headers['fairlead-event-type'] === type)

test('a dry run says how many, and so many are delivered: the same ids, marked, and nowhere else', async () => {
  const type = 'to.both.replayed'
  shaky.answer({ status: 200 })
  const ids = await accept(type, 40, EventStatus.SUCCESS)
  const dry = await replay({ type, to: ['billing'], dryRun: true })
  expect(dry).toMatchObject({ id: '', matchedEvents: 40n, matched: 40n, expired: 0n })
  const before = { shaky: shaky.received.length, archive: archive.received.length }
  const started = await replay({ type, to: ['billing'] })
  const ended = await untilSettled(started.id)
  expect(ended).toMatchObject({
    state: ReplayState.COMPLETED,
    matched: dry.matched,
    published: 40n,
    delivered: 40n,
    failed: 0n,
    skipped: 0n,
    destinations: ['billing'],
    createdBy: 'a test',
  })
  const got = arrivals(billing, started.id)
  expect(idsOf(got)).toEqual([...ids].sort())
  expect(got[0]!.headers).toMatchObject({ 'fairlead-trigger': 'replay', 'fairlead-attempt': '2' })
  expect({ shaky: shaky.received.length, archive: archive.received.length }).toEqual(before)
  // Once more is another Replay, not a duplicate; without a choice, everywhere the events went.
  const again = await replay({ type })
  expect(await untilSettled(again.id)).toMatchObject({ matched: 80n, delivered: 80n })
  expect(idsOf(arrivals(billing, again.id))).toEqual([...ids].sort())
  expect(idsOf(arrivals(shaky, again.id))).toEqual([...ids].sort())
  expect(archive.received.length).toBe(before.archive)
})

test('a destination that never had the events gets them as new deliveries', async () => {
  const type = 'to.billing.archived'
  const ids = await accept(type, 10, EventStatus.SUCCESS)
  const { id } = await replay({ type, to: ['archive'] })
  expect(await untilSettled(id)).toMatchObject({ matched: 10n, delivered: 10n })
  expect(idsOf(arrivals(archive, id))).toEqual([...ids].sort())
  expect(arrivals(archive, id)[0]!.headers['fairlead-attempt']).toBe('1')
  const { deliveries } = await client.events.getEvent({ organizationId, eventId: ids[0]! })
  expect(deliveries.map(({ destination }) => destination)).toEqual(['archive', 'billing'])
  expect(await list(type, EventStatus.SUCCESS)).toHaveLength(10)
})

test('the store is killed in the middle, twice: each event once', { timeout: 90_000 }, async () => {
  const type = 'to.billing.crash'
  const ids = await accept(type, 400, EventStatus.SUCCESS)
  const { id, matched } = await replay({ type, rate: 150 })
  expect(matched).toBe(400n)
  for (const least of [60, 200]) {
    await until(() => arrivals(billing, id).length >= least, { what: 'a part of them', deadlineMs: 20_000 })
    await store.kill9()
    store.start()
  }
  const ended = await untilSettled(id)
  expect(ended).toMatchObject({ state: ReplayState.COMPLETED, published: 400n, delivered: 400n, skipped: 0n })
  expect(idsOf(arrivals(billing, id))).toEqual([...ids].sort())
})

test('paused, resumed and cancelled', { timeout: 60_000 }, async () => {
  const type = 'to.billing.paused'
  await accept(type, 200, EventStatus.SUCCESS)
  const { id: replayId } = await replay({ type, rate: 40 })
  await until(() => arrivals(billing, replayId).length >= 10)
  await client.replays.pauseReplay({ organizationId, replayId })
  // What was in hand goes on; then nothing does.
  const paused = await until(async () => {
    const found = await look(replayId)
    return found.delivered === found.published && found.published
  })
  expect(paused).toBeLessThan(60n)
  await expect(
    until(async () => (await look(replayId)).published > paused, { deadlineMs: 1_500 }),
  ).rejects.toThrow()
  expect((await look(replayId)).state).toBe(ReplayState.PAUSED)
  await client.replays.resumeReplay({ organizationId, replayId })
  await until(() => arrivals(billing, replayId).length >= Number(paused) + 20)
  const { replay: cancelled } = await client.replays.cancelReplay({ organizationId, replayId })
  expect(cancelled!.state).toBe(ReplayState.CANCELLED)
  const ended = await untilSettled(replayId)
  expect(ended.published).toBeLessThan(200n)
  expect(new Set(idsOf(arrivals(billing, replayId))).size).toBe(arrivals(billing, replayId).length)
  const refused = await client.replays
    .resumeReplay({ organizationId, replayId })
    .catch((error: unknown) => error)
  expect(storeErrorDetail(refused)?.reason).toBe(ErrorReason.REPLAY_ENDED)
})

test('the rate is a bound', { timeout: 60_000 }, async () => {
  const type = 'to.billing.rate'
  await accept(type, 120, EventStatus.SUCCESS)
  const { id } = await replay({ type, rate: 40 })
  await untilSettled(id)
  const times = arrivals(billing, id).map(({ at }) => at)
  // 120 at 40 a second: the last goes 2.75 s after the first; a page more may come at once after a stall.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(2_500)
})

test('dead letters are tried again by filter, and discarded by filter', { timeout: 60_000 }, async () => {
  const type = 'to.shaky.dead'
  shaky.answer({ status: 500 })
  const ids = await accept(type, 30, EventStatus.FAILED)
  const filter = { organizationId, type, destinationId: destinationIds.get('shaky')! }
  expect((await client.events.listDeadLetters({ ...filter, reason: 'gone' })).deadLetters).toEqual([])
  const dead = await client.events.listDeadLetters({ ...filter, reason: 'attempts_exhausted' })
  expect(dead.deadLetters).toHaveLength(30)
  const cut = dead.deadLetters[9]!.diedAt!
  const { deadLetters: older } = await client.events.listDeadLetters({ ...filter, diedBefore: cut })
  const { deadLetters: newer } = await client.events.listDeadLetters({ ...filter, diedAfter: cut })
  expect(older.length + newer.length).toBe(30)

  const discarded = { ...filter, diedBefore: cut, reason: 'a test' }
  const counted = await client.events.discardDeadLetters({ ...discarded, dryRun: true })
  expect(counted).toMatchObject({ discarded: older.length, more: false })
  expect(await client.events.discardDeadLetters(discarded)).toMatchObject(counted)
  expect(await client.events.discardDeadLetters(discarded)).toMatchObject({ discarded: 0, more: false })

  shaky.answer({ status: 200 })
  const { id } = await replay({ type, states: [DeliveryState.DEAD] })
  expect(await untilSettled(id)).toMatchObject({
    matched: BigInt(newer.length),
    delivered: BigInt(newer.length),
  })
  expect((await client.events.listDeadLetters(filter)).deadLetters).toEqual([])
  expect(arrivals(shaky, id)).toHaveLength(newer.length)
  expect(ids).toEqual(expect.arrayContaining(idsOf(arrivals(shaky, id))))
})

test('a replay that fails tells so, and leaves dead letters of its own', { timeout: 60_000 }, async () => {
  const type = 'to.shaky.fails'
  shaky.answer({ status: 200 })
  await accept(type, 10, EventStatus.SUCCESS)
  shaky.answer({ status: 500 })
  const { id } = await replay({ type })
  expect(await untilSettled(id)).toMatchObject({ delivered: 0n, failed: 10n })
  expect(await list(type, EventStatus.FAILED)).toHaveLength(10)
})

/** As protobuf writes times. */
const timestampOf = (time: Date) => ({
  seconds: BigInt(Math.floor(time.getTime() / 1000)),
  nanos: (time.getTime() % 1000) * 1_000_000,
})

/** How many schedules there are in DELIVERIES. */
async function schedules(): Promise<number> {
  const { state } = await manager.streams.info(streamName.deliveries, {
    subjects_filter: 'deliveries.scheduled.>',
  })
  return Object.keys(state.subjects ?? {}).length
}

const waiting = async (type: string) =>
  (await client.deliveries.listWaitingDeliveries({ organizationId, type })).deliveries

test('a waiting retry is listed, re-timed, tried now and not once more later', {
  timeout: 60_000,
}, async () => {
  const type = 'to.patient.now'
  shaky.answer({ status: 500 })
  await accept(type, 3, EventStatus.PROCESSING)
  const listed = await until(async () => {
    const found = await waiting(type)
    return found.length === 3 && found.every(({ delivery }) => delivery!.nextAttemptAt) && found
  })
  expect(await schedules()).toBe(3)
  const [first, second, third] = listed.map(({ delivery }) => delivery!)
  shaky.answer({ status: 200 })
  const before = ofType(shaky, type).length

  // Of ten who ask at once, all are told that it is under way, and it is tried once.
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, () =>
      client.deliveries.retimeDelivery({ organizationId, deliveryId: first!.id }),
    ),
  )
  expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
  await until(async () => (await waiting(type)).length === 2, { what: 'the delivery' })
  expect(ofType(shaky, type)).toHaveLength(before + 1)
  expect(ofType(shaky, type).at(-1)!.headers['fairlead-attempt']).toBe('2')

  const soon = new Date(Date.now() + 1_000)
  const retimed = await client.deliveries.retimeDelivery({
    organizationId,
    deliveryId: second!.id,
    at: timestampOf(soon),
  })
  expect(retimed.delivery!.nextAttemptAt).toMatchObject(timestampOf(soon))
  expect((await waiting(type))[0]!.delivery!.id).toBe(second!.id)
  const got = await until(() => ofType(shaky, type)[before + 1], { what: 'the re-timed attempt' })
  expect(got.at - soon.getTime()).toBeGreaterThanOrEqual(0)
  expect(got.at - soon.getTime()).toBeLessThan(2_000)
  await until(async () => (await waiting(type)).length === 1)

  const ended = await client.deliveries
    .retimeDelivery({ organizationId, deliveryId: first!.id })
    .catch((error: unknown) => error)
  expect(storeErrorDetail(ended)?.reason).toBe(ErrorReason.NOT_FOUND)
  expect(await schedules()).toBe(1)
  await client.deliveries.cancelDelivery({ organizationId, deliveryId: third!.id })
  expect(await schedules()).toBe(0)
})

test('a waiting retry that is cancelled is a dead letter, and can be tried again', {
  timeout: 60_000,
}, async () => {
  const type = 'to.patient.cancelled'
  shaky.answer({ status: 500 })
  await accept(type, 1, EventStatus.PROCESSING)
  const [found] = await until(async () => {
    const listed = await waiting(type)
    return listed[0]?.delivery?.nextAttemptAt && listed
  })
  const deliveryId = found!.delivery!.id
  const { delivery } = await client.deliveries.cancelDelivery({ organizationId, deliveryId })
  expect(delivery).toMatchObject({ state: DeliveryState.DEAD, attemptCount: 1 })
  expect(await client.deliveries.cancelDelivery({ organizationId, deliveryId })).toBeDefined()
  expect(await schedules()).toBe(0)
  expect(await waiting(type)).toEqual([])
  expect(await list(type, EventStatus.FAILED)).toHaveLength(1)
  const { deadLetters } = await client.events.listDeadLetters({ organizationId, reason: 'cancelled' })
  expect(deadLetters.map(letter => letter.delivery!.id)).toContain(deliveryId)

  shaky.answer({ status: 200 })
  const before = ofType(shaky, type).length
  await client.events.retryDeadLetter({ organizationId, deliveryId })
  await until(async () => (await list(type, EventStatus.SUCCESS)).length === 1, { what: 'its delivery' })
  expect(ofType(shaky, type)).toHaveLength(before + 1)
})

test('a delivery that waits is left alone by a Replay, and a schedule is not made twice', async () => {
  const type = 'to.patient.left'
  shaky.answer({ status: 500 })
  await accept(type, 2, EventStatus.PROCESSING)
  await until(async () => (await waiting(type)).every(({ delivery }) => delivery!.nextAttemptAt))
  expect(await replay({ type, dryRun: true })).toMatchObject({ matched: 0n, expired: 0n })
  const { id } = await replay({ type })
  expect(await untilSettled(id)).toMatchObject({ state: ReplayState.COMPLETED, published: 0n })
  expect(await schedules()).toBe(2)
})

test('events whose bodies are gone are counted, and skipped', { timeout: 60_000 }, async () => {
  const type = 'to.billing.expired'
  await accept(type, 10, EventStatus.SUCCESS)
  const { state } = await manager.streams.info(streamName.events)
  await manager.streams.purge(streamName.events, { seq: state.last_seq - 3 })
  const dry = await replay({ type, dryRun: true })
  expect(dry).toMatchObject({ matched: 4n, expired: 6n })
  const { id } = await replay({ type })
  expect(await untilSettled(id)).toMatchObject({ published: 4n, delivered: 4n, skipped: 6n, expired: 6n })
})

test.each<[string, Parameters<StoreClient['replays']['createReplay']>[0], ErrorReason]>([
  ['a rate beyond the bound', { ratePerSecond: 1_001 }, ErrorReason.INVALID_FIELD],
  ['waiting deliveries', { selector: { states: [DeliveryState.WAITING] } }, ErrorReason.INVALID_FIELD],
  ['an empty type', { selector: { types: [''] } }, ErrorReason.INVALID_FIELD],
  [
    'an id of something else',
    { destinationIds: ['evt_00000000000000000000000000'] },
    ErrorReason.INVALID_FIELD,
  ],
  [
    'a destination that is not there',
    { destinationIds: ['dst_00000000000000000000000000'] },
    ErrorReason.NOT_FOUND,
  ],
])('refused: %s', async (_name, request, reason) => {
  const error = await client.replays
    .createReplay({ ...request, organizationId })
    .catch((error: unknown) => error)
  expect(storeErrorDetail(error)?.reason).toBe(reason)
})

test('a request id makes one Replay', async () => {
  const request = { organizationId, selector: { types: ['nothing'] }, requestId: 'once' }
  const made = await Promise.all(Array.from({ length: 5 }, () => client.replays.createReplay(request)))
  expect(new Set(made.map(({ replay }) => replay!.id)).size).toBe(1)
  const { replays } = await client.replays.listReplays({ organizationId, limit: 500 })
  expect(replays.filter(({ id }) => id === made[0]!.replay!.id)).toHaveLength(1)
})
