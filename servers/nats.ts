import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { cached, makeCached } from './cache.ts'
import { goInstall, goVersion } from './go.ts'
import { onPort, type Server, startChild, untilReady } from './processes.ts'
import { natsRelease } from './release.ts'
import { onPath, type Place, type Program, type Progress, search } from './search.ts'

/** Message schedules, by which retries wait, came with 2.12: https://github.com/nats-io/nats-architecture-and-design ADR-51 */
const oldestUsable = [2, 12] as const
const goModuleVersion = '2.15.1'

/** Finds or gets nats-server. @throws StartError `server_missing` */
export function findNats(progress: Progress): Promise<Program> {
  return search(
    'nats-server',
    [onPath(['nats-server'], oldestUsable), builtBefore(), natsRelease(progress), fromGoModule(progress)],
    `install nats-server ${oldestUsable.join('.')} or newer (https://nats.io/download), or set FAIRLEAD_NATS_URL to a running one`,
  )
}

const builtEntry = `nats-server-${goModuleVersion}-go`

function builtBefore(): Place {
  return {
    name: 'cache',
    async look() {
      const folder = await cached(builtEntry)
      return folder ? { path: join(folder, 'nats-server') } : { none: 'empty' }
    },
  }
}

/** Builds it with the machine's Go; Go's own checksum database vouches for the source. */
function fromGoModule(progress: Progress): Place {
  return {
    name: `go install ${goModuleVersion}`,
    async look() {
      if ((await goVersion()) === undefined) return { none: 'no Go here' }
      try {
        const build = async (folder: string) => {
          progress(
            `building nats-server ${goModuleVersion} with Go; the first time this takes about a minute`,
          )
          await goInstall(`github.com/nats-io/nats-server/v2@v${goModuleVersion}`, folder)
        }
        return { path: join(await makeCached(builtEntry, build, progress), 'nats-server') }
      } catch (error) {
        return { none: String(error).split('\n').at(-1)! }
      }
    },
  }
}

/**
 * The largest message, in bytes: the receiver's largest body (8 MiB by default) and room for the request's headers,
 * which travel in the same message. Above 8 MiB the server warns that large messages cost memory; such bodies are rare.
 */
export const defaultMaxPayloadBytes = 9 * 1024 * 1024

export interface NatsOptions {
  /** Keeps `nats/` (streams and configuration), `logs/nats.log` and `run/nats.pid`. */
  readonly home: string
  /** 0 takes a free one. */
  readonly port: number
  readonly program: Program
  /** Default: no password, which is for loopback alone. */
  readonly login?: { readonly token: string } | { readonly user: string; readonly password: string }
  /** fsync before each acknowledgement; default true, because 2xx means durable. Tests of other things turn it off. */
  readonly syncAlways?: boolean
  readonly maxPayloadBytes?: number
  /**
   * What all streams together may ask for, in bytes; default 1 TiB. The server's own default is three quarters of what
   * the disk has free now, and a stream's whole `max_bytes` counts when it is made: then whether a start works would
   * depend on the day. A disk that is full refuses writes, which is answered 503.
   */
  readonly maxStoreBytes?: number
  /** One of several servers: its name, its own port for the others, and all of those ports. */
  readonly cluster?: { readonly name: string; readonly port: number; readonly ports: readonly number[] }
  /** The environment key that a person changes when the port is taken. */
  readonly portKey?: string
}

/**
 * Starts nats-server with JetStream on loopback and waits until it takes connections.
 * @throws StartError `port_taken`, `disk_full` or `server_failed`
 */
export function startNats(options: NatsOptions): Promise<Server> {
  return onPort(options.port, port => startOn(port, options))
}

async function startOn(port: number, options: NatsOptions): Promise<Server> {
  const { home, program, login, portKey } = options
  const name = options.cluster?.name ?? 'nats'
  const folder = join(home, name)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'nats.conf')
  await writeFile(file, configuration(name, port, folder, options), { mode: 0o600 })
  const child = await startChild({
    name,
    home,
    command: program.path,
    args: ['-c', file],
    ...(program.env && { env: program.env }),
  })
  await untilReady(child, { name, home, port, ...(portKey && { portKey }), deadlineMs: 60_000 }, () =>
    greets(port),
  )
  const credentials = !login ? '' : 'token' in login ? `${login.token}@` : `${login.user}:${login.password}@`
  return { ...child, port, url: `nats://${credentials}127.0.0.1:${port}` }
}

function configuration(name: string, port: number, folder: string, options: NatsOptions): string {
  const { login, cluster, syncAlways = true, maxPayloadBytes = defaultMaxPayloadBytes } = options
  const { maxStoreBytes = 1024 ** 4 } = options
  const quoted = (text: string) => JSON.stringify(text)
  const lines = [
    `server_name: ${quoted(name)}`,
    `listen: 127.0.0.1:${port}`,
    `max_payload: ${maxPayloadBytes}`,
    'jetstream {',
    `  store_dir: ${quoted(join(folder, 'jetstream'))}`,
    `  max_file_store: ${maxStoreBytes}`,
    ...(syncAlways ? ['  sync_interval: always'] : []),
    '}',
  ]
  if (login && 'token' in login) lines.push(`authorization { token: ${quoted(login.token)} }`)
  if (login && 'user' in login) {
    lines.push(`authorization { user: ${quoted(login.user)}, password: ${quoted(login.password)} }`)
  }
  if (cluster) {
    const routes = cluster.ports
      .filter(other => other !== cluster.port)
      .map(other => `nats://127.0.0.1:${other}`)
    lines.push(
      'cluster {',
      '  name: fairlead',
      `  listen: 127.0.0.1:${cluster.port}`,
      `  routes: [${routes.map(quoted).join(', ')}]`,
      '}',
    )
  }
  return `${lines.join('\n')}\n`
}

/** The server says INFO to whoever connects, once its streams are recovered. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const [data] = (await once(socket, 'data', { signal: AbortSignal.timeout(1_000) })) as [Buffer]
    return data.toString('latin1').startsWith('INFO ')
  } finally {
    socket.destroy()
  }
}
