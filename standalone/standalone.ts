import { makePrintedLink } from '@fairlead/api/auth/link/print'
import { apiConfig } from '@fairlead/api/config'
import { run as runApi } from '@fairlead/api/run'
import { openHealth } from '@fairlead/daemon/health'
import { openRegistry } from '@fairlead/daemon/metrics'
import { operatorConfig } from '@fairlead/operator/config'
import { listFiles } from '@fairlead/operator/files/read-folder'
import { runFiles } from '@fairlead/operator/files/run-files'
import { receiverConfig } from '@fairlead/receiver/config'
import { buildConsole, consoleFolder } from '@fairlead/servers/console'
import type { Progress } from '@fairlead/servers/search'
import { StartError } from '@fairlead/servers/start-error'
import { storeConfig } from '@fairlead/store/config'
import { migrate } from '@fairlead/store/migrate'
import { run as runStore } from '@fairlead/store/run'
import { connectStore } from '@fairlead/wire/store-client'
import { workerConfig } from '@fairlead/worker/config'
import { run as runWorker } from '@fairlead/worker/run'
import { keepAdminKey } from './admin-key.ts'
import { readBacklog } from './backlog.ts'
import type { StandaloneConfig } from './config.ts'
import { openEcho } from './echo.ts'
import { keptKeys, keptPassword } from './home.ts'
import { host, hostListening, type SharedDaemon } from './host.ts'
import type { Logs } from './log.ts'
import { refuseTakenPorts } from './ports.ts'
import { countReconciled, hostInUrl, untilAllReady, untilReceiverKnows } from './ready.ts'
import { type ReceiverProcess, startReceiverProcess } from './receiver-process.ts'
import { startServers } from './servers.ts'

export interface StandaloneOptions {
  readonly config: StandaloneConfig
  readonly logs: Logs
  readonly progress: Progress
  /** Aborts a start between two of its steps. */
  readonly signal: AbortSignal
  /** Called once when something that should run for ever has ended. */
  readonly failed: (error: unknown) => void
}

/** Where everything answers. */
export interface Standalone extends AsyncDisposable {
  readonly receiverUrl: string
  readonly apiUrl: string
  readonly metricsUrl: string
  readonly storeUrl: string
  /** The destinations of the samples. */
  readonly echoUrl: string
  /** A secret: who opens it on this machine within 15 minutes is the platform's owner. Undefined: nobody signs in here. */
  readonly signInUrl: string | undefined
}

