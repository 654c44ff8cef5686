import { openTrustedProxies } from '@fairlead/daemon/peer'
import type { Tracing } from '@fairlead/telemetry/tracing'
import { judgeRefusal } from '@fairlead/webhook/objective'
import type { KeyFetch } from '@fairlead/webhook/scheme'
import { openPublisher } from '@fairlead/wire/publish'
import { type Keyring, openKeyring } from '@fairlead/wire/seal'
import { ensureStreams, streamName } from '@fairlead/wire/streams'
import { receiverAttemptsSubject } from '@fairlead/wire/subjects'
import type { BucketWatch } from '@fairlead/wire/watch-bucket'
import { configReadiness, watchConfig } from '@fairlead/wire/watch-config'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Registry } from 'prom-client'
import { openBodyMemory } from './admission/body-memory.ts'
import { openPermits } from './admission/permits.ts'
import { openRefusalLog, type RefusalLog, type Refused } from './admission/refusal-log.ts'
import { openThrottle } from './admission/throttle.ts'
import { openTurns } from './admission/turns.ts'
import type { ReceiverConfig } from './config.ts'
import { type ConfirmationLog, openConfirmations } from './confirm.ts'
import { type IngestLog, type Receiver, sourceFields } from './context.ts'
import { type Directory, openDirectory } from './directory.ts'
import { ingest } from './ingest.ts'
import { openReceiverMetrics, type ReceiverMetrics } from './metrics.ts'
import { openRejectionLog } from './rejection-log.ts'
import { openRepeats } from './report-repeats.ts'
import { storedSince } from './seen/catch-up.ts'
import { followPromoted } from './seen/promoted.ts'
import { openSeen } from './seen/seen.ts'
import { openServer } from './server.ts'
import { openReceiverTraces } from './trace.ts'

/** What the process that runs the receiver gives it. */
export interface ReceiverTools {
  readonly nats: NatsConnection
  readonly registry: Registry
  readonly log: ReceiverLog
  readonly fetchKey: KeyFetch
  /** Confirms handshakes. Default: Node's own. */
  readonly fetch?: typeof fetch
  /** Stored events that workers on the same processors have not taken. Default: workers have processors of their own. */
  readonly backlog?: BacklogFeed
  /** Default: no trace is exported. */
  readonly tracing?: Tracing | undefined
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number
}

/** Where the receiver asks how many events wait, and is told some time later. */
export interface BacklogFeed {
  ask(): void
  listen(tell: (events: number) => void): void
}

export interface ReceiverLog extends IngestLog, ConfirmationLog {
  error(
    fields: object,
    message: 'request.failed' | 'config.unreadable' | 'config.not_followed' | 'source.unusable',
  ): void
  warn(
    fields: object,
    message:
      | 'request.refused'
      | 'requests.refused'
      | 'secret.offered'
      | 'handshake.unconfirmed'
      | 'seen.lost',
  ): void
  info(
    fields: object,
    message: 'event.accepted' | 'handshake.answered' | 'handshake.confirmed' | 'seen.found',
  ): void
}

export interface RunningReceiver extends AsyncDisposable {
  readonly port: number
  /** To NATS. */
  readonly connected: boolean
  /** Why the configuration may be out of date; undefined while it is followed, or was 15 s ago. */
  readonly configFault: string | undefined
  /** Asks every client to connect anew, which takes it to another receiver, and waits: see `RunningServer.leave`. */
  leave(quietMs: number): Promise<void>
}

/** The header that goes with an event, and JetStream's own, must fit into NATS' max_payload beside the body. */
const headerRoomBytes = 64 * 1024

/**
 * Opens the receiver: it listens when the streams are there and the configuration has been read once. Disposing it
 * stops taking connections, answers what is in hand, and then lets go.
 */
