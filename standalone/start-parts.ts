import { apiConfig } from '@fairlead/api/config'
import { run as runApi } from '@fairlead/api/run'
import { operatorConfig } from '@fairlead/operator/config'
import { runFiles } from '@fairlead/operator/files/run-files'
import { receiverConfig } from '@fairlead/receiver/config'
import { consoleFolder } from '@fairlead/servers/console'
import { freePort } from '@fairlead/servers/processes'
import { storeConfig } from '@fairlead/store/config'
import { run as runStore } from '@fairlead/store/run'
import { type TracingEnvironment, tracingEnvironment } from '@fairlead/telemetry/environment'
import { connectStore } from '@fairlead/wire/store-client'
import { workerConfig } from '@fairlead/worker/config'
import { z } from 'zod'
import { keepAdminKey } from './admin-key.ts'
import type { StandaloneConfig } from './config.ts'
import { keptKeys, keptPassword } from './home.ts'
import { type Hosted, host, hostListening, type SharedDaemon } from './host.ts'
import type { Logs } from './log.ts'
import { type PartProcess, type PartSettings, startPartProcess } from './part-process.ts'
import type { Servers } from './servers.ts'

/** Starts each part of Fairlead in this process, the receiver and the worker in children of it. */

/** What each part is started with. */
export interface Start {
  readonly config: StandaloneConfig
  readonly servers: Servers
  readonly logs: Logs
  readonly daemon: SharedDaemon
  /** Called when a service fails or ends by itself. */
  readonly failed: (service: string, cause: unknown) => void
  /** Closes what was opened, in reverse. */
  readonly opened: AsyncDisposableStack
  /** Settings of several parts. */
  readonly shared: Readonly<
    Record<'FAIRLEAD_NATS_URL' | 'FAIRLEAD_REDIS_URL' | 'FAIRLEAD_ENCRYPTION_KEYS', string>
  >
  /** The receiver's. */
  readonly publicUrl: string
}

export async function sharedSettings(config: StandaloneConfig, servers: Servers): Promise<Start['shared']> {
  return {
    FAIRLEAD_NATS_URL: servers.natsUrl,
    FAIRLEAD_REDIS_URL: servers.redisUrl,
    FAIRLEAD_ENCRYPTION_KEYS: await keptKeys(config.FAIRLEAD_HOME, 'encryption-keys'),
  }
}

/** A store that answers, and the token that it asks for. */
export interface StartedStore {
  readonly url: string
  readonly token: string
}

export async function startStore({
  config,
  servers,
  daemon,
  failed,
  opened,
  shared,
}: Start): Promise<StartedStore> {
  // Also the file that `fairlead seed` reads it from.
  const token = await keptPassword(config.FAIRLEAD_HOME, 'store-token')
  const settings = storeConfig.parse({
    ...shared,
    ...tracingOf(config),
    FAIRLEAD_POSTGRES_URL: servers.postgresUrl,
    FAIRLEAD_STORE_PORT: config.FAIRLEAD_STORE_PORT,
    FAIRLEAD_STORE_HOST: '127.0.0.1',
    FAIRLEAD_STORE_TOKEN: token,
    FAIRLEAD_STRIPE_CONNECT_SOURCE: config.FAIRLEAD_STRIPE_CONNECT_SOURCE,
  })
  const store = opened.use(await hostListening('store', runStore, settings, daemon, failed))
  const url = `http://127.0.0.1:${store.port}`
  await using client = connectStore(url, { token })
  await keepAdminKey(config.FAIRLEAD_HOME, client, new Date())
  return { url, token }
}

const tracingOf = (config: StandaloneConfig): TracingEnvironment => z.object(tracingEnvironment).parse(config)

export function startWorker(start: Start): Promise<PartProcess> {
  const { config, shared } = start
  const settings = workerConfig.parse({
    ...shared,
    ...tracingOf(config),
    FAIRLEAD_DESTINATION_ALLOW: config.FAIRLEAD_DESTINATION_ALLOW,
    FAIRLEAD_STRIPE_API_URL: config.FAIRLEAD_STRIPE_API_URL,
  })
  return startChild(start, { name: 'worker', config: settings }, async () => 0)
}

export function startOperator(
  { config, daemon, failed, opened, publicUrl }: Start,
  store: StartedStore,
): void {
  const settings = operatorConfig.parse({
    ...tracingOf(config),
    FAIRLEAD_STORE_URL: store.url,
    FAIRLEAD_STORE_TOKEN: store.token,
    FAIRLEAD_PUBLIC_URL: publicUrl,
    FAIRLEAD_ORGANIZATIONS: config.FAIRLEAD_ORGANIZATIONS,
    FAIRLEAD_HOME: config.FAIRLEAD_HOME,
  })
  const files = { ...settings, FAIRLEAD_ORGANIZATIONS: config.FAIRLEAD_ORGANIZATIONS }
  opened.use(host('operator', runFiles, files, daemon, failed))
}

