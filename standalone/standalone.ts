import { makePrintedLink } from '@fairlead/api/auth/link/print'
import { type ExpositionFormat, exposedText, joinExposed } from '@fairlead/daemon/exposition'
import { openHealth } from '@fairlead/daemon/health'
import type { Log } from '@fairlead/daemon/log'
import { noteScrape, openRegistry } from '@fairlead/daemon/metrics'
import { listFiles } from '@fairlead/operator/files/read-folder'
import { buildConsole } from '@fairlead/servers/console'
import type { Progress } from '@fairlead/servers/search'
import { StartError } from '@fairlead/servers/start-error'
import { migrate } from '@fairlead/store/migrate'
import type { StandaloneConfig } from './config.ts'
import { openEcho } from './echo.ts'
import type { Logs } from './log.ts'
import type { PartProcess } from './part-process.ts'
import { refuseTakenPorts } from './ports.ts'
import { countReconciled, hostInUrl, untilAllReady, untilReceiverKnows } from './ready.ts'
import { startServers } from './servers.ts'
import {
  type Start,
  sharedSettings,
  startApi,
  startOperator,
  startProber,
  startReceiver,
  startStore,
  startWorker,
} from './start-parts.ts'

export interface StandaloneOptions {
  readonly config: StandaloneConfig
  readonly logs: Logs
  readonly progress: Progress
  /** Aborts a start between two of its steps. */
  readonly signal: AbortSignal
  /** Called once when something that should run for ever has ended. */
  readonly failed: (error: unknown) => void
}

/**
 * Each sample of the event loop's delay wakes the process, which would be most of what it does while nothing happens. The delay includes it,
 * so it is far below the 500 ms of FairleadEventLoopLate.
 */
const lagSampleMs = 200

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
 * The whole of Fairlead: the receiver and the worker in a process each, all other parts in this process. They are opened in the order of its dependencies:
 *
 *   servers → schema → store → worker → organizations → api → receiver
 *
 * Disposing closes in reverse: no more webhooks are taken before the worker finishes what it has in hand.
 * @throws StartError
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { config, logs, progress, signal } = options
  const log = logs.logOf('standalone')
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(options.failed)
  await refuseUnreadable(config.FAIRLEAD_ORGANIZATIONS)
  await refuseTakenPorts(config)
  startConsoleBuild(log, progress)
  await using opened = new AsyncDisposableStack()

  const servers = opened.use(await startServers(config, log, progress, broken.reject))
  signal.throwIfAborted()
  await migrateDatabase(servers.postgresUrl)
  signal.throwIfAborted()

  const registry = openRegistry({}, { lagSampleMs })
  const parts = new Map<string, PartProcess>()
  const exposed = async (format: ExpositionFormat) => {
    const texts = [exposedText(registry, format), ...[...parts.values()].map(part => part.metrics(format))]
    return joinExposed(await Promise.all(texts))
  }
  const health = opened.use(
    await openHealth({
      port: config.FAIRLEAD_METRICS_PORT,
      host: config.FAIRLEAD_HOST,
      exposed,
      scraped: (seconds, bytes) => noteScrape(registry, seconds, bytes),
    }),
  )
  signal.addEventListener('abort', () => health.drain(), { once: true })
  const at = (port: number) => `http://${hostInUrl(config.FAIRLEAD_HOST)}:${port}`
  const start: Start = {
    config,
    servers,
    logs,
    daemon: { logOf: logs.logOf, registry, health },
    failed: (service, cause) => broken.reject(serviceFailure(logs, service, cause)),
    opened,
    shared: await sharedSettings(config, servers),
    publicUrl: at(config.FAIRLEAD_RECEIVER_PORT),
  }
  const store = await startStore(start)
  signal.throwIfAborted()
  opened.use(health.check('worker', () => parts.get('worker')?.readiness() ?? 'is starting'))
  const worker = await startWorker(start)
  parts.set('worker', worker)
  const echo = opened.use(await openEcho(config.FAIRLEAD_ECHO_PORT, config.FAIRLEAD_HOST))
  startOperator(start, store)
  const consoleUrl = consoleUrlOf(config)
  const api = await startApi(start, store, consoleUrl)
  opened.use(health.check('receiver', () => parts.get('receiver')?.readiness() ?? 'is starting'))
  const receiver = await startReceiver(start, worker.backlog)
  parts.set('receiver', receiver)
  if (config.FAIRLEAD_PROBER === 'true') await startProber(start, store, at(api.port))
  await Promise.race([untilAllReady(health, config.FAIRLEAD_HOST, signal, progress), broken.promise])
  await untilReceiverKnows(() => countReconciled(registry), receiver, signal)

  const held = opened.move()
  return {
    receiverUrl: start.publicUrl,
    apiUrl: at(api.port),
    metricsUrl: at(health.port),
    storeUrl: store.url,
    echoUrl: at(echo.port),
    signInUrl: consoleUrl && (await makePrintedLink(servers.redisUrl, consoleUrl, config.FAIRLEAD_OWNER)),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Logs why a service failed. Returns the reason to end the start, or the whole, with. */
function serviceFailure({ logOf }: Logs, service: string, cause: unknown): StartError {
  logOf(service).fatal({ err: cause }, 'service.failed')
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StartError('service_failed', `the ${service} has failed: ${reason}`, { cause })
}

/** Builds the console beside everything else: nothing waits for it, and the API serves it from the moment it is there. */
function startConsoleBuild(log: Log, progress: Progress): void {
  buildConsole(progress).catch((error: unknown) => {
    log.error({ err: error }, 'console.failed')
    progress(`there is no console: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  })
}

/** @throws StartError `server_failed` */
async function migrateDatabase(postgresUrl: string): Promise<void> {
  await migrate(postgresUrl).catch((cause: Error) => {
    throw new StartError(
      'server_failed',
      `the database can't be brought to the newest schema: ${cause.message}`,
      { cause },
    )
  })
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
