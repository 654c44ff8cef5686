import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { openLeaving } from '@fairlead/daemon/leave'
import type { Log } from '@fairlead/daemon/log'
import { openTrustedProxies } from '@fairlead/daemon/peer'
import type { Daemon } from '@fairlead/daemon/run'
import { openTurns } from '@fairlead/daemon/turns'
import { traceCalls } from '@fairlead/telemetry/call-spans'
import { openSpanScope } from '@fairlead/telemetry/span-scope'
import { openTracing } from '@fairlead/telemetry/tracing'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import type { Redis } from 'ioredis'
import { buildApp } from './app.ts'
import { readSignInKeys } from './auth/keys.ts'
import { readStaff } from './auth/people.ts'
import { openSignIn, type SignIn } from './auth/sign-in.ts'
import { openTenantAccounts } from './auth/tenants/accounts.ts'
import { openAuthenticator } from './authenticate.ts'
import type { ApiConfig } from './config.ts'
import { readOrigins } from './cors.ts'
import { openApiMetrics } from './metrics.ts'
import { openRateLimiter } from './rate-limit.ts'
import { openBodyTurns } from './read-bodies.ts'
import { connectRedis, warnOfEviction } from './redis.ts'
import { openRefusalLog } from './refusal-log.ts'
import { openRequestTraces } from './request-traces.ts'
import { openSharedRate } from './shared-rate.ts'
import { openStreams } from './stream.ts'
import { openStripeOauth, type StripeOauth } from './stripe-connect/oauth.ts'
import { openUnsent } from './unsent.ts'

/** How long an explanation may wait for its turn, ms. */
const explanationWaitMs = 10_000

/** How many keys' rate all keys of an organization have together. */
const shareOfKeys = 4

/** How long an answer that is being made may take once the process stops, ms. */
const drainMs = 10_000

/**
 * Serves the API until `signal` aborts; then takes connections while they come (`FAIRLEAD_DRAIN_DELAY_MS`), finishes what is
 * being answered and closes the store's client. `listening` is told the port, which is chosen here if the configuration says 0.
 */
export async function run(
  config: ApiConfig,
  signal: AbortSignal,
  { log, registry, health }: Daemon,
  listening?: (port: number) => void,
): Promise<void> {
  await using traces = await openTraces(config, registry)
  await using store = connectStore(config.FAIRLEAD_STORE_URL, {
    token: config.FAIRLEAD_STORE_TOKEN,
    traced: traces?.calls,
  })
  using redis = openConfiguredRedis(config, log)
  const metrics = openApiMetrics(registry)
  const publicUrl = config.FAIRLEAD_PUBLIC_URL
  const underWay = new Set<Promise<unknown>>()
  const trusted = openTrustedProxies(config.FAIRLEAD_TRUSTED_PROXIES)!
  const authenticator = openAuthenticator(store)
  using refusals = openRefusalLog(log)
  await using signIn = await openConfiguredSignIn(config, redis?.client, store, log)
  const app = buildApp({
    store,
    publicUrl,
    log,
    metrics,
    ...openRates(config, redis?.client),
    trusted,
    underWay,
    authenticator,
    signIn,
    consoleFolder: config.FAIRLEAD_CONSOLE_FOLDER,
    stripeConnect: openConfiguredConnect(config),
    simulatorReceiverUrl: config.FAIRLEAD_SIMULATOR_RECEIVER_URL,
    corsOrigins: readOrigins(config.FAIRLEAD_API_CORS_ORIGINS)!,
    refusals,
    streams: openStreams(config.FAIRLEAD_API_STREAM_HEARTBEAT_SECONDS * 1_000),
    explanations: openTurns({ places: 1, mostOfOne: () => 1, waitMs: explanationWaitMs, mostWaiting: 8 }),
    bodies: openBodyTurns(),
    unsent: openUnsent(),
    traces: traces?.requests,
    stopping: signal,
  })
  const server = createServer(limits, app)
  const leaving = openLeaving(server)
  server.prependListener('request', (_request, response) => {
    if (leaving.begun) response.setHeader('connection', 'close')
  })
  server.setTimeout(stalledMs)
  server.maxConnections = config.FAIRLEAD_API_MAX_CONNECTIONS
  server.listen(config.FAIRLEAD_API_PORT, config.FAIRLEAD_API_HOST)
  await once(server, 'listening')
  await using _closing = { [Symbol.asyncDispose]: () => drain(server, underWay) }
  using _check = health.check('store', async () => {
    await store.organizations.listOrganizations({ limit: 1 }, { timeoutMs: 1_500 })
    return undefined
  })
  const port = portOf(server)
  log.info({ port }, 'api.listening')
  listening?.(port)
  if (!signal.aborted) await once(signal, 'abort')
  // No longer ready: connections are taken until the Service sends none here any more.
  await leaving.begin(config.FAIRLEAD_DRAIN_DELAY_MS)
}

