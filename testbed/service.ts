import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One of Fairlead's services as a process of its own, as a pod runs it: `node services/worker/main.ts`. */
export interface Service extends AsyncDisposable {
  /** The running process's; another one after `start`. */
  readonly pid: number
  readonly running: boolean
  /** After `stop` or `kill9`. */
  start(): void
  /** SIGTERM, and SIGKILL after 40 s. Answers when it is gone. */
  stop(): Promise<void>
  kill9(): Promise<void>
  /** What it has logged, in all its lives. */
  output(): Promise<string>
}

export interface ServiceOptions {
  /** Names the log file. */
  readonly name: string
  /** From the checkout's root, such as `services/worker/main.ts`. */
  readonly main: string
  readonly env: Readonly<Record<string, string>>
  readonly logFolder: string
  /** Another checkout than this one. */
  readonly checkout?: string
}

/** How long a service that has failed waits before it is started again. */
const restartMs = 500

/** Starts a service. A process that ends by itself is started again, as Kubernetes would. */
export function startService(options: ServiceOptions): Service {
  const { name, main, env, logFolder, checkout = join(import.meta.dirname, '..') } = options
  const logFile = join(logFolder, `${name}.log`)
  const log = createWriteStream(logFile, { flags: 'a' })
  let wanted = true
  let child = launch()

  function launch() {
    const launched = spawn(process.execPath, [join(checkout, main)], {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        FAIRLEAD_METRICS_PORT: '0',
        FAIRLEAD_METRICS_HOST: '127.0.0.1',
        ...env,
      },
    })
    launched.stdout.pipe(log, { end: false })
    launched.stderr.pipe(log, { end: false })
    launched.once('exit', () => {
      if (!wanted || launched !== child) return
      setTimeout(() => {
        if (wanted && launched === child) child = launch()
      }, restartMs)
    })
    return launched
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    wanted = false
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 40_000)
    await gone
    clearTimeout(timer)
  }

  return {
    get pid() {
      return child.pid!
    },
    get running() {
      return child.exitCode === null && child.signalCode === null
    },
    start() {
      wanted = true
      child = launch()
    },
    stop: () => end('SIGTERM'),
    kill9: () => end('SIGKILL'),
    output: () => readFile(logFile, 'utf8'),
    async [Symbol.asyncDispose]() {
      // A frozen process takes no SIGTERM.
      if (child.exitCode === null) child.kill('SIGCONT')
      await end('SIGTERM')
      log.end()
    },
  }
}
