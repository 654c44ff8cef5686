import { join } from 'node:path'
import { findNats, startNats } from '@fairlead/servers/nats'
import { findPostgres, type PostgresServer, startPostgres } from '@fairlead/servers/postgres'
import { findRedis, startRedis } from '@fairlead/servers/redis'
import { startNatsCluster } from '../nats-cluster.ts'
import { type Restartable, restartable } from '../restartable.ts'
import { scratchFolder } from '../scratch.ts'
import type { TcpProxy } from '../tcp-proxy.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'

/** What Fairlead stands on, each with an fsync where an acknowledgement promises one. */
export interface Servers {
  readonly nats: readonly Restartable[]
  /** For each nats-server, all that connects it with the others; of one alone nothing. */
  readonly natsRoutes: readonly (readonly TcpProxy[])[]
  readonly postgres: Restartable
  /** Its database `postgres`, as the superuser. */
  readonly postgresAdminUrl: string
  readonly redis: Restartable
  /**
   * Disks of their own, by the server's name: of `nats` or of one of three, which leaves a quorum; of `postgres` and of
   * `redis`. None where this process may not mount any.
   */
  readonly disks: ReadonlyMap<string, SmallDisk>
  readonly logFolders: readonly string[]
}

/** Starts them; from then on they belong to `opened`. */
export async function startServers(natsServers: 1 | 3, opened: AsyncDisposableStack): Promise<Servers> {
  const disks = new Map<string, SmallDisk>()
  const logFolders: string[] = []
  const homeIn = (path: string) => {
    logFolders.push(join(path, 'logs'))
    return path
  }
  const newHome = async () => homeIn(opened.use(await scratchFolder()).path)
  const homeOn = async (name: string) => {
    const disk = await mountSmallDisk()
    if (!disk) return await newHome()
    disks.set(name, opened.use(disk))
    return homeIn(disk.path)
  }
  const keep = async (start: Parameters<typeof restartable>[0]) =>
    opened.use(await restartable(start, new AsyncDisposableStack()))

  const startOneNats = async () => {
    const home = await homeOn('nats')
    const program = await findNats(console.error)
    return { servers: [await keep(port => startNats({ home, port, program }))], routes: [] }
  }
  const startThreeNats = async () => {
    const homeOf = (name: string) => (name === 'nats-1' ? homeOn(name) : newHome())
    return opened.use(await startNatsCluster(3, { syncAlways: true, homeOf }))
  }
  const nats = natsServers === 1 ? await startOneNats() : await startThreeNats()

  const postgresHome = await homeOn('postgres')
  const programs = await findPostgres()
  let postgresAdminUrl = ''
  const postgres = await keep(async port => {
    const started: PostgresServer = await startPostgres({ home: postgresHome, port, programs })
    postgresAdminUrl = started.adminUrl
    return started
  })
  const redisHome = await homeOn('redis')
  const redisProgram = await findRedis(console.error)
  const redis = await keep(port => startRedis({ home: redisHome, port, program: redisProgram }))
  return { nats: nats.servers, natsRoutes: nats.routes, postgres, postgresAdminUrl, redis, disks, logFolders }
}