export async function openReceiver(config: ReceiverConfig, tools: ReceiverTools): Promise<RunningReceiver> {
  const { nats, log } = tools
  await using opened = new AsyncDisposableStack()
  checkPayloadLimit(nats.info?.max_payload ?? 0, config.FAIRLEAD_MAX_BODY_BYTES)
  const manager = await jetstreamManager(nats)
  await ensureStreams(manager, {
    replicas: config.FAIRLEAD_STREAM_REPLICAS,
    eventsMaxBytes: config.FAIRLEAD_EVENTS_MAX_BYTES,
  })

  const keyring = openKeyring(config.FAIRLEAD_ENCRYPTION_KEYS)
  const { directory, configWatch } = await followConfiguration(config, tools, keyring, opened)
  const receiver = await openContext(config, tools, { manager, keyring, directory, configWatch }, opened)

  let connected = true
  void (async () => {
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') connected = false
      else if (type === 'reconnect') connected = true
    }
  })()

  const server = opened.use(
    await openServer(request => ingest(request, receiver), {
      limits: {
        maxConnections: config.FAIRLEAD_MAX_CONNECTIONS,
        maxHeaderBytes: 32 * 1024,
        headersTimeoutMs: 10_000,
        requestTimeoutMs: 30_000,
        keepAliveTimeoutMs: 75_000,
      },
      port: config.FAIRLEAD_RECEIVER_PORT,
      host: config.FAIRLEAD_RECEIVER_HOST,
      failed(err) {
        receiver.metrics.objectives.inc({ objective: 'accept', result: judgeRefusal('internal', 'internal') })
        log.error({ err }, 'request.failed')
      },
    }),
  )

  const held = opened.move()
  return {
    port: server.port,
    get connected() {
      return connected
    },
    get configFault() {
      return configReadiness(configWatch)
    },
    leave: server.leave,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Keeps all organizations in memory as the configuration bucket has them, until `opened` is disposed. */
async function followConfiguration(
  config: ReceiverConfig,
  { nats, log, fetchKey, now = Date.now }: ReceiverTools,
  keyring: Keyring,
  opened: AsyncDisposableStack,
): Promise<{ readonly directory: Directory; readonly configWatch: BucketWatch }> {
  const directory = openDirectory({
    keyring,
    fetchKey,
    now,
    fault: ({ slug }, source, error) =>
      log.error({ organization: slug, source, err: error }, 'source.unusable'),
  })
  const watching = new AbortController()
  opened.defer(() => watching.abort())
  const watcher = {
    ...directory,
    fault: (key: string, err: unknown) => log.error({ key, err }, 'config.unreadable'),
    failed: (err: unknown) => log.error({ err }, 'config.not_followed'),
  }
  const configWatch = await watchConfig(nats, watcher, watching.signal, config.FAIRLEAD_STREAM_REPLICAS)
  return { directory, configWatch }
}

interface Foundations {
  readonly manager: JetStreamManager
  readonly keyring: Keyring
  readonly directory: Directory
  readonly configWatch: BucketWatch
}

/** Opens everything that the steps of `ingest.ts` share; `opened` closes it. */
async function openContext(
  config: ReceiverConfig,
  tools: ReceiverTools,
  { manager, keyring, directory, configWatch }: Foundations,
  opened: AsyncDisposableStack,
): Promise<Receiver> {
  const { nats, registry, log, now = Date.now } = tools
  const timeoutMs = config.FAIRLEAD_PUBLISH_TIMEOUT_MS
  const publisher = opened.use(
    openPublisher(nats, {
      timeoutMs,
      maxWaiting: 5_000,
      atomic: true,
      landed: (messages, tookMs) => metrics.published(messages, tookMs),
    }),
  )
  const rejectionPublisher = opened.use(openPublisher(nats, { timeoutMs, maxWaiting: 200 }))
  const bodies = opened.use(openBodyMemory({ limit: config.FAIRLEAD_MAX_BODIES_BYTES }))
  const permits = openPermits(config.FAIRLEAD_MAX_REQUESTS)
  const throttle = opened.use(openThrottle(() => performance.now(), tools.backlog?.ask))
  tools.backlog?.listen(throttle.observe)
  const metrics = openReceiverMetrics(registry, {
    requests: () => permits.used,
    bodyBytes: () => bodies.used,
    unacknowledged: () => publisher.unacknowledged,
    organizations: () => directory.size,
    seen: () => seen,
    configAgeMs: () => performance.now() - configWatch.soundMs,
  })
  const seen = opened.use(
    openSeen({
      url: config.FAIRLEAD_REDIS_URL,
      waitMs: config.FAIRLEAD_SEEN_WAIT_MS,
      generation: await generationOf(manager),
      catchUp: { stored: storedSince(nats) },
      follow: (keep, signal) => followPromoted(nats, keep, signal),
      now,
      events: metrics.seen,
      changed: up => (up ? log.info({}, 'seen.found') : log.warn({}, 'seen.lost')),
    }),
  )
  const attemptsPublisher = opened.use(openPublisher(nats, { timeoutMs }))
  const repeats = opened.use(
    openRepeats({
      publisher: attemptsPublisher,
      subject: receiverAttemptsSubject,
      end: async () => (await manager.streams.info(streamName.events)).state.last_seq,
      lost: count => metrics.repeatsUntold.inc(count),
    }),
  )
  return {
    directory,
    publisher,
    seen,
    repeats,
    isBodyOf: openBodyComparison(await jetstreamManager(nats, { checkAPI: false, timeout: compareMs })),
    rejections: openRejectionLog(rejectionPublisher, keyring, now, () => metrics.rejectionsLost.inc()),
    metrics,
    log,
    bodies,
    permits,
    throttle,
    turns: openTurns({ now: () => performance.now() }),
    traces: tools.tracing && openReceiverTraces(tools.tracing, now),
    refusals: opened.use(openReceiverRefusalLog(metrics, log, now)),
    limits: { maxBodyBytes: config.FAIRLEAD_MAX_BODY_BYTES },
    publicUrls: publicUrlsFrom(config),
    confirmations: opened.use(openConfirmations({ log, ...(tools.fetch && { fetch: tools.fetch }) })),
    now,
  }
}

const publicUrlsFrom = (config: ReceiverConfig): Receiver['publicUrls'] => {
  const { FAIRLEAD_PUBLIC_URL: url, FAIRLEAD_RECEIVER_PORT: port } = config
  return {
    base: (url ?? `http://localhost:${port}`).replace(/\/$/, ''),
    trusted: openTrustedProxies(config.FAIRLEAD_TRUSTED_PROXIES)!,
  }
}

function openReceiverRefusalLog(metrics: ReceiverMetrics, log: ReceiverLog, now: () => number): RefusalLog {
  const fields = ({ source, code, reason, count }: Refused): object => {
    metrics.refused.inc({ code, reason }, count)
    metrics.objectives.inc({ objective: 'accept', result: judgeRefusal(code, reason) }, count)
    return { ...(source && sourceFields(source)), code, reason: reason === code ? undefined : reason }
  }
  return openRefusalLog({
    tellOne: refused => log.warn(fields(refused), 'request.refused'),
    tellMany: refused => log.warn({ ...fields(refused), count: refused.count }, 'requests.refused'),
    now,
  })
}

/** How long a repeat's answer may wait for the comparison of bodies, ms. */
const compareMs = 1_000

/** Compares a body with the body that EVENTS holds; true where EVENTS can't be read. */
function openBodyComparison(manager: JetStreamManager): Receiver['isBodyOf'] {
  return async (seq, body) => {
    const first = await manager.direct.getMessage(streamName.events, { seq }).catch(() => null)
    return !first || Buffer.compare(first.data, body) === 0
  }
}

/** Thrown where a setting and a server contradict each other; the message says what to change. */
export class ReceiverConfigError extends Error {
  readonly code = 'max_payload_too_small'
}

/** Names this EVENTS: ids that Redis keeps of an earlier stream of that name must not count for a stream made anew. */
export async function generationOf(manager: JetStreamManager): Promise<string> {
  const { created } = await manager.streams.info(streamName.events)
  return Date.parse(created).toString(36)
}

function checkPayloadLimit(maxPayload: number, maxBodyBytes: number): void {
  if (maxPayload >= maxBodyBytes + headerRoomBytes) return
  throw new ReceiverConfigError(
    `NATS takes messages of ${maxPayload} bytes, but a body may have ${maxBodyBytes}: raise max_payload of ` +
      `nats-server to ${maxBodyBytes + headerRoomBytes} or more, or lower FAIRLEAD_MAX_BODY_BYTES`,
  )
}
