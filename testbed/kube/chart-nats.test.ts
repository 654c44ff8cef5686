import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { storedSince } from '@fairlead/receiver/seen/catch-up'
import { freePort } from '@fairlead/servers/processes'
import { connectNats } from '@fairlead/wire/connect'
import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import { jetstreamManager } from '@nats-io/jetstream'
import { PermissionViolationError } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { testEncryptionKeys } from '../configuration.ts'
import { createTestDatabase } from '../postgres.ts'
import { startTestRedis } from '../redis.ts'
import { scratchFolder } from '../scratch.ts'
import { type Service, startService } from '../service.ts'
import { type Sink, startSink } from '../sink.ts'
import { until } from '../until.ts'
import { type ChartNats, type NatsPart, natsParts, startChartNats } from './chart-nats.ts'

/**
 * The configuration of the chart's own NATS, on real nats-servers, three as in production: receiver, worker and store do all that they do with
 * the user that each has there, and nothing else is allowed to them.
 */

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
const secret = 'test-only'
const opened = new AsyncDisposableStack()
let nats: ChartNats
let client: StoreClient
let receiverUrl: string
let sink: Sink
let organizationId: string
let proberMetricsPort: number
let startPart: (part: NatsPart, more?: Readonly<Record<string, string>>, name?: string) => Service

