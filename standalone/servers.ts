import type { Log } from '@fairlead/daemon/log'
import { findNats, startNats } from '@fairlead/servers/nats'
import { findPostgres, startPostgres } from '@fairlead/servers/postgres'
import { findRedis, startRedis } from '@fairlead/servers/redis'
import type { Progress } from '@fairlead/servers/search'
import type { StandaloneConfig } from './config.ts'
import { keptPassword } from './home.ts'
import { supervise } from './supervise.ts'

/** Where the three servers answer. */
export interface Servers extends AsyncDisposable {
  readonly natsUrl: string
  readonly postgresUrl: string
  readonly redisUrl: string
}

/**
 * Starts nats-server, PostgreSQL and Redis side by side, but not those that the environment names. Each asks for a password
 * that is kept in the home: other users of this machine reach loopback too.
 * @throws StartError the first one's, after stopping the others
 */
export async function startServers(
  config: StandaloneConfig,
  log: Log,
  progress: Progress,
  gaveUp: (error: unknown) => void,
): Promise<Servers> {
  await using opened = new AsyncDisposableStack()
  const home = config.FAIRLEAD_HOME

  async function nats(): Promise<string> {
    if (config.FAIRLEAD_NATS_URL) return config.FAIRLEAD_NATS_URL
    const program = await findNats(progress)
    const login = { user: 'fairlead', password: await keptPassword(home, 'nats-password') }
    const start = (port: number) => startNats({ home, port, program, login, portKey: 'FAIRLEAD_NATS_PORT' })
    const running = await supervise('nats', config.FAIRLEAD_NATS_PORT, start, log, gaveUp)
    return opened.use(running).first.url
  }

  async function postgres(): Promise<string> {
    if (config.FAIRLEAD_POSTGRES_URL) return config.FAIRLEAD_POSTGRES_URL
    const programs = await findPostgres()
    const start = (port: number) => startPostgres({ home, port, programs, portKey: 'FAIRLEAD_POSTGRES_PORT' })
    const running = await supervise('postgres', config.FAIRLEAD_POSTGRES_PORT, start, log, gaveUp)
    return opened.use(running).first.url
  }

  async function redis(): Promise<string> {
    if (config.FAIRLEAD_REDIS_URL) return config.FAIRLEAD_REDIS_URL
    const program = await findRedis(progress)
    const password = await keptPassword(home, 'redis-password')
    const start = (port: number) =>
      startRedis({ home, port, program, password, portKey: 'FAIRLEAD_REDIS_PORT' })
    const running = await supervise('redis', config.FAIRLEAD_REDIS_PORT, start, log, gaveUp)
    return opened.use(running).first.url
  }

  // All settle before one failure ends the start, so that none is left running.
  const [natsUrl, postgresUrl, redisUrl] = await allOrFirstFailure([nats(), postgres(), redis()])
  const held = opened.move()
  return {
    natsUrl: natsUrl!,
    postgresUrl: postgresUrl!,
    redisUrl: redisUrl!,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function allOrFirstFailure<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
