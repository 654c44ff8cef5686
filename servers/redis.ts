import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { debianPackage } from './debian.ts'
import { onPort, type Server, startChild, untilReady } from './processes.ts'
import { onPath, type Program, type Progress, search } from './search.ts'

/** `set-proc-title`, by which a left-over server is recognised, came with 6.2. Valkey is a Redis under another name. */
const oldestUsable = [6, 2] as const

/** Finds or gets a Redis server. @throws StartError `server_missing` */
export function findRedis(progress: Progress): Promise<Program> {
  return search(
    'redis-server',
    [
      onPath(['redis-server', 'valkey-server'], oldestUsable),
      debianPackage('redis-server', 'redis-server', progress),
    ],
    `install Redis ${oldestUsable.join('.')} or newer (https://redis.io/downloads), or set FAIRLEAD_REDIS_URL to a running one`,
  )
}

export interface RedisOptions {
  /** Keeps `redis/`, `logs/redis.log` and `run/redis.pid`. */
  readonly home: string
  /** 0 takes a free one. */
  readonly port: number
  readonly program: Program
  /** Keep an append-only file, flushed every second; default true. */
  readonly keep?: boolean
  /** The environment key that a person changes when the port is taken. */
  readonly portKey?: string
}

/**
 * Starts Redis on loopback and waits until it answers PING.
 * @throws StartError `port_taken`, `disk_full` or `server_failed`
 */
export function startRedis(options: RedisOptions): Promise<Server> {
  return onPort(options.port, port => startOn(port, options))
}

async function startOn(port: number, { home, program, keep = true, portKey }: RedisOptions): Promise<Server> {
  const folder = join(home, 'redis')
  await mkdir(folder, { recursive: true })
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    appendonly: keep ? 'yes' : 'no',
    save: '',
    'set-proc-title': 'no',
  }
  const child = await startChild({
    name: 'redis',
    home,
    command: program.path,
    args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    ...(program.env && { env: program.env }),
  })
  const about = { name: 'redis', home, port, ...(portKey && { portKey }), deadlineMs: 60_000 }
  await untilReady(child, about, () => answersPing(port))
  return { ...child, port, url: `redis://127.0.0.1:${port}` }
}

/** While it reads its file, Redis answers LOADING instead. */
async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write('PING\r\n')
    const [data] = (await once(socket, 'data', { signal: AbortSignal.timeout(1_000) })) as [Buffer]
    return data.toString('latin1').startsWith('+PONG')
  } finally {
    socket.destroy()
  }
}