/** What each key may ask for, and all keys of an organization together. */
function openRates(config: ApiConfig, redis: Redis | undefined) {
  const rate = { perSecond: config.FAIRLEAD_API_RATE_PER_SECOND, burst: config.FAIRLEAD_API_RATE_BURST }
  return {
    takeRate: redis ? openSharedRate(redis, rate) : openRateLimiter(rate),
    takeShare: openRateLimiter({ perSecond: shareOfKeys * rate.perSecond, burst: shareOfKeys * rate.burst }),
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return address.port
}

/** Spans of requests, and of the calls below them. Undefined: no collector is configured. */
async function openTraces(environment: ApiConfig, registry: Daemon['registry']) {
  const tracing = await openTracing({ part: 'api', environment, registry })
  if (!tracing) return undefined
  const scope = openSpanScope()
  return {
    requests: openRequestTraces(tracing, scope),
    calls: traceCalls(tracing, scope),
    [Symbol.asyncDispose]: () => tracing[Symbol.asyncDispose](),
  }
}

function openConfiguredRedis(
  { FAIRLEAD_REDIS_URL: url }: ApiConfig,
  log: Log,
): ({ readonly client: Redis } & Disposable) | undefined {
  if (!url) return undefined
  const client = connectRedis(url)
  warnOfEviction(client, log)
  return { client, [Symbol.dispose]: () => client.disconnect() }
}

/** People sign in where there is a Redis to keep sessions in, an address to come back to, and keys. */
async function openConfiguredSignIn(
  config: ApiConfig,
  redis: Redis | undefined,
  store: StoreClient,
  log: Log,
): Promise<(SignIn & AsyncDisposable) | undefined> {
  const { FAIRLEAD_CONSOLE_URL, FAIRLEAD_SIGN_IN_KEYS } = config
  if (!redis || !FAIRLEAD_CONSOLE_URL || !FAIRLEAD_SIGN_IN_KEYS) return undefined
  const { FAIRLEAD_SMTP_URL: url, FAIRLEAD_MAIL_FROM: from } = config
  return openSignIn({
    redis,
    publicUrl: new URL(FAIRLEAD_CONSOLE_URL),
    keys: readSignInKeys(FAIRLEAD_SIGN_IN_KEYS)!,
    staff: readStaff(config.FAIRLEAD_PLATFORM_STAFF)!,
    smtp: url ? { url, from } : undefined,
    oidc: oidcOf(config),
    tenants:
      config.FAIRLEAD_TENANT_ACCOUNTS === 'true'
        ? await openTenantAccounts(redis, config.FAIRLEAD_TENANT_WEBHOOK_LIMIT)
        : undefined,
    store,
    log,
  })
}

function openConfiguredConnect(config: ApiConfig): StripeOauth | undefined {
  const { FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: clientId, FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: secretKey } =
    config
  const { FAIRLEAD_STRIPE_CONNECT_SCOPE: scope, FAIRLEAD_STRIPE_CONNECT_URL: url } = config
  return clientId && secretKey
    ? openStripeOauth({ url: new URL(url), clientId, secretKey, scope })
    : undefined
}

function oidcOf(config: ApiConfig) {
  const { FAIRLEAD_OIDC_ISSUER: issuer, FAIRLEAD_OIDC_CLIENT_ID: clientId } = config
  const { FAIRLEAD_OIDC_CLIENT_SECRET: clientSecret, FAIRLEAD_OIDC_NAME: name } = config
  return issuer ? { issuer, clientId, clientSecret, name } : undefined
}

/**
 * For a client that takes nothing of its answer, ms. Longer than any answer is made in, than the heartbeat of a stream, and than an idle
 * connection is kept.
 */
const stalledMs = 90_000

/** Slow clients are cut: header and body of a request are small here. */
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  // Longer than the 60 s of usual load balancers, so that they never write into a connection just closed.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
}

async function drain(server: Server, underWay: ReadonlySet<Promise<unknown>>): Promise<void> {
  server.close()
  server.closeIdleConnections()
  const late = setTimeout(() => server.closeAllConnections(), drainMs)
  await once(server, 'close')
  clearTimeout(late)
  // Writes whose clients have gone: each ends with its deadline.
  await Promise.allSettled(underWay)
}
