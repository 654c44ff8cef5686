import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExpositionFormat } from '@fairlead/daemon/exposition'
import type { Log, LogLevel } from '@fairlead/daemon/log'
import type { ReceiverConfig } from '@fairlead/receiver/config'
import type { WorkerConfig } from '@fairlead/worker/config'
import { type Supervised, supervise } from './supervise.ts'

/** A part that runs in a child process, with its settings. They go over the channel, because they hold keys. */
export type PartSettings =
  | { readonly name: 'receiver'; readonly config: ReceiverConfig }
  | { readonly name: 'worker'; readonly config: WorkerConfig }

/** Readiness; events that the worker has not taken; or the metrics in that format. */
type About = 'readiness' | 'backlog' | ExpositionFormat

/** To the child. */
export type Question =
  | { readonly kind: 'start'; readonly part: PartSettings; readonly level: LogLevel }
  | { readonly kind: 'ask'; readonly id: number; readonly about: About }
  /** Events that the worker has not taken: the answer to `backlog_asked`. */
  | { readonly kind: 'backlog'; readonly events: number }
  | { readonly kind: 'stop' }

/** From the child. */
export type Report =
  | { readonly kind: 'logged'; readonly lines: readonly string[] }
  /** Of readiness: what is lacking, or undefined. */
  | { readonly kind: 'answered'; readonly id: number; readonly text: string | undefined }
  | { readonly kind: 'backlog_asked' }
  /** It can't run, and ends. */
  | { readonly kind: 'failed'; readonly error: string }

/** A part, running in a child process. Disposing of it lets it finish what it has in hand, and waits. */
export interface PartProcess extends AsyncDisposable {
  /** Why it is not ready; undefined: it is ready. */
  readiness(): Promise<string | undefined>
  /** Events that the worker has not taken; 0 while there is none. */
  backlog(): Promise<number>
  /** Empty once it has ended. @param format default: Prometheus' */
  metrics(format?: ExpositionFormat): Promise<string>
}

export interface PartProcessOptions {
  readonly part: PartSettings
  readonly level: LogLevel
  /** Events that the worker has not taken, for the receiver. */
  readonly backlog: () => Promise<number>
  /** Takes the lines that the part logs. */
  readonly logged: (line: string) => void
  readonly log: Log
  /** Called once if it can't run, or dies again and again. */
  readonly failed: (error: unknown) => void
}

/** How long it may take to finish what it has in hand, ms: what a worker then leaves is delivered by the next one. */
const graceMs = 10_000

/** Keeps a part running: one that is killed is started again, one that says why it can't run is not. */
export async function startPartProcess(options: PartProcessOptions): Promise<PartProcess> {
  let current!: Child
  const { part, log, failed } = options
  const start = async () => {
    current = startOne(options)
    return current
  }
  const supervised = await supervise(part.name, portOf(part), start, log, failed)
  return {
    readiness: () => current.readiness(),
    backlog: () => current.backlog(),
    metrics: format => current.metrics(format),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  }
}

/** 0: it listens nowhere. */
const portOf = (part: PartSettings): number =>
  part.name === 'receiver' ? part.config.FAIRLEAD_RECEIVER_PORT : 0

type Child = Omit<PartProcess, typeof Symbol.asyncDispose> & Supervised

function startOne({ part, level, logged, backlog }: PartProcessOptions): Child {
  // The name is for people who look at the list of processes.
  const child = fork(fileURLToPath(new URL('./part-child.ts', import.meta.url)), [part.name], {
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
  tell({ kind: 'start', part, level })

  function ask(about: About): Promise<string | undefined> {
    if (ended) return Promise.resolve(undefined)
    const id = questions++
    return new Promise(resolve => {
      asked.set(id, resolve)
      tell({ kind: 'ask', id, about })
    })
  }

  return {
    pid: child.pid ?? 0,
    port: portOf(part),
    exited: died.promise,
    async stop() {
      tell({ kind: 'stop' })
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await closed
      clearTimeout(timer)
    },
    backlog: async () => Number((await ask('backlog')) ?? 0),
    readiness: async () => (ended ? 'has ended' : await ask('readiness')),
    metrics: async (format = 'prometheus') => (await ask(format)) ?? '',
  }
}
