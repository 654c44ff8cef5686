import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExpositionFormat } from '@fairlead/daemon/exposition'
import type { Log, LogLevel } from '@fairlead/daemon/log'
import type { ReceiverConfig } from '@fairlead/receiver/config'
import { type Supervised, supervise } from './supervise.ts'

/** The options of `receiver-child.ts`. They go over the channel, because they hold keys. */
export interface ReceiverSettings {
  readonly config: ReceiverConfig
  readonly level: LogLevel
}

/** To the child. */
export type Question =
  | ({ readonly kind: 'start' } & ReceiverSettings)
  | { readonly kind: 'ask'; readonly id: number; readonly about: 'readiness' | ExpositionFormat }
  /** Events that the worker has not taken: the answer to `backlog_asked`. */
  | { readonly kind: 'backlog'; readonly events: number }
  | { readonly kind: 'stop' }

/** From the child. */
export type Report =
  | { readonly kind: 'logged'; readonly lines: readonly string[] }
  /** Readiness: what is lacking, or nothing. Else the metrics in that format. */
  | { readonly kind: 'answered'; readonly id: number; readonly text: string | undefined }
  | { readonly kind: 'backlog_asked' }
  /** It can't run, and ends. */
  | { readonly kind: 'failed'; readonly error: string }

/** The receiver, running in a child process. Disposing of it lets it answer what it has in hand, and waits. */
export interface ReceiverProcess extends AsyncDisposable {
  /** Why it is not ready; undefined: it is ready. */
  readiness(): Promise<string | undefined>
  /** Empty once it has ended. @param format default: Prometheus' */
  metrics(format?: ExpositionFormat): Promise<string>
}

export interface ReceiverProcessOptions extends ReceiverSettings {
  /** Events that the worker has not taken. */
  readonly backlog: () => Promise<number>
  /** Takes the lines that the receiver logs. */
  readonly logged: (line: string) => void
  readonly log: Log
  /** Called once if it can't run, or dies again and again. */
  readonly failed: (error: unknown) => void
}

/** How long it may take to answer what it has in hand, ms. */
const graceMs = 10_000

/** Keeps a receiver running: one that is killed is started again, one that says why it can't run is not. */
export async function startReceiverProcess(options: ReceiverProcessOptions): Promise<ReceiverProcess> {
  let current!: Child
  const port = options.config.FAIRLEAD_RECEIVER_PORT
  const start = async () => {
    current = startOne(options)
    return current
  }
  const supervised = await supervise('receiver', port, start, options.log, options.failed)
  return {
    readiness: () => current.readiness(),
    metrics: format => current.metrics(format),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  }
}

type Child = Omit<ReceiverProcess, typeof Symbol.asyncDispose> & Supervised

function startOne({ config, level, logged, backlog }: ReceiverProcessOptions): Child {
  const child = fork(fileURLToPath(new URL('./receiver-child.ts', import.meta.url)), {
    // A session of its own: Ctrl-C in a terminal reaches only Fairlead, which then asks it to stop. And Linux shares its
    // processors between sessions first (sched(7), autogroup): what keeps the other parts busy doesn't make it late.
    detached: true,
    serialization: 'advanced',
  })
  const asked = new Map<number, (text: string | undefined) => void>()
  let questions = 0
  let ended = false

  function tell(question: Question): void {
    // Without a callback a failure would be an event `error`; `close` tells that the child has ended.
    if (child.connected) child.send(question, () => {})
  }

  const died = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>()
  child.on('message', message => {
    const report = message as Report
    switch (report.kind) {
      case 'logged':
        for (const line of report.lines) logged(line)
        return
      case 'answered':
        asked.get(report.id)?.(report.text)
        asked.delete(report.id)
        return
      case 'backlog_asked':
        void backlog().then(events => tell({ kind: 'backlog', events }))
        return
      case 'failed':
        // Starting it again would change nothing.
        died.reject(new Error(report.error))
        return
      default:
        report satisfies never
    }
  })
  child.on('error', died.reject)
  const closed = once(child, 'close').then(([code, signal]) => {
    ended = true
    for (const resolve of asked.values()) resolve(undefined)
    died.resolve({ code, signal })
  })
  tell({ kind: 'start', config, level })

  function ask(about: 'readiness' | ExpositionFormat): Promise<string | undefined> {
    if (ended) return Promise.resolve(undefined)
    const id = questions++
    return new Promise(resolve => {
      asked.set(id, resolve)
      tell({ kind: 'ask', id, about })
    })
  }

  return {
    pid: child.pid ?? 0,
    port: config.FAIRLEAD_RECEIVER_PORT,
    exited: died.promise,
    async stop() {
      tell({ kind: 'stop' })
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await closed
      clearTimeout(timer)
    },
    readiness: async () => (ended ? 'has ended' : await ask('readiness')),
    metrics: async (format = 'prometheus') => (await ask(format)) ?? '',
  }
}
