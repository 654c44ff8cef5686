import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@fairlead/servers/processes'
import { migrate } from '@fairlead/store/migrate'
import { type LoadTenant, writeManifests } from '@fairlead/testbed/load/subject'
import type { Restartable } from '../restartable.ts'
import { withDatabase } from '../run.ts'
import { scratchFolder } from '../scratch.ts'
import { type Service, startService } from '../service.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'
import { until } from '../until.ts'
import { type Link, linkMaker } from './links.ts'
import { type Servers, startServers } from './servers.ts'
import { ownSettings, type ServiceKind, sharedSettings } from './service-settings.ts'
import type { SmallDisk } from './small-disk.ts'

/** Fairlead as it is deployed, each part a process of its own, on servers that can be broken one by one. */
export interface Platform extends AsyncDisposable {
  /** Processes that can be killed, frozen and restarted, by name. */
  readonly processes: Readonly<Record<string, Victim>>
  /**
   * What can be cut and stalled: `receiver-nats` (from all servers), `store-postgres`, `workers-sink` …; in a cluster also
   * `nats-2-clients`, one server from all services, and `nats-2-routes`, one server from the other two.
   */
  readonly links: Readonly<Record<string, Link>>
  /** What can be made full, and the server that must be started again after it. */
  readonly disks: Readonly<Record<string, { readonly disk: SmallDisk; readonly server: Victim }>>
  /** The operator, which random faults leave alone. */
  readonly operator: Victim
  /** Where each process of Fairlead is scraped, by name. */
  readonly metricsPorts: Readonly<Record<string, number>>
  /** The receiver's URL of the tenant's source. */
  readonly sourceUrl: string
  /** The store's database, as the superuser. */
  readonly adminUrl: string
  /** All nats-servers, past the links. */
  readonly natsUrl: string
  /** Where the store takes calls. */
  readonly storeUrl: string
  /** The folder of what is declared; `load.yaml` is the tenant. */
  readonly organizations: string
  /** Copies the logs of all services and servers, as far as they have got. */
  keepLogs(to: string): Promise<void>
  /** One more process of a service, from this or another checkout, on the same servers. */
  startBeside(kind: ServiceKind, checkout: string | undefined): Promise<StartedService>
}

export interface StartedService {
  readonly service: Service
  /** Where a store or a receiver answers; a worker doesn't. */
  readonly port: number
}

/** A process that a test may stop, kill and start again. */
export interface Victim {
  readonly pid: number
  stop(): Promise<void>
  kill9(): Promise<void>
  start(): Promise<void> | void
}

const tenant = 'load'

