import { freePort } from '@fairlead/servers/processes'
import { connectNats } from '@fairlead/wire/connect'
import { openPublisher } from '@fairlead/wire/publish'
import type { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import { streamName } from '@fairlead/wire/streams'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { acceptEvents, publishEvents } from '../accept.ts'
import { testEncryptionKeys } from '../configuration.ts'
import { startTestNats } from '../nats.ts'
import { createTestDatabase } from '../postgres.ts'
import { scratchFolder } from '../scratch.ts'
import { startService } from '../service.ts'
import { type Received, type Sink, startSink } from '../sink.ts'
import { until } from '../until.ts'

/**
 * Replays, dead letters and waiting retries as they are deployed: store and worker are processes of their own, with a
 * real nats-server, PostgreSQL and destinations. Each test has a type of events for itself: what it begins with says
 * where its events go (`routes`).
 */
export type ReplayPlatform = Awaited<ReturnType<typeof startReplayPlatform>>

export interface AskedReplay {
  readonly type: string
  /** Names of destinations; default: everywhere the events went. */
  readonly to?: readonly string[]
  readonly states?: DeliveryState[]
  /** Deliveries a second; default 1000. */
  readonly rate?: number
  readonly dryRun?: boolean
}

const slug = 'acme'
const routes = [
  { eventTypes: ['to.both.*'], destinations: ['billing', 'shaky'] },
  { eventTypes: ['to.billing.*'], destinations: ['billing'] },
  { eventTypes: ['to.shaky.*'], destinations: ['shaky'] },
  { eventTypes: ['to.patient.*'], destinations: ['patient'] },
  { eventTypes: ['to.fickle.*'], destinations: ['billing', 'fickle'] },
]

/** @param workerEnv further settings of the worker */
export async function startReplayPlatform(workerEnv: Readonly<Record<string, string>> = {}) {
  await using opening = new AsyncDisposableStack()
  const nats = opening.use(await startTestNats())
  const { store, worker, client } = await startServices(nats.url, workerEnv, opening)
  const [billing, archive, shaky, fickle] = [
    opening.use(await startSink()),
    opening.use(await startSink()),
    opening.use(await startSink()),
    opening.use(await startSink()),
  ]
  const connection = await connectNats({ url: nats.url, name: 'test' })
  opening.defer(() => connection.close())
  const publisher = opening.use(openPublisher(connection))
  const manager = await jetstreamManager(connection)
  const organizationId = await apply(client, { billing, archive, shaky, fickle })
  const { destinations } = await client.destinations.listDestinations({ organizationId })
  const destinationIds = new Map(destinations.map(({ name, id }) => [name, id]))
  const opened = opening.move()

  const look = async (replayId: string) =>
    (await client.replays.getReplay({ organizationId, replayId })).replay!
  return {
    client,
    store,
    worker,
    manager,
    organizationId,
    destinationIds,
    /** Takes everything. */
    billing,
    /** No route leads there. */
    archive,
    /** Answers as a test says. The destination `patient` leads here too: it waits an hour before its second attempt. */
    shaky,
    /** The same, but tried again after a second, and after another one. */
    fickle,
    publish: (type: string, count: number) =>
      publishEvents({ client, publisher }, { slug, source: 'partner', type, count }),
    accept: (type: string, count: number, status: EventStatus) =>
      acceptEvents({ client, publisher }, { slug, source: 'partner', type, count, status }),
    list: async (type: string, status: EventStatus) =>
      (await client.events.listEvents({ organizationId, type, status, limit: 500 })).events,
    waiting: async (type: string) =>
      (await client.deliveries.listWaitingDeliveries({ organizationId, type })).deliveries,
    schedules: () => countSchedules(manager),
    async replay({ type, to = [], states = [], rate = 1_000, dryRun = false }: AskedReplay) {
      const { replay } = await client.replays.createReplay({
        organizationId,
        selector: { types: [type], states },
        destinationIds: to.map(name => destinationIds.get(name)!),
        ratePerSecond: rate,
        dryRun,
        createdBy: 'a test',
      })
      return replay!
    },
    look,
    /** The Replay, once all its deliveries have ended. */
    untilSettled: (replayId: string) =>
      until(
        async () => {
          const found = await look(replayId)
          return found.endedAt && found.delivered + found.failed === found.published && found
        },
        { deadlineMs: 60_000, everyMs: 50, what: 'the end of the Replay' },
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The store and one worker. */
async function startServices(
  natsUrl: string,
  workerEnv: Readonly<Record<string, string>>,
  opening: AsyncDisposableStack,
) {
  const database = opening.use(await createTestDatabase())
  const logFolder = opening.use(await scratchFolder()).path
  const storePort = await freePort()
  const shared = { FAIRLEAD_NATS_URL: natsUrl, FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys }
  const store = startService({
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
  opening.use(store)
  const worker = startService({
    name: 'worker',
    main: 'services/worker/main.ts',
    logFolder,
    env: {
      ...shared,
      FAIRLEAD_WORKER_NAME: 'worker',
      FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8',
      FAIRLEAD_DESTINATION_PORTS: '1-65535',
      ...workerEnv,
    },
  })
  opening.use(worker)
  return { store, worker, client: opening.use(connectStore(`http://127.0.0.1:${storePort}`)) }
}

/** Answers with the organization's id. */
async function apply(
  client: StoreClient,
  sinks: Readonly<Record<'billing' | 'archive' | 'shaky' | 'fickle', Sink>>,
): Promise<string> {
  const destination = (name: string, sink: Sink, delaysSeconds: number[]) => ({
    name,
    settings: { url: sink.url, timeoutSeconds: 5, concurrency: 50, retry: { delaysSeconds } },
  })
  const wanted = {
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml' },
    slug,
    sources: [
      { name: 'partner', settings: { provider: 'github' }, secrets: [{ id: 'a', value: 'test-only' }] },
    ],
    destinations: [
      destination('billing', sinks.billing, []),
      destination('archive', sinks.archive, []),
      destination('shaky', sinks.shaky, []),
      destination('patient', sinks.shaky, [3_600]),
      destination('fickle', sinks.fickle, [1, 1]),
    ],
    routes: routes.map(route => ({ settings: { source: 'partner', ...route } })),
  }
  const { organization } = await until(() => client.organizations.applyOrganization(wanted), {
    deadlineMs: 30_000,
    what: 'the store',
  })
  return organization!.id
}

/** How many schedules there are in DELIVERIES. */
async function countSchedules(manager: JetStreamManager): Promise<number> {
  const { state } = await manager.streams.info(streamName.deliveries, {
    subjects_filter: 'deliveries.scheduled.>',
  })
  return Object.keys(state.subjects ?? {}).length
}

/** What a Replay has brought to a sink. */
export const arrivals = (sink: Sink, replayId: string): Received[] =>
  sink.received.filter(({ headers }) => headers['fairlead-replay-id'] === replayId)

export const ofType = (sink: Sink, type: string): Received[] =>
  sink.received.filter(({ headers }) => headers['fairlead-event-type'] === type)

/** Ids of their events, sorted. */
export const idsOf = (requests: readonly Received[]) =>
  requests.map(({ headers }) => headers['webhook-id']).sort()