/**
 * The whole of Fairlead in one process (the receiver in a child of it), opened in the order of its dependencies:
 *
 *   servers → schema → store → worker → organizations → api → receiver
 *
 * Disposing closes in reverse: no more webhooks are taken before the worker finishes what it has in hand.
 * @throws StartError
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { config, logs, progress, signal, failed } = options
  const { logOf } = logs
  const log = logOf('standalone')
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(failed)
  const serviceFailed = (service: string, cause: unknown) => {
    logOf(service).fatal({ err: cause }, 'service.failed')
    const reason = cause instanceof Error ? cause.message : String(cause)
    broken.reject(new StartError('service_failed', `the ${service} has failed: ${reason}`, { cause }))
  }
  await refuseUnreadable(config.FAIRLEAD_ORGANIZATIONS)
  await refuseTakenPorts(config)
  // Beside everything else: nobody waits for it, and the API serves it from the moment it is there.
  buildConsole(progress).catch((error: unknown) => {
    log.error({ err: error }, 'console.failed')
    progress(`there is no console: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  })
  await using opened = new AsyncDisposableStack()

  const servers = opened.use(await startServers(config, log, progress, broken.reject))
  signal.throwIfAborted()
  await migrate(servers.postgresUrl).catch((cause: Error) => {
    throw new StartError(
      'server_failed',
      `the database can't be brought to the newest schema: ${cause.message}`,
      { cause },
    )
  })
  signal.throwIfAborted()

  const registry = openRegistry()
  let receiver: ReceiverProcess | undefined
  const everyPart = {
    contentType: registry.contentType,
    metrics: async () => `${await registry.metrics()}${(await receiver?.metrics()) ?? ''}`,
  }
  const health = opened.use(
    await openHealth({ port: config.FAIRLEAD_METRICS_PORT, host: config.FAIRLEAD_HOST, registry: everyPart }),
  )
  signal.addEventListener('abort', () => health.drain(), { once: true })
  const daemon: SharedDaemon = { logOf, registry, health }
  const shared = {
    FAIRLEAD_NATS_URL: servers.natsUrl,
    FAIRLEAD_REDIS_URL: servers.redisUrl,
    FAIRLEAD_ENCRYPTION_KEYS: await keptKeys(config.FAIRLEAD_HOME, 'encryption-keys'),
  }

  // Also the file that `fairlead seed` reads it from.
  const storeToken = await keptPassword(config.FAIRLEAD_HOME, 'store-token')
  const store = opened.use(
    await hostListening(
      'store',
      runStore,
      storeConfig.parse({
        ...shared,
        FAIRLEAD_POSTGRES_URL: servers.postgresUrl,
        FAIRLEAD_STORE_PORT: config.FAIRLEAD_STORE_PORT,
        FAIRLEAD_STORE_HOST: '127.0.0.1',
        FAIRLEAD_STORE_TOKEN: storeToken,
      }),
      daemon,
      serviceFailed,
    ),
  )
  const storeUrl = `http://127.0.0.1:${store.port}`
  await using client = connectStore(storeUrl, { token: storeToken })
  await keepAdminKey(config.FAIRLEAD_HOME, client, new Date())
  signal.throwIfAborted()

  const worker = workerConfig.parse({
    ...shared,
    FAIRLEAD_DESTINATION_ALLOW: config.FAIRLEAD_DESTINATION_ALLOW,
  })
  opened.use(host('worker', runWorker, worker, daemon, serviceFailed))
  const echo = opened.use(await openEcho(config.FAIRLEAD_ECHO_PORT, config.FAIRLEAD_HOST))

  const publicUrl = `http://${hostInUrl(config.FAIRLEAD_HOST)}:${config.FAIRLEAD_RECEIVER_PORT}`
  const operator = operatorConfig.parse({
    FAIRLEAD_STORE_URL: storeUrl,
    FAIRLEAD_STORE_TOKEN: storeToken,
    FAIRLEAD_PUBLIC_URL: publicUrl,
    FAIRLEAD_ORGANIZATIONS: config.FAIRLEAD_ORGANIZATIONS,
    FAIRLEAD_HOME: config.FAIRLEAD_HOME,
  })
  const files = { ...operator, FAIRLEAD_ORGANIZATIONS: config.FAIRLEAD_ORGANIZATIONS }
  opened.use(host('operator', runFiles, files, daemon, serviceFailed))

  const consoleUrl = consoleUrlOf(config)
  const api = opened.use(
    await hostListening(
      'api',
      runApi,
      apiConfig.parse({
        FAIRLEAD_STORE_URL: storeUrl,
        FAIRLEAD_STORE_TOKEN: storeToken,
        FAIRLEAD_API_PORT: config.FAIRLEAD_API_PORT,
        FAIRLEAD_API_HOST: config.FAIRLEAD_HOST,
        FAIRLEAD_PUBLIC_URL: publicUrl,
        FAIRLEAD_REDIS_URL: servers.redisUrl,
        FAIRLEAD_CONSOLE_FOLDER: consoleFolder(),
        FAIRLEAD_SIMULATOR_RECEIVER_URL: publicUrl,
        FAIRLEAD_CONSOLE_URL: consoleUrl,
        FAIRLEAD_SIGN_IN_KEYS: await keptKeys(config.FAIRLEAD_HOME, 'sign-in-keys'),
        FAIRLEAD_PLATFORM_STAFF: `${config.FAIRLEAD_OWNER}=superadmin`,
      }),
      daemon,
      serviceFailed,
    ),
  )
  opened.use(health.check('receiver', () => receiver?.readiness() ?? 'is starting'))
  const settings = receiverConfig.parse({
    ...shared,
    FAIRLEAD_RECEIVER_PORT: config.FAIRLEAD_RECEIVER_PORT,
    FAIRLEAD_RECEIVER_HOST: config.FAIRLEAD_HOST,
    FAIRLEAD_PUBLIC_URL: publicUrl,
    // No load balancer is in front that had to notice.
    FAIRLEAD_DRAIN_DELAY_MS: 0,
  })
  receiver = opened.use(
    await startReceiverProcess({
      config: settings,
      level: config.FAIRLEAD_LOG_LEVEL,
      backlog: () => readBacklog(registry),
      logged: logs.take,
      log,
      failed: error => serviceFailed('receiver', error),
    }),
  )
  await Promise.race([untilAllReady(health, config.FAIRLEAD_HOST, signal, progress), broken.promise])
  await untilReceiverKnows(() => countReconciled(registry), receiver, signal)

  const held = opened.move()
  const at = (port: number) => `http://${hostInUrl(config.FAIRLEAD_HOST)}:${port}`
  return {
    receiverUrl: publicUrl,
    apiUrl: at(api.port),
    metricsUrl: at(health.port),
    storeUrl,
    echoUrl: at(echo.port),
    signInUrl: consoleUrl && (await makePrintedLink(servers.redisUrl, consoleUrl, config.FAIRLEAD_OWNER)),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Where people sign in: on this machine, at a port that is known before the start. */
function consoleUrlOf({ FAIRLEAD_HOST, FAIRLEAD_API_PORT }: StandaloneConfig): string | undefined {
  const host = hostInUrl(FAIRLEAD_HOST)
  const isLoopback = host === 'localhost' || host === '[::1]' || host.startsWith('127.')
  return FAIRLEAD_API_PORT === 0 || !isLoopback ? undefined : `http://${host}:${FAIRLEAD_API_PORT}`
}

/** @throws StartError `organizations_invalid` */
async function refuseUnreadable(folder: string): Promise<void> {
  try {
    await listFiles(folder)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StartError(
      'organizations_invalid',
      `can't read ${folder} (${code}): set FAIRLEAD_ORGANIZATIONS to a folder of YAML files with Organizations`,
      { cause },
    )
  }
}