interface PlatformOptions {
  /** 1, or 3 for a cluster that keeps three copies of each stream. Each service has a proxy of its own to each of them. */
  readonly natsServers: 1 | 3
  readonly sinkPort: number
  readonly retryDelaysSeconds: readonly number[]
  /** Whose services are started. Default: this one's. */
  readonly checkout?: string
  /** Bytes that EVENTS may hold. Default: 1 GiB. */
  readonly eventsMaxBytes?: number
  /** Whether an API and a prober run too, and the tenant has objectives. Default: false. */
  readonly probed?: boolean
}

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await scratchFolder()).path
  const logFolder = join(folder, 'logs')
  await mkdir(logFolder)

  const servers = await startServers(options.natsServers, opened)
  // Takes more after the platform has started: `opened` has then handed over what it had.
  const parts = opened.use(new AsyncDisposableStack())
  const links: Record<string, Link> = {}
  const linkOver = linkMaker()
  const proxyTo = async (port: number) => parts.use(await startTcpProxy(port))
  const link = async (name: string, port: number) => {
    const proxy = await proxyTo(port)
    links[name] = linkOver([proxy])
    return proxy.port
  }
  const natsClients = servers.nats.map((): TcpProxy[] => [])
  const natsUrl = async (service: string) => {
    const proxies = await Promise.all(servers.nats.map(({ port }) => proxyTo(port)))
    for (const [i, proxy] of proxies.entries()) natsClients[i]!.push(proxy)
    links[`${service}-nats`] = linkOver(proxies)
    return proxies.map(({ port }) => `nats://127.0.0.1:${port}`).join()
  }

  await migrate(servers.postgres.url)
  const postgresUrl = new URL(servers.postgres.url)
  postgresUrl.port = String(await link('store-postgres', servers.postgres.port))
  const redisUrl = new URL(servers.redis.url)
  redisUrl.port = String(await link('receiver-redis', servers.redis.port))
  const shared = sharedSettings(redisUrl, options.natsServers, options.eventsMaxBytes)
  const metricsPorts: Record<string, number> = {}
  const launch = async (
    name: string,
    main: string,
    env: Record<string, string>,
    checkout: string | undefined,
  ): Promise<Service> => {
    const port = await freePort()
    metricsPorts[name] = port
    const whole = { ...shared, ...env, FAIRLEAD_METRICS_PORT: String(port) }
    return parts.use(startService({ name, main, env: whole, logFolder, ...(checkout && { checkout }) }))
  }
  const ports = new Map<string, number>()
  const start = async (
    kind: ServiceKind,
    name: string,
    checkout: string | undefined,
  ): Promise<StartedService> => {
    const port = await freePort()
    const own = ownSettings(kind, name, port, postgresUrl, ports)
    ports.set(name, port)
    const env = { ...own, FAIRLEAD_NATS_URL: await natsUrl(name) }
    return { service: await launch(name, `services/${kind}/main.ts`, env, checkout), port }
  }

  const { checkout, probed = false, retryDelaysSeconds } = options
  const services: Record<string, Service> = {}
  for (const [kind, name] of servicesOf(probed)) services[name] = (await start(kind, name, checkout)).service
  const destinationUrl = `http://127.0.0.1:${await link('workers-sink', options.sinkPort)}/hooks`
  const declared = { name: tenant, destinationUrl, timeoutSeconds: 5, retryDelaysSeconds, objectives: probed }
  const operator = await operatorSettings(folder, ports.get('store')!, declared)
  const operatorService = await launch('operator', 'operator/main.ts', operator, checkout)
  const sourceUrl = sourceUrlAt(ports.get('receiver')!)
  await untilKnown(sourceUrl).catch(cause => throwWithLogs(services, cause))

  const processes = victims(services, servers)
  if (servers.nats.length > 1) {
    for (const [i, clients] of natsClients.entries()) {
      links[`nats-${i + 1}-clients`] = linkOver(clients)
      links[`nats-${i + 1}-routes`] = linkOver(servers.natsRoutes[i]!)
    }
  }
  const held = opened.move()
  return {
    processes,
    operator: operatorService,
    metricsPorts,
    links,
    disks: disksOf(servers, processes),
    sourceUrl,
    adminUrl: withDatabase(servers.postgresAdminUrl, 'fairlead'),
    natsUrl: servers.nats.map(({ port }) => `nats://127.0.0.1:${port}`).join(),
    storeUrl: operator.FAIRLEAD_STORE_URL,
    organizations: operator.FAIRLEAD_ORGANIZATIONS,
    async keepLogs(to) {
      for (const from of [logFolder, ...servers.logFolders]) await cp(from, to, { recursive: true })
    },
    startBeside: (kind, other) => start(kind, `${kind}-beside`, other),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Kind and name of each service, those first that others ask. */
const servicesOf = (probed: boolean): readonly (readonly [ServiceKind, string])[] => [
  ['store', 'store'],
  ['receiver', 'receiver'],
  ['worker', 'worker-1'],
  ['worker', 'worker-2'],
  ...(probed
    ? ([
        ['api', 'api'],
        ['prober', 'prober'],
      ] as const)
    : []),
]

async function operatorSettings(
  folder: string,
  storePort: number,
  declared: LoadTenant,
): Promise<Record<'FAIRLEAD_STORE_URL' | 'FAIRLEAD_ORGANIZATIONS' | 'FAIRLEAD_HOME', string>> {
  return {
    FAIRLEAD_STORE_URL: `http://127.0.0.1:${storePort}`,
    FAIRLEAD_ORGANIZATIONS: await writeManifests(folder, [declared]),
    FAIRLEAD_HOME: folder,
  }
}

/** Throws why the platform did not start, with the last lines of each service's log. */
async function throwWithLogs(services: Readonly<Record<string, Service>>, cause: unknown): Promise<never> {
  const logs = await Promise.all(Object.values(services).map(service => service.output()))
  const ends = logs.map(log => log.trim().split('\n').slice(-5).join('\n'))
  throw new Error(`the platform did not start; its services logged last:\n${ends.join('\n')}`, { cause })
}

/** All processes that can be broken, by name: a NATS server that is alone is `nats`, those of a cluster `nats-1` … */
function victims(
  services: Readonly<Record<string, Service>>,
  { redis, postgres, nats }: Servers,
): Readonly<Record<string, Victim>> {
  const natsName = (i: number) => (nats.length > 1 ? `nats-${i + 1}` : 'nats')
  return {
    ...services,
    redis: victimOf(redis),
    postgres: victimOf(postgres),
    ...Object.fromEntries(nats.map((server, i) => [natsName(i), victimOf(server)])),
  }
}

const disksOf = ({ disks }: Servers, processes: Platform['processes']): Platform['disks'] =>
  Object.fromEntries([...disks].map(([name, disk]) => [`${name}-disk`, { disk, server: processes[name]! }]))

/** The URL of the tenant's source on the receiver at a port. */
export const sourceUrlAt = (port: number): string => `http://127.0.0.1:${port}/webhooks/${tenant}/github`

/** Waits until a receiver is there and knows the source: what isn't signed is then answered 401. */
export async function untilKnown(sourceUrl: string): Promise<void> {
  await until(async () => (await fetch(sourceUrl, { method: 'POST' })).status === 401, {
    deadlineMs: 120_000,
    everyMs: 100,
    what: 'a receiver that knows the source',
  })
}

const victimOf = (server: Restartable): Victim => ({
  get pid() {
    return server.pid
  },
  stop: () => server.stop(),
  kill9: () => server.kill9(),
  start: () => server.restart(),
})
