import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { commandOf, freePort } from '@fairlead/servers/processes'
import { processTree } from './process-tree.ts'
import { until } from './until.ts'

const root = join(import.meta.dirname, '..')

/** Fairlead as `npm start` runs it, a process of its own. */
export interface RunningStandalone extends AsyncDisposable {
  /** What it has printed, standard output and error together. */
  readonly output: string
  /** Settles with the exit code; 128 and the signal's number if a signal ended it. */
  readonly exited: Promise<number>
  /** Milliseconds from the start to `Fairlead is ready`. */
  ready(options?: { readonly deadlineMs?: number }): Promise<number>
  /** The pid of Fairlead itself, of its receiver or worker, or of one of its servers. */
  pidOf(process: 'fairlead' | 'receiver' | 'worker' | 'nats' | 'postgres' | 'redis'): Promise<number>
  /** Sends a signal to Fairlead, or to its launcher where it has one. */
  kill(signal: NodeJS.Signals): void
}

/** Where a standalone is, and on which ports. */
export interface StandaloneSettings {
  readonly home: string
  readonly receiverPort: number
  readonly apiPort: number
  readonly metricsPort: number
  readonly echoPort: number
  /** Default: the samples. */
  readonly organizations?: string
  /** A database that is there already. Default: a PostgreSQL of its own, whose first start takes seconds. */
  readonly postgresUrl?: string
  /** What is run: Fairlead itself (the default), or the launcher that `npm start` calls, which runs it. */
  readonly by?: 'main.ts' | 'start.mjs'
}

/** Settings on ports that nobody used a moment ago. */
export async function freeSettings(home: string): Promise<StandaloneSettings> {
  return {
    home,
    receiverPort: await freePort(),
    apiPort: await freePort(),
    metricsPort: await freePort(),
    echoPort: await freePort(),
  }
}

/** Starts it. Disposing stops it in order, or kills it after 40 s. */
export function startStandalone(
  settings: StandaloneSettings,
  env: Record<string, string> = {},
): RunningStandalone {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [join(root, 'standalone', settings.by ?? 'main.ts')], {
    cwd: root,
    // A session of its own, as its launcher gives it.
    detached: true,
    // The channel ends with this process, however it ends, and Fairlead with the channel.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      FAIRLEAD_HOME: settings.home,
      FAIRLEAD_RECEIVER_PORT: String(settings.receiverPort),
      FAIRLEAD_API_PORT: String(settings.apiPort),
      FAIRLEAD_METRICS_PORT: String(settings.metricsPort),
      FAIRLEAD_ECHO_PORT: String(settings.echoPort),
      ...(settings.organizations && { FAIRLEAD_ORGANIZATIONS: settings.organizations }),
      ...(settings.postgresUrl && { FAIRLEAD_POSTGRES_URL: settings.postgresUrl }),
      ...env,
    },
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const exited = once(child, 'close').then(
    ([code, signal]) => code ?? 128 + constants.signals[signal as NodeJS.Signals],
  )
  let over = false
  exited.then(() => (over = true))
  return {
    get output() {
      return output
    },
    exited,
    kill: signal => void child.kill(signal),
    async ready(options = {}) {
      await until(() => over || /^Fairlead is ready$/m.test(output), {
        deadlineMs: 60_000,
        what: '"Fairlead is ready"',
        ...options,
      }).catch((cause: Error) => {
        throw new Error(`${cause.message}; it printed:\n${output}`, { cause })
      })
      if (over) throw new Error(`it ended before it was ready:\n${output}`)
      return performance.now() - startedMs
    },
    async pidOf(name) {
      if (name === 'receiver' || name === 'worker') return partOf(child.pid!, name)
      const file = name === 'fairlead' ? 'lock' : join('run', `${name}.pid`)
      const text = await readFile(join(settings.home, file), 'utf8')
      return name === 'fairlead' ? JSON.parse(text).pid : Number(text.split('\n')[0])
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 40_000)
      await exited
      clearTimeout(timer)
    },
  }
}

async function partOf(fairlead: number, name: 'receiver' | 'worker'): Promise<number> {
  for (const pid of processTree(fairlead)) {
    if ((await commandOf(pid))?.includes(`part-child.ts ${name}`)) return pid
  }
  throw new Error(`it has no ${name}`)
}