beforeAll(async () => {
  const home = opened.use(await scratchFolder()).path
  nats = opened.use(await startChartNats())
  const [database, redis] = await Promise.all([createTestDatabase(), startTestRedis({ keep: false })])
  opened.use(database)
  opened.use(redis)
  sink = opened.use(await startSink())
  const [storePort, receiverPort, proberPort] = [await freePort(), await freePort(), await freePort()]
  proberMetricsPort = await freePort()
  const own: Record<NatsPart, Record<string, string>> = {
    receiver: {
      FAIRLEAD_RECEIVER_PORT: `${receiverPort}`,
      FAIRLEAD_RECEIVER_HOST: '127.0.0.1',
      FAIRLEAD_REDIS_URL: redis.url,
    },
    worker: { FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8', FAIRLEAD_DESTINATION_PORTS: '1-65535' },
    prober: {
      FAIRLEAD_STORE_URL: `http://127.0.0.1:${storePort}`,
      FAIRLEAD_PUBLIC_URL: `http://127.0.0.1:${receiverPort}`,
      // No API is here: the log is not asked.
      FAIRLEAD_API_URL: 'http://127.0.0.1:1',
      FAIRLEAD_PROBER_KEY: 'test-only-key-of-the-prober-0123456789',
      FAIRLEAD_PROBER_SINK_URL: `http://127.0.0.1:${proberPort}`,
      FAIRLEAD_PROBER_PORT: `${proberPort}`,
      FAIRLEAD_PROBER_HOST: '127.0.0.1',
      FAIRLEAD_PROBER_INTERVAL_MS: '1000',
      FAIRLEAD_METRICS_PORT: `${proberMetricsPort}`,
    },
    store: {
      FAIRLEAD_POSTGRES_URL: database.url,
      FAIRLEAD_STORE_PORT: `${storePort}`,
      FAIRLEAD_STORE_HOST: '127.0.0.1',
      FAIRLEAD_STRIPE_CONNECT_SOURCE: 'platform/connect',
    },
  }
  startPart = (part, more = {}, name = part) => {
    const shared = {
      FAIRLEAD_NATS_URL: nats.url,
      FAIRLEAD_STREAM_REPLICAS: '3',
      FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    }
    const login = { FAIRLEAD_NATS_USER: part, FAIRLEAD_NATS_PASSWORD: nats.passwordOf(part) }
    const env = { ...shared, ...login, ...own[part], ...more }
    return startService({ name, main: `services/${part}/main.ts`, logFolder: home, env })
  }
  // These two may not make the streams, and wait for the store's.
  opened.use(startPart('receiver'))
  opened.use(startPart('worker'))
  await until(async () => (await nats.refusals()).length > 0, { deadlineMs: 60_000, what: 'a refusal' })
  opened.use(startPart('store'))
  client = opened.use(connectStore(`http://127.0.0.1:${storePort}`))
  receiverUrl = `http://127.0.0.1:${receiverPort}`
  await apply()
  await until(async () => (await post('ping')).status === 200, { deadlineMs: 60_000, what: 'a webhook' })
  // A worker that is slow to start would be refused a stream later than its test begins to count.
  await accept('ping', EventStatus.UNROUTED)
}, 240_000)
afterAll(() => opened.disposeAsync())

async function apply(): Promise<void> {
  const to = (name: string, settings: object) => ({ name, settings: { timeoutSeconds: 5, ...settings } })
  const at = (path: string, delaysSeconds: number[]) => ({ url: sink.url + path, retry: { delaysSeconds } })
  const route = (type: string, ...destinations: string[]) => ({
    settings: { source: 'github', eventTypes: [type], destinations },
  })
  const ordered = route('ordered', 'in-order')
  const organization = {
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml' },
    slug: 'acme',
    sources: [{ name: 'github', settings: { provider: 'github' }, secrets: [{ id: 'a', value: secret }] }],
    destinations: [
      to('app', at('/app', [])),
      // Tried for longer than a slow machine takes for the steps before its destination answers well.
      to('shaky', at('/shaky', [2, ...Array.from({ length: 20 }, () => 5)])),
      to('patient', at('/shaky', [3_600])),
      to('mortal', at('/shaky', [])),
      to('in-order', { ...at('/in-order', [0.2]), concurrency: 1 }),
      to('bus', { nats: true }),
    ],
    routes: [
      route('push', 'app', 'bus'),
      route('retried', 'shaky'),
      route('waiting', 'patient'),
      route('dead', 'mortal'),
      { settings: { ...ordered.settings, order: { key: { case: 'pointer' as const, value: '/key' } } } },
    ],
  }
  const applied = await until(() => client.organizations.applyOrganization(organization), {
    deadlineMs: 60_000,
    what: 'the store',
  })
  organizationId = applied.organization!.id
}

/** Posts as GitHub would. */
function post(type: string, body: object = {}): Promise<Response> {
  const text = JSON.stringify({ ...body, id: randomUUID() })
  const signature = `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
  const headers = {
    'x-hub-signature-256': signature,
    'x-github-event': type,
    'x-github-delivery': randomUUID(),
  }
  return fetch(`${receiverUrl}/webhooks/acme/github`, { method: 'POST', body: text, headers })
}

/** Posts as Stripe would an event of a connected account. @returns the status */
async function postConnect(account: string): Promise<number> {
  const created = Math.floor(Date.now() / 1000)
  const object = { id: 'in_1', object: 'invoice' }
  const event = { id: `evt_${randomUUID()}`, object: 'event', type: 'invoice.paid', livemode: true, created }
  const body = JSON.stringify({ ...event, account, data: { object } })
  const signature = createHmac('sha256', secret).update(`${created}.${body}`).digest('hex')
  const headers = { 'stripe-signature': `t=${created},v1=${signature}`, 'content-type': 'application/json' }
  return (await fetch(`${receiverUrl}/webhooks/platform/connect`, { method: 'POST', body, headers })).status
}

/** Posts and waits until the log says so. */
async function accept(type: string, status: EventStatus, body: object = {}): Promise<string> {
  const response = await post(type, body)
  expect(response.status).toBe(200)
  const { id } = (await response.json()) as { id: string }
  await untilStatus(id, status)
  return id
}

const untilStatus = (eventId: string, status: EventStatus) =>
  until(async () => (await client.events.getEvent({ organizationId, eventId })).event?.status === status, {
    deadlineMs: 60_000,
    what: `${eventId} as ${EventStatus[status]}`,
  })

/** The event's id, if its message is in OUTBOUND and its request was not made. */
async function parkedOf(answer: unknown): Promise<string | undefined> {
  const { id: eventId } = answer as { id: string }
  const look = () => client.events.getEvent({ organizationId, eventId })
  const isHanded = ({ state }: { state: DeliveryState }) => state === DeliveryState.DELIVERED
  await until(async () => (await look()).deliveries.some(isHanded), { what: 'the message' })
  return (await look()).event?.status === EventStatus.PROCESSING ? eventId : undefined
}

const deliveryOf = async (eventId: string) =>
  (await client.events.getEvent({ organizationId, eventId })).deliveries[0]!.id

describe('receiver, worker, store and prober do all their work with their own users', {
  timeout: 240_000,
}, () => {
  let before: number
  beforeAll(async () => {
    before = (await nats.refusals()).length
  })

  test('delivered, to an address and to OUTBOUND; read again, retried and replayed', async () => {
    sink.answer({ status: 200 })
    const eventId = await accept('push', EventStatus.SUCCESS)
    const content = await client.events.getEventContent({ organizationId, eventId })
    expect(content.body.length).toBeGreaterThan(0)
    await client.events.retryEvent({ organizationId, eventId })
    // A delivery that is being retried is none that was delivered: the Replay would leave it out.
    const retried = async () => {
      const { deliveries } = await client.events.getEvent({ organizationId, eventId })
      return deliveries.every(
        ({ state, attemptCount }) => state === DeliveryState.DELIVERED && attemptCount > 1,
      )
    }
    await until(retried, { deadlineMs: 60_000, what: 'the retry' })
    const { replay } = await client.replays.createReplay({
      organizationId,
      selector: { types: ['push'], states: [DeliveryState.DELIVERED] },
      ratePerSecond: 100,
    })
    const look = () => client.replays.getReplay({ organizationId, replayId: replay!.id })
    await until(async () => (await look()).replay!.delivered > 0n, { deadlineMs: 60_000, what: 'the Replay' })
  })

  test('tried again when it is due, earlier by hand, or not at all', async () => {
    sink.answer({ status: 500 })
    const soon = await accept('retried', EventStatus.PROCESSING)
    const [cancelled, earlier] = [
      await accept('waiting', EventStatus.PROCESSING),
      await accept('waiting', EventStatus.PROCESSING),
    ]
    const due = async (eventId: string) =>
      (await client.events.getEvent({ organizationId, eventId })).deliveries[0]?.nextAttemptAt
    await until(async () => (await due(cancelled)) && (await due(earlier)))
    await client.deliveries.cancelDelivery({ organizationId, deliveryId: await deliveryOf(cancelled) })
    await untilStatus(cancelled, EventStatus.FAILED)
    const dead = await accept('dead', EventStatus.FAILED)
    sink.answer({ status: 200 })
    await untilStatus(soon, EventStatus.SUCCESS)
    await client.deliveries.retimeDelivery({ organizationId, deliveryId: await deliveryOf(earlier) })
    await untilStatus(earlier, EventStatus.SUCCESS)
    await client.events.retryDeadLetter({ organizationId, deliveryId: await deliveryOf(dead) })
    await untilStatus(dead, EventStatus.SUCCESS)
  })

  test('a destination is tested by a worker, at the word of the store', async () => {
    sink.answer({ status: 200 })
    const tested = await client.destinations.testDestination({ organizationId, destination: 'app' })
    expect(tested).toMatchObject({ outcome: 'delivered', status: 200 })
  })

  test('in order, and parked while their destination is paused', async () => {
    const earlier = sink.received.length
    sink.answer((_request, count) => ({ status: count <= earlier + 1 ? 500 : 200, delayMs: 50 }))
    const posted = Array.from({ length: 5 }, () => post('ordered', { key: 'same' }))
    for (const answer of await Promise.all(posted)) {
      const { id } = (await answer.json()) as { id: string }
      await untilStatus(id, EventStatus.SUCCESS)
    }
    const { destinations } = await client.destinations.listDestinations({ organizationId })
    const app = { organizationId, destinationId: destinations.find(({ name }) => name === 'app')!.id }
    await client.destinations.pauseDestination(app)
    // One that comes before the pause does is delivered.
    const parked = await until(async () => parkedOf(await (await post('push')).json()), {
      deadlineMs: 60_000,
      what: 'an event that is parked',
    })
    await client.destinations.resumeDestination(app)
    await untilStatus(parked, EventStatus.SUCCESS)
  })

  test('a rejection is kept', async () => {
    const forged = await fetch(`${receiverUrl}/webhooks/acme/github`, { method: 'POST', body: '{}' })
    expect(forged.status).toBe(401)
    const list = () => client.rejections.listRejections({ organizationId })
    await until(async () => (await list()).rejections.length > 0, { what: 'the rejection' })
  })

  test('another worker takes its share of the partitions, and hands them back', async () => {
    await using other = startPart('worker', { FAIRLEAD_WORKER_NAME: 'other' }, 'other')
    await until(async () => (await other.output()).includes('"claimed"'), {
      deadlineMs: 60_000,
      what: 'a partition of the other worker',
    })
  })

  test('a receiver reads the ids of what EVENTS holds, in the place of one that died', async () => {
    const login = { user: 'receiver', password: nats.passwordOf('receiver') }
    await using own = new AsyncDisposableStack()
    const connection = await connectNats({ url: nats.url, name: 'receiver', ...login })
    own.defer(() => connection.close())
    const stored: string[] = []
    for await (const { id } of storedSince(connection)(0, AbortSignal.timeout(60_000))) stored.push(id)
    expect(stored.length).toBeGreaterThan(5)
  })

  test('probes arrive as requests and as messages', async () => {
    await using _prober = startPart('prober')
    const passed = async (hop: string) => {
      const text = await fetch(`http://127.0.0.1:${proberMetricsPort}/metrics`).then(
        response => response.text(),
        () => '',
      )
      return new RegExp(`^fairlead_probe_total\\{hop="${hop}",result="good"\\} [1-9]`, 'm').test(text)
    }
    await until(async () => (await passed('first_attempt')) && (await passed('nats')), {
      deadlineMs: 120_000,
      everyMs: 250,
      what: 'arrivals of probes',
    })
  })

  test('an event of a connected Stripe account is handed over, and acknowledged', async () => {
    await client.organizations.applyOrganization({
      owner: { kind: OwnerKind.FILE, reference: 'platform.yaml' },
      slug: 'platform',
      sources: [{ name: 'connect', settings: { provider: 'stripe' }, secrets: [{ id: 'a', value: secret }] }],
    })
    const account = 'acct_chart'
    await client.stripeConnect.connectAccount({ organizationId, account, scope: 'read_only', livemode: true })
    await until(async () => (await postConnect(account)) === 200, { deadlineMs: 60_000, what: 'the source' })
    const handedOver = async () =>
      (await client.events.listEvents({ organizationId })).events.some(({ source }) => source === '_stripe')
    await until(handedOver, { deadlineMs: 60_000, what: 'the event of the account' })
    const admin = { user: 'admin', password: nats.passwordOf('admin') }
    await using own = new AsyncDisposableStack()
    const connection = await connectNats({ url: nats.url, name: 'test', ...admin })
    own.defer(() => connection.close())
    const { consumers } = await jetstreamManager(connection)
    // Without the right to acknowledge it would be handed out again for ever, and after 64 of them nothing more.
    const isDone = async () => {
      const { ack_floor, num_ack_pending } = await consumers.info('EVENTS', 'stripe-connect')
      return ack_floor.consumer_seq > 0 && num_ack_pending === 0
    }
    await until(isDone, { deadlineMs: 60_000, what: 'the acknowledgement' })
  })

  test('an organization is deleted', async () => {
    await client.organizations.deleteOrganization({ organizationId })
    await until(async () => (await post('push')).status === 404, { what: 'the end of the organization' })
  })

  test('and nothing of it was refused', async () => {
    expect((await nats.refusals()).slice(before)).toEqual([])
  })
})