export async function startApi(
  { config, servers, daemon, failed, opened, publicUrl }: Start,
  store: StartedStore,
  consoleUrl: string | undefined,
): Promise<Hosted> {
  const settings = apiConfig.parse({
    ...tracingOf(config),
    FAIRLEAD_STORE_URL: store.url,
    FAIRLEAD_STORE_TOKEN: store.token,
    FAIRLEAD_API_PORT: config.FAIRLEAD_API_PORT,
    FAIRLEAD_API_HOST: config.FAIRLEAD_HOST,
    FAIRLEAD_PUBLIC_URL: publicUrl,
    FAIRLEAD_REDIS_URL: servers.redisUrl,
    FAIRLEAD_CONSOLE_FOLDER: consoleFolder(),
    FAIRLEAD_SIMULATOR_RECEIVER_URL: publicUrl,
    FAIRLEAD_CONSOLE_URL: consoleUrl,
    FAIRLEAD_SIGN_IN_KEYS: await keptKeys(config.FAIRLEAD_HOME, 'sign-in-keys'),
    FAIRLEAD_TENANT_ACCOUNTS: config.FAIRLEAD_TENANT_ACCOUNTS,
    FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: config.FAIRLEAD_STRIPE_CONNECT_CLIENT_ID,
    FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: config.FAIRLEAD_STRIPE_CONNECT_SECRET_KEY,
    FAIRLEAD_STRIPE_CONNECT_SCOPE: config.FAIRLEAD_STRIPE_CONNECT_SCOPE,
    FAIRLEAD_STRIPE_CONNECT_URL: config.FAIRLEAD_STRIPE_CONNECT_URL,
    FAIRLEAD_PLATFORM_STAFF: `${config.FAIRLEAD_OWNER}=superadmin`,
  })
  return opened.use(await hostListening('api', runApi, settings, daemon, failed))
}

/** Its probes are taken at a free port of loopback, which destinations may have here. */
export async function startProber(
  { config, daemon, failed, opened, shared, publicUrl }: Start,
  store: StartedStore,
  apiUrl: string,
): Promise<void> {
  // Loaded where it is wanted.
  const [{ proberConfig }, { run }] = await Promise.all([
    import('@fairlead/prober/config'),
    import('@fairlead/prober/run'),
  ])
  const port = await freePort()
  const settings = proberConfig.parse({
    ...shared,
    ...tracingOf(config),
    FAIRLEAD_STORE_URL: store.url,
    FAIRLEAD_STORE_TOKEN: store.token,
    FAIRLEAD_PROBER_KEY: await keptPassword(config.FAIRLEAD_HOME, 'prober-key'),
    FAIRLEAD_PUBLIC_URL: publicUrl,
    FAIRLEAD_API_URL: apiUrl,
    FAIRLEAD_PROBER_PORT: port,
    FAIRLEAD_PROBER_HOST: '127.0.0.1',
    FAIRLEAD_PROBER_SINK_URL: `http://127.0.0.1:${port}`,
    FAIRLEAD_PROBER_INTERVAL_MS: config.FAIRLEAD_PROBER_INTERVAL_MS,
  })
  opened.use(host('prober', run, settings, daemon, failed))
}

/** @param backlog events that the worker has not taken: both share this machine's processors */
export function startReceiver(start: Start, backlog: () => Promise<number>): Promise<PartProcess> {
  const { config, shared, publicUrl } = start
  const settings = receiverConfig.parse({
    ...shared,
    ...tracingOf(config),
    FAIRLEAD_RECEIVER_PORT: config.FAIRLEAD_RECEIVER_PORT,
    FAIRLEAD_RECEIVER_HOST: config.FAIRLEAD_HOST,
    FAIRLEAD_PUBLIC_URL: publicUrl,
    // No load balancer is in front that had to notice.
    FAIRLEAD_DRAIN_DELAY_MS: 0,
  })
  return startChild(start, { name: 'receiver', config: settings }, backlog)
}

async function startChild(
  { config, logs, failed, opened }: Start,
  part: PartSettings,
  backlog: () => Promise<number>,
): Promise<PartProcess> {
  return opened.use(
    await startPartProcess({
      part,
      level: config.FAIRLEAD_LOG_LEVEL,
      backlog,
      logged: logs.take,
      log: logs.logOf('standalone'),
      failed: error => failed(part.name, error),
    }),
  )
}
