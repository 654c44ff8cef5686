import type { Registry } from 'prom-client'
import { z } from 'zod'
import { ConfigError, configExitCode, readConfig } from './config.ts'
import { type ExpositionFormat, exposedText } from './exposition.ts'
import { type Health, openHealth } from './health.ts'
import { stopOnSignals } from './lifecycle.ts'
import { type Log, logLevels, openLog } from './log.ts'
import { noteScrape, openRegistry } from './metrics.ts'

/** The tools that a process gives to its service. Standalone runs several services with the same tools. */
export interface Daemon {
  readonly log: Log
  /** Where the service registers its metrics. */
  readonly registry: Registry
  /** Where it adds its readiness checks. */
  readonly health: Pick<Health, 'check'>
}

/**
 * A service: runs until `signal` aborts, then stops taking work, finishes or hands back what it has, closes what it
 * opened and returns. A service that throws has failed.
 */
export type Run<Config> = (config: Config, signal: AbortSignal, daemon: Daemon) => Promise<void>

/** The variables that every process reads. */
export const daemonConfig = z.object({
  FAIRLEAD_VERSION: z
    .string()
    .default('unreleased')
    .describe('the version that runs, for the metric fairlead_build_info'),
  FAIRLEAD_REVISION: z.string().default('unknown').describe('the revision that runs, for the same metric'),
  FAIRLEAD_LOG_LEVEL: z.enum(logLevels).default('info').describe('the least serious lines that are written'),
  FAIRLEAD_METRICS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(9090)
    .describe('where /livez, /readyz and /metrics answer; 0 takes a free port'),
  FAIRLEAD_METRICS_HOST: z.string().default('0.0.0.0').describe('the address that port listens on'),
  FAIRLEAD_SHUTDOWN_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(25_000)
    .describe("how long stopping may take; 5 s less than Kubernetes' default grace period"),
})

/**
 * The main of every service: configuration, log, health, signals, then the service, and everything closed in
 * reverse. Ends the process: 0 after an orderly stop, 78 for a faulty configuration (all faults on standard error),
 * 1 for everything else.
 */
export async function runMain<Shape extends z.ZodRawShape>(
  service: string,
  schema: z.ZodObject<Shape>,
  run: Run<Readonly<z.infer<z.ZodObject<Shape>>>>,
): Promise<never> {
  process.exit(await runUnder(service, schema, run))
}

async function runUnder<Shape extends z.ZodRawShape>(
  service: string,
  schema: z.ZodObject<Shape>,
  run: Run<Readonly<z.infer<z.ZodObject<Shape>>>>,
): Promise<number> {
  let log = openLog({ service })
  try {
    const [own, config] = readBoth(schema)
    log = openLog({ service, level: own.FAIRLEAD_LOG_LEVEL })
    const registry = openRegistry(own)
    const [port, host] = [own.FAIRLEAD_METRICS_PORT, own.FAIRLEAD_METRICS_HOST]
    const scraped = (seconds: number, bytes: number) => noteScrape(registry, seconds, bytes)
    const exposed = (format: ExpositionFormat) => exposedText(registry, format)
    await using health = await openHealth({ port, host, exposed, scraped })
    using signal = stopOnSignals({
      log,
      deadlineMs: own.FAIRLEAD_SHUTDOWN_TIMEOUT_MS,
      onStop: () => health.drain(),
    })
    log.info({ metricsPort: health.port, node: process.version }, 'process.started')
    await run(config, signal, { log, registry, health })
    log.info('process.stopped')
    return 0
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`)
      return configExitCode
    }
    log.fatal({ err: error }, 'process.failed')
    return 1
  } finally {
    log.flush()
  }
}

/** Both configurations, or the faults of both together. */
function readBoth<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>) {
  const faults: ConfigError['faults'][number][] = []
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      faults.push(...error.faults)
      return undefined
    }
  }
  const own = attempt(() => readConfig(daemonConfig))
  const config = attempt(() => readConfig(schema))
  if (own === undefined || config === undefined) throw new ConfigError(faults)
  return [own, config] as const
}