test('all that was refused is making streams, to those who may not', async () => {
  for (const line of await nats.refusals()) {
    expect(line).toMatch(/:(receiver|worker)".* Subject "\$JS\.API\.STREAM\.CREATE\./)
  }
})

test.each([
  ['receiver', 'deliveries.due.0.org.dst'],
  ['receiver', 'attempts.other'],
  ['receiver', '$KV.config.org'],
  ['receiver', '$JS.API.STREAM.DELETE.EVENTS'],
  ['receiver', '$JS.API.STREAM.PURGE.EVENTS'],
  ['receiver', '$JS.API.STREAM.MSG.GET.DEAD'],
  ['worker', 'events.0.org.github'],
  ['worker', 'rejections.org.github'],
  ['worker', '$KV.config.org'],
  ['worker', '$JS.API.STREAM.UPDATE.EVENTS'],
  ['worker', '$JS.API.STREAM.DELETE.DELIVERIES'],
  ['prober', 'events.0.org.github'],
  ['prober', '$KV.config.org'],
  ['prober', '$JS.API.STREAM.PURGE.OUTBOUND'],
  ['prober', '$JS.API.STREAM.MSG.DELETE.EVENTS'],
  ['store', 'rejections.org.github'],
  ['store', 'attempts.worker'],
  ['store', 'outbound.acme.bus'],
  ['store', '$KV.partitions.0'],
  ['store', '$JS.API.STREAM.PURGE.EVENTS'],
  ['store', '$JS.API.STREAM.DELETE.EVENTS'],
] as const)('%s may not publish to %s', async (user, subject) => {
  const connection = await connectNats({ url: nats.url, name: 'test', user, password: nats.passwordOf(user) })
  try {
    const asked = connection.request(subject, '{}', { timeout: 5_000 })
    await expect(asked).rejects.toMatchObject({ cause: expect.any(PermissionViolationError) })
  } finally {
    await connection.close()
  }
})

