import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { LogLevel } from '@fairlead/daemon/log'
import type { ReceiverConfig } from '@fairlead/receiver/config'

/** What `receiver-thread.ts` is started with. */
export interface ThreadData {
  readonly config: ReceiverConfig
  readonly level: LogLevel
}

/** To the thread. */
export type Question =
  | { readonly kind: 'ask'; readonly id: number; readonly about: 'readiness' | 'metrics' }
  /** Events that the worker has not taken. */
  | { readonly kind: 'lag'; readonly events: number }
  | { readonly kind: 'stop' }

/** From the thread. */
export type Report =
  | { readonly kind: 'logged'; readonly lines: readonly string[] }
  /** Readiness: what is lacking, or nothing. Metrics: Prometheus' text format. */
  | { readonly kind: 'answered'; readonly id: number; readonly text: string | undefined }
  | { readonly kind: 'ended'; readonly error?: string }

/** The receiver, running in a thread. Disposing of it lets it answer what it has in hand, and waits. */
export interface ReceiverThread extends AsyncDisposable {
  /** What it lacks to be ready; undefined: nothing. */
  readiness(): Promise<string | undefined>
  /** Prometheus' text format; empty once it has ended. */
  metrics(): Promise<string>
  /** Tells it how far the worker is behind. */
  lag(events: number): void
}

export interface ThreadOptions extends ThreadData {
  /** Takes the lines that the receiver logs. */
  readonly logged: (line: string) => void
  /** Called once if it ends before it is asked to. */
  readonly failed: (error: unknown) => void
}

export function startReceiverThread({ config, level, logged, failed }: ThreadOptions): ReceiverThread {
  const data: ThreadData = { config, level }
  const thread = new Worker(new URL('./receiver-thread.ts', import.meta.url), { workerData: data })
  const asked = new Map<number, (text: string | undefined) => void>()
  let questions = 0
  let stopping = false
  let ended = false
  let error: string | undefined

  thread.on('message', (message: Report) => {
    switch (message.kind) {
      case 'logged':
        for (const line of message.lines) logged(line)
        return
      case 'answered':
        asked.get(message.id)?.(message.text)
        asked.delete(message.id)
        return
      case 'ended':
        error = message.error
        return
      default:
        message satisfies never
    }
  })
  // Such as a module that can't be loaded: no 'ended' comes then.
  thread.on('error', cause => {
    error = cause instanceof Error ? cause.message : String(cause)
  })
  const exited = once(thread, 'exit').then(() => {
    ended = true
    for (const resolve of asked.values()) resolve(undefined)
    if (!stopping) failed(new Error(error ?? 'it ended by itself'))
  })

  function ask(about: 'readiness' | 'metrics'): Promise<string | undefined> {
    if (ended) return Promise.resolve(undefined)
    const id = questions++
    return new Promise(resolve => {
      asked.set(id, resolve)
      thread.postMessage({ kind: 'ask', id, about } satisfies Question)
    })
  }

  return {
    readiness: async () => (ended ? 'has ended' : await ask('readiness')),
    metrics: async () => (await ask('metrics')) ?? '',
    lag(events) {
      if (!ended) thread.postMessage({ kind: 'lag', events } satisfies Question)
    },
    async [Symbol.asyncDispose]() {
      stopping = true
      thread.postMessage({ kind: 'stop' } satisfies Question)
      await exited
    },
  }
}
