import { fork } from 'node:child_process'
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
  /** Of readiness: what is lacking, or undefined. Of the backlog: undefined where it isn't known. */
  | { readonly kind: 'answered'; readonly id: number; readonly text: string | undefined }
  | { readonly kind: 'backlog_asked' }
  /** It can't run, and ends. */
  | { readonly kind: 'failed'; readonly error: string }

/** A part, running in a child process. Disposing of it lets it finish what it has in hand, and waits. */
export interface PartProcess extends AsyncDisposable {
  /** Why it is not ready; undefined: it is ready. */
  readiness(): Promise<string | undefined>
  /** Events that the worker has not taken. While it doesn't know or doesn't answer: as many as it said last. */
  backlog(): Promise<number>
  /** Empty where it has ended, or doesn't answer within 5 s. @param format default: Prometheus' */
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

/** A part that doesn't answer for so long, ms, is frozen or busy: whoever asks goes on without it. */
const answerMs = 5_000
/** How long it may take to finish what it has in hand, ms: what a worker then leaves is delivered by the next one. */
const graceMs = 10_000

/** Keeps a part running: one that dies is started again, one that can't run the first time is not. */
export async function startPartProcess(options: PartProcessOptions): Promise<PartProcess> {
  let current!: Child
  let hasRun = false
  let known = 0
  const { part, log, failed } = options
  const start = async () => {
    current = startOne(options, () => hasRun)
    return current
  }
  const supervised = await supervise(part.name, portOf(part), start, log, failed)
  return {
    async readiness() {
      const lacking = await current.readiness()
      hasRun ||= lacking === undefined
      return lacking
    },
    async backlog() {
      known = (await current.backlog()) ?? known
      return known
    },
    metrics: format => current.metrics(format),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  }
}

/** 0: it listens nowhere. */
const portOf = (part: PartSettings): number =>
  part.name === 'receiver' ? part.config.FAIRLEAD_RECEIVER_PORT : 0

interface Child extends Supervised, Pick<PartProcess, 'readiness' | 'metrics'> {
  /** Undefined where it isn't known. */
  backlog(): Promise<number | undefined>
}

/** @param hasRun whether this part was ready once: what it then fails for may pass, and it is started again */
function startOne({ part, level, logged, backlog, log }: PartProcessOptions, hasRun: () => boolean): Child {
  // The name is for people who look at the list of processes.
  const child = fork(fileURLToPath(new URL('./part-child.ts', import.meta.url)), [part.name], {
    // A session of its own: Ctrl-C in a terminal reaches only Fairlead, which then asks it to stop. And Linux shares its
    // processors between sessions first (sched(7), autogroup): what keeps the other parts busy doesn't make it late.
    detached: true,
    serialization: 'advanced',
  })
  const questions = openQuestions((id, about) => tell({ kind: 'ask', id, about }))

  function tell(question: Question): void {
    // Without a callback a failure would be an event `error`; `close` tells that the child has ended.
    if (child.connected) child.send(question, () => {})
  }

  const died = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>()
  child.on('message', message => {
    const report = message as Report
    // Of `--watch`: modules that the child has loaded. Node tells them to the process above alone.
    if (!('kind' in report)) return void process.send?.(report)
    switch (report.kind) {
      case 'logged':
        for (const line of report.lines) logged(line)
        return
      case 'answered':
        questions.answered(report.id, report.text)
        return
      case 'backlog_asked':
        void backlog().then(events => tell({ kind: 'backlog', events }))
        return
      case 'failed':
        log.error({ part: part.name, error: report.error }, 'part.failed')
        // The first time, starting it again would change nothing. Later its end, which follows, is a death like others.
        if (!hasRun()) died.reject(new Error(report.error))
        return
      default:
        report satisfies never
    }
  })
  child.on('error', died.reject)
  const closed = Promise.withResolvers<void>()
  child.once('close', (code, signal) => {
    questions.end()
    died.resolve({ code, signal })
    closed.resolve()
  })
  tell({ kind: 'start', part, level })

  return {
    pid: child.pid ?? 0,
    port: portOf(part),
    exited: died.promise,
    async stop() {
      tell({ kind: 'stop' })
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await closed.promise
      clearTimeout(timer)
    },
    readiness: () => questions.ask('readiness').catch((error: Error) => error.message),
    async backlog() {
      const text = await questions.ask('backlog').catch(() => undefined)
      return text === undefined ? undefined : Number(text)
    },
    metrics: async (format = 'prometheus') => (await questions.ask(format).catch(() => '')) ?? '',
  }
}

/** Questions to a child that may be frozen, busy or gone. */
function openQuestions(send: (id: number, about: About) => void) {
  const asked = new Map<number, PromiseWithResolvers<string | undefined>>()
  let last = 0
  let ended = false
  return {
    /** Rejects where the child has ended, or doesn't answer in time. */
    async ask(about: About): Promise<string | undefined> {
      if (ended) throw new Error('has ended')
      const id = ++last
      const question = Promise.withResolvers<string | undefined>()
      asked.set(id, question)
      const timer = setTimeout(() => question.reject(new Error('does not answer')), answerMs)
      send(id, about)
      try {
        return await question.promise
      } finally {
        clearTimeout(timer)
        asked.delete(id)
      }
    },
    answered: (id: number, text: string | undefined) => asked.get(id)?.resolve(text),
    end() {
      ended = true
      for (const question of asked.values()) question.reject(new Error('has ended'))
    },
  }
}
