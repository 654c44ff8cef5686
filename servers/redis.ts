import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
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
  /** Asked of every client; default none. */
  readonly password?: string | undefined
  /** The environment key that a person changes when the port is taken. */
  readonly portKey?: string
}

/**
 * As the chart and compose.yaml have it. Redis drops nothing by itself: sessions of people are in it. Receivers forget ids before
 * it is full.
 */
const memory = { maxmemory: '192mb', 'maxmemory-policy': 'noeviction' }

/**
 * Starts Redis on loopback and waits until it answers PING.
 * @throws StartError `port_taken`, `disk_full` or `server_failed`
 */
export function startRedis(options: RedisOptions): Promise<Server> {
  return onPort(options.port, port => startOn(port, options))
}

async function startOn(
  port: number,
  { home, program, keep = true, portKey, password }: RedisOptions,
): Promise<Server> {
  const folder = join(home, 'redis')
  await mkdir(folder, { recursive: true })
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    appendonly: keep ? 'yes' : 'no',
    save: '',
    // How often a second it looks after itself: 10 by default, which is most of what it does while nothing happens.
    hz: '2',
    ...memory,
    'set-proc-title': 'no',
    ...(password && { requirepass: password }),
  }
  // A file, because arguments are shown to every user of the machine.
  const file = join(folder, 'redis.conf')
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${JSON.stringify(value)}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
  const child = await startChild({
    name: 'redis',
    home,
    command: program.path,
    args: [file],
    ...(program.env && { env: program.env }),
  })
  const about = { name: 'redis', home, port, ...(portKey && { portKey }), deadlineMs: 60_000 }
  await untilReady(child, about, () => answersPing(port, password))
  return { ...child, port, url: `redis://${password ? `:${password}@` : ''}127.0.0.1:${port}` }
}

/** While it reads its file, Redis answers LOADING instead. */
async function answersPing(port: number, password: string | undefined): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    // Each of the two commands is answered with a line.
    socket.write(`${password ? `AUTH ${password}\r\n` : ''}PING\r\n`)
    const signal = AbortSignal.timeout(1_000)
    let answer = ''
    while (answer.split('\r\n').length < (password ? 3 : 2)) {
      const [data] = (await once(socket, 'data', { signal })) as [Buffer]
      answer += data.toString('latin1')
    }
    return answer.includes('+PONG')
  } finally {
    socket.destroy()
  }
}
