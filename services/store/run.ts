import type { Run } from '@fairlead/daemon/run'
import { traceAnswers } from '@fairlead/telemetry/call-spans'
import { openTracing, type Tracing } from '@fairlead/telemetry/tracing'
import { connectNats } from '@fairlead/wire/connect'
import { natsLogin } from '@fairlead/wire/environment'
import { openKeyring } from '@fairlead/wire/seal'
import { ensureStreams } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { refuseUnboundRole } from './bound-role.ts'
import type { StoreConfig } from './config.ts'
import { openLedgerTelling } from './ledger/keep-told.ts'
import { listenForFacts } from './ledger/listen.ts'
import { openRebuilds } from './ledger/run-rebuilds.ts'
import { openStoreMetrics, type StoreMetrics } from './metrics.ts'
import { requireSchema } from './migrate.ts'
import { openBudgets } from './objectives/budgets.ts'
import { openDeclared } from './objectives/declared-set.ts'
import { openPool, type SharedPool } from './postgres.ts'
import { storedPositions } from './project/position.ts'
import { project } from './project/project.ts'
import { openStanding } from './project/standing.ts'
import { openStreamStates } from './project/stream-states.ts'
import { openConfigPublisher } from './publish/publish.ts'
import { watchQuotas } from './publish/quota.ts'
import { runReplays } from './replay/run.ts'
import { startRounds } from './rounds.ts'
import { inScope } from './scope.ts'
import { type ServeOptions, serve } from './serve.ts'
import { type ConnectSource, routeConnectEvents } from './stripe-connect/run.ts'

/**
 * The store: answers gRPC, projects the streams, keeps the configuration bucket and the log's days. Throws a StoreError
 * `role_unbound` if row-level security would not bind its role, or `schema_missing`. Postgres or NATS being away later ends nothing.
 *
 * @param listening is told the port, once calls are answered
 */
export const run = async (
  config: StoreConfig,
  signal: AbortSignal,
  { log, registry, health }: Parameters<Run<StoreConfig>>[2],
  listening: (port: number) => void = () => {},
): Promise<void> => {
  const keyring = openKeyring(config.FAIRLEAD_ENCRYPTION_KEYS)
  await using opened = new AsyncDisposableStack()
  const tracing = opened.use(await openTracing({ part: 'store', environment: config, registry }))
  const databaseUrl = config.FAIRLEAD_POSTGRES_URL
  const { pool } = opened.use(openPool(databaseUrl, config.FAIRLEAD_STORE_CONNECTIONS))
  // Only the message: pg hangs the whole client on the error.
  pool.on('error', ({ message }) => log.warn({ reason: message }, 'postgres.disconnected'))
  await refuseUnboundRole(pool)
  await requireSchema(pool)

  const nats = await openNats(config, opened)

  const standing = openStanding({ nats, stored: () => positionsIn(pool) })
  const states = openStreamStates(nats, standing)
  const metrics = openStoreMetrics(registry, { standing, ...states, connections: () => connectionsOf(pool) })
  const publisher = openConfigPublisher(pool, nats, config.FAIRLEAD_STREAM_REPLICAS, metrics.publish, log)
  const declared = openDeclared(pool, metrics.organizations.declare)
  const budgets = openBudgets(pool, declared.slos, Date.now)
  const ledgerTelling = openLedgerTelling()
  const rebuilds = openRebuilds()
  const connect = connectSourceOf(config)
  const tools = { pool, nats, publisher, now: Date.now, ledgerTelling }
  const background = [
    ...startRounds({ ...tools, log, signal, states, declared, budgets, metrics: metrics.promotions }),
    project(
      {
        databaseUrl,
        nats,
        log,
        standing,
        metrics: metrics.projection,
        tracing,
        slos: declared.slos,
        counted: (events, attempts) => metrics.organizations.count(events, attempts, tracing !== undefined),
        accepted: watchQuotas(pool, publisher, log),
      },
      signal,
    ),
    ...(connect ? [routeConnectEvents({ ...tools, log }, connect, signal)] : []),
    runReplays({ databaseUrl, nats, log, metrics: metrics.replays }, signal),
    rebuilds.run({ pool, log, now: Date.now, signal }),
  ]
  opened.defer(async () => {
    await Promise.all(background)
  })

  opened.use(health.check('postgres', async () => void (await ping(pool))))
  opened.use(health.check('projection', standing.standstill))
  opened.use(health.check('nats', async () => void (await nats.rtt())))
  const reservedSlugs = new Set(connect ? [connect.organization] : [])
  const calls = { ...tools, keyring, log, budgets, rebuilds, reservedSlugs }
  opened.use(listenForFacts(calls))
  const server = opened.use(await serve(calls, serverOptions(config, metrics.calls, tracing)))
  log.info({ port: server.port }, 'store.listening')
  listening(server.port)
  await untilAborted(signal)
}

function connectSourceOf({ FAIRLEAD_STRIPE_CONNECT_SOURCE: text }: StoreConfig): ConnectSource | undefined {
  const [organization, source] = text?.split('/') ?? []
  return organization && source ? { organization, source } : undefined
}

const ping = (pool: SharedPool) =>
  inScope(pool, 'platform', db => db.query('select 1'), { timeoutMs: 1_500, short: true })

const positionsIn = (pool: SharedPool) =>
  inScope(pool, 'platform', storedPositions, { timeoutMs: 1_000, short: true })

const connectionsOf = ({ idleCount, totalCount, waitingCount, turns }: SharedPool) => ({
  idle: idleCount,
  busy: totalCount - idleCount,
  waiting: waitingCount + turns.waiting,
})

/** Connects to NATS, for as long as the store is open, and makes the streams that are missing. */
async function openNats(config: StoreConfig, opened: AsyncDisposableStack): Promise<NatsConnection> {
  const nats = await connectNats({ ...natsLogin(config), name: 'store' })
  opened.defer(() => nats.close())
  await ensureStreams(await jetstreamManager(nats), {
    replicas: config.FAIRLEAD_STREAM_REPLICAS,
    eventsMaxBytes: config.FAIRLEAD_EVENTS_MAX_BYTES,
  })
  return nats
}

const serverOptions = (
  config: StoreConfig,
  metrics: StoreMetrics['calls'],
  tracing: Tracing | undefined,
): ServeOptions => ({
  host: config.FAIRLEAD_STORE_HOST,
  port: config.FAIRLEAD_STORE_PORT,
  metrics,
  token: config.FAIRLEAD_STORE_TOKEN,
  traced: tracing && traceAnswers(tracing),
})

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
