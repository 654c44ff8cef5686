import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { openShares } from '@fairlead/daemon/shares'
import type { Tracing } from '@fairlead/telemetry/tracing'
import type { OrganizationId } from '@fairlead/webhook/id'
import { openPublisher, type Publisher } from '@fairlead/wire/publish'
import { openReader } from '@fairlead/wire/read'
import { openKeyring } from '@fairlead/wire/seal'
import { bucketName, ensureStreams } from '@fairlead/wire/streams'
import { attemptsSubject } from '@fairlead/wire/subjects'
import { failingForMs } from '@fairlead/wire/trouble'
import { type ConfigWatcher, configReadiness, watchConfig } from '@fairlead/wire/watch-config'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Registry } from 'prom-client'
import type { WorkerConfig } from './config.ts'
import { type LogRecords, openLogRecords } from './delivery/log-records.ts'
import { openDestinationTests } from './delivery/test-destination.ts'
import { type Directory, openDirectory } from './directory.ts'
import { openAuthorizer } from './egress/authorize.ts'
import type { Sender } from './egress/send.ts'
import type { DeliveryLog, Engine } from './engine.ts'
import { openHydrator } from './hydrate/hydrate.ts'
import { openStripeApi } from './hydrate/stripe-api.ts'
import { openHosts } from './lanes/host-breaker.ts'
import { openScheduler } from './lanes/scheduler.ts'
import { openSlots } from './lanes/slots.ts'
import { openWorkerMetrics, type WorkerMetrics } from './metrics.ts'
import { type Ownership, ownPartitions } from './partitions/own.ts'
import { type OpenPartition, openPartition } from './partitions/partition.ts'
import { openProcessors } from './processors/processor.ts'
import { openWorkerTraces } from './trace.ts'

/** What the process that runs the worker gives it. */
export interface WorkerTools {
  readonly nats: NatsConnection
  readonly sender: Sender
  readonly registry: Registry
  readonly log: DeliveryLog
  /** Default: no trace is exported. */
  readonly tracing?: Tracing | undefined
  /** Where records for the event log go. Default: into ATTEMPTS. */
  readonly records?: LogRecords | undefined
}

export interface RunningWorker extends AsyncDisposable {
  readonly partitions: number
  /** False while nothing new is attempted: NATS takes no heartbeats or no outcomes. */
  readonly mayStart: boolean
  /** Faults that stop this worker from delivering, for its readiness; each is tolerated for 15 s. */
  readiness(): Readonly<Record<'partitions' | 'pulling' | 'config', string | undefined>>
}

/** How long a partition may fail to open, or a pull fail, before this worker is not ready, ms. */
const toleratedMs = 15_000

/** Bodies that are being delivered at one time. */
const maxBodiesBytes = 256 * 1024 ** 2
/**
 * Deliveries that wait in memory for their turn, and their bodies; an organization alone gets half of each. As many as come in
 * two seconds at the most that a worker delivers; each is about 600 bytes without its body. More are parked, and bodies
 * that do not fit are read back.
 */
const maxQueued = 16_384
const maxQueuedBytes = 64 * 1024 ** 2
/** Park and schedule writes linger this long, ms, and go as one batch: no answer waits for them. */
const deliveriesLingerMs = 50
const ownPollMs = 50

