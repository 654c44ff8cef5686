import type { Daemon, Run } from '@fairlead/daemon/run'
import type { LogOf } from './log.ts'

/** The tools that services in one process share. */
export type SharedDaemon = Omit<Daemon, 'log'> & { readonly logOf: LogOf }

/** A service that runs in this process. Disposing of it lets it finish what it has in hand, and waits. */
export interface Hosted extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number
}

/** A service's run, for which the host also wants to know when it listens. */
export type ListeningRun<Config> = (
  config: Config,
  signal: AbortSignal,
  daemon: Daemon,
  listening: (port: number) => void,
) => Promise<void>

/** Runs a service and waits until it listens. @throws what the service throws before that */
export async function hostListening<Config>(
  name: string,
  run: ListeningRun<Config>,
  config: Config,
  daemon: SharedDaemon,
  failed: (service: string, error: unknown) => void,
): Promise<Hosted> {
  const { promise: listens, resolve } = Promise.withResolvers<number>()
  const hosted = host(name, (...given) => run(...given, resolve), config, daemon, failed)
  const port = await Promise.race([listens, hosted.ended])
  if (port === undefined) throw new TypeError(`${name} ended before it listened`)
  return { port, [Symbol.asyncDispose]: hosted[Symbol.asyncDispose] }
}

/**
 * Runs a service, which isn't ready before it has added its first readiness check. `failed` is called once when it ends
 * before it is asked to.
 */
export function host<Config>(
  name: string,
  run: Run<Config>,
  config: Config,
  daemon: SharedDaemon,
  failed: (service: string, error: unknown) => void,
): AsyncDisposable & { readonly ended: Promise<undefined> } {
  const stopping = new AbortController()
  // A service adds its checks when it has opened everything: until then this one stands for them.
  const starting = daemon.health.check(`${name}.started`, () => 'is starting')
  const own: Daemon = {
    registry: daemon.registry,
    log: daemon.logOf(name),
    health: {
      check(check, ask) {
        starting[Symbol.dispose]()
        // Some services name their checks for themselves alone.
        return daemon.health.check(check.startsWith(`${name}.`) ? check : `${name}.${check}`, ask)
      },
    },
  }
  const running = run(config, stopping.signal, own)
  running.then(
    () => {
      if (!stopping.signal.aborted) failed(name, new Error('it ended by itself'))
    },
    error => failed(name, error),
  )
  const ended = running.then(() => undefined)
  // A caller that doesn't wait for it learns of a failure by `failed`.
  ended.catch(() => {})
  return {
    ended,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      // The failure was reported by `failed`.
      await running.catch(() => {})
    },
  }
}