test.each(['_INBOX.>', '_INBOX.store.>', 'events.>', '>'])(
  'the worker may not listen to %s',
  async subject => {
    const login = { user: 'worker', password: nats.passwordOf('worker') }
    const connection = await connectNats({ url: nats.url, name: 'test', ...login })
    try {
      const { promise, resolve: told } = Promise.withResolvers<Error | null>()
      connection.subscribe(subject, { callback: error => told(error) })
      expect(await promise).toBeInstanceOf(PermissionViolationError)
    } finally {
      await connection.close()
    }
  },
)

test('nobody comes in without a password, and the administrator may do anything', async () => {
  const login = { user: 'worker', password: 'wrong' }
  // A connection that waits for its first server would try for ever.
  await expect(
    Promise.race([
      connectNats({ url: nats.url, name: 'test', ...login }),
      connectNats({ url: nats.url, name: 'test' }),
    ]),
  ).rejects.toThrow(/authorization/i)
  const admin = { user: 'admin', password: nats.passwordOf('admin') }
  const connection = await connectNats({ url: nats.url, name: 'test', ...admin })
  try {
    const manager = await jetstreamManager(connection)
    expect(await manager.streams.delete('OUTBOUND')).toBe(true)
  } finally {
    await connection.close()
  }
})

test('a wildcard in the table is a whole token: as a part of one nats-server takes it as a letter', async () => {
  const table = parse(await readFile(join(chart, 'nats-permissions.yaml'), 'utf8')) as Record<
    string,
    string[]
  >
  const tokens = Object.values(table).flatMap(subjects => subjects.flatMap(subject => subject.split('.')))
  expect(tokens.filter(token => /[*>]./.test(token) || /.[*>]/.test(token))).toEqual([])
})

test('the table names each part once', async () => {
  const table = parse(await readFile(join(chart, 'nats-permissions.yaml'), 'utf8'))
  expect(Object.keys(table)).toEqual([...natsParts])
})