/** Opens the worker: it delivers from here on. Disposing it finishes what is in hand and hands its partitions over. */
export async function openWorker(config: WorkerConfig, tools: WorkerTools): Promise<RunningWorker> {
  const { nats, log } = tools
  await using opened = new AsyncDisposableStack()
  const manager = await jetstreamManager(nats)
  const { FAIRLEAD_STREAM_REPLICAS: replicas, FAIRLEAD_EVENTS_MAX_BYTES: eventsMaxBytes } = config
  await ensureStreams(manager, { replicas, eventsMaxBytes })

  const partitions = new Map<number, OpenPartition>()
  const hosts = openHosts()
  const directory = openDirectory(openKeyring(config.FAIRLEAD_ENCRYPTION_KEYS), (id, organization) => {
    if (!organization) hosts.forget(id)
    for (const { lanes } of partitions.values()) lanes.changed(id, organization)
  })
  const closing = new AbortController()
  opened.defer(() => closing.abort())
  const configWatch = await watchConfig(nats, keptBy(directory, log), closing.signal, replicas)

  const publisher = opened.use(openPublisher(nats))
  const worker = config.FAIRLEAD_WORKER_NAME ?? nameOfHost()
  const weightOf = (id: OrganizationId) => directory.organization(id)?.weight ?? 1
  const sharing = openSharing(config, weightOf)
  const { slots, queued } = sharing
  const metrics = openWorkerMetrics(tools.registry, {
    partitions: () => partitions,
    slots: () => slots.used,
    configAgeMs: () => performance.now() - configWatch.soundMs,
    unpulledForMs: () => unpulledForMs(partitions),
    pendingEvents: () =>
      partitions.values().reduce((sum, { pendingEvents }) => sum + pendingEvents, 0) + queued.used,
    *lanes() {
      for (const { lanes } of partitions.values()) yield* lanes.states()
    },
  })

  const deliveries = opened.use(openDeliveriesPublisher(nats, metrics))

  let ownership: Ownership | undefined
  const records = tools.records ?? openLogRecords(publisher, attemptsSubject(worker), closing.signal)
  const mayStart = () => ownership?.mayStart !== false && !records.late
  const engine: Engine = {
    nats,
    manager,
    deliveries,
    publisher,
    reader: opened.use(openReader(nats)),
    records,
    sender: tools.sender,
    authorizer: opened.use(openAuthorizer({ ask: tools.sender.ask })),
    processors: openProcessors(tools.registry, nats, hydratorOf(config, tools)),
    directory,
    hosts,
    ...sharing,
    metrics,
    log,
    traces: tools.tracing && openWorkerTraces(tools.tracing, Date.now),
    mayStart,
    untilMayStart: signal => untilTrue(mayStart, signal),
    now: Date.now,
    random: Math.random,
  }
  opened.use(openDestinationTests(engine))
  const maxPayload = nats.info?.max_payload ?? 1024 ** 2
  ownership = await ownPartitions(nats, {
    worker,
    replicas,
    async open(partition, lost) {
      const running = await openPartition(partition, engine, maxPayload + 64 * 1024, lost)
      partitions.set(partition, running)
      // Not when it is released: that may be found out by reading the claim, if the answer to its deletion was lost.
      const closed = () => {
        if (partitions.get(partition) === running) partitions.delete(partition)
      }
      return {
        drain: () => running.drain().finally(closed),
        abandon: () => running.abandon().finally(closed),
      }
    },
    moved(partition, change) {
      metrics.moves.inc({ change })
      log.info({ partition, what: change }, 'partition.moved')
    },
    failed: err => log.error({ err }, 'worker.failed'),
  })
  opened.defer(() => ownership?.release())

  const held = opened.move()
  return {
    get partitions() {
      return partitions.size
    },
    get mayStart() {
      return ownership !== undefined && mayStart()
    },
    readiness: () => ({
      partitions: ownership && partitionReadiness(ownership),
      pulling: pullReadiness(partitions),
      config: configReadiness(configWatch),
    }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Publishes parks and schedules. */
const openDeliveriesPublisher = (nats: NatsConnection, { published }: WorkerMetrics): Publisher =>
  openPublisher(nats, { atomic: true, lingerMs: deliveriesLingerMs, landed: published })

/** What organizations share by their weights: attempts at one time, and the memory of waiting deliveries. */
const openSharing = (config: WorkerConfig, weightOf: (id: OrganizationId) => number) => ({
  slots: openSlots(config.FAIRLEAD_WORKER_SLOTS, maxBodiesBytes, weightOf),
  queued: openShares(maxQueued, weightOf),
  queuedBytes: openShares(maxQueuedBytes, weightOf),
  scheduler: openScheduler(weightOf),
})

/** What is done with each published configuration: the directory keeps it, and the log names those that can't be read. */
const keptBy = (directory: Directory, log: DeliveryLog): ConfigWatcher => ({
  ...directory,
  fault(key, err) {
    directory.unreadable(key)
    log.error({ key, err }, 'config.unreadable')
  },
  failed: err => log.error({ err, bucket: bucketName.config }, 'worker.failed'),
})

const hydratorOf = ({ FAIRLEAD_STRIPE_API_URL: url }: WorkerConfig, { sender, registry }: WorkerTools) =>
  openHydrator(openStripeApi(sender.ask, url.replace(/\/$/, ''), Date.now), registry)

function partitionReadiness({ overdue, deafForMs }: Ownership): string | undefined {
  if (overdue.forMs >= toleratedMs) {
    return `partitions ${overdue.partitions.join(', ')} can't be opened or handed back for ${seconds(overdue.forMs)}`
  }
  if (deafForMs < toleratedMs) return undefined
  return `the claims of partitions may be out of date for ${seconds(deafForMs)}: their watch fails`
}

const unpulledForMs = (partitions: ReadonlyMap<number, OpenPartition>): number =>
  failingForMs(partitions.values().map(({ trouble }) => trouble))

function pullReadiness(partitions: ReadonlyMap<number, OpenPartition>): string | undefined {
  const forMs = unpulledForMs(partitions)
  return forMs < toleratedMs ? undefined : `events can't be pulled for ${seconds(forMs)}`
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`

/** In a subject and a key: see FAIRLEAD_WORKER_NAME. */
const nameOfHost = (): string =>
  hostname()
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 64)

/** Polls, because what it waits for is the passing of a heartbeat or a stream that is back, which is seconds away. */
async function untilTrue(mayStart: () => boolean, signal: AbortSignal): Promise<void> {
  while (!mayStart()) await delay(ownPollMs, undefined, { signal })
}
