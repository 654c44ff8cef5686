import { parentPort, workerData } from 'node:worker_threads'
import type { ReadinessCheck } from '@fairlead/daemon/health'
import { openLog } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { startTelemetry } from '@fairlead/daemon/telemetry'
import { run } from '@fairlead/receiver/run'
import { Registry } from 'prom-client'
import type { Question, Report, ThreadData } from './thread.ts'

/**
 * The receiver in a thread of its own: what the other parts do at one time (a batch of rows, a thousand deliveries, a
 * garbage collection) doesn't hold up an answer to a provider.
 */

/** Log lines go over many at a time, ms: each crossing wakes the other thread. */
const logEveryMs = 50

const port = parentPort!
const { config, level } = workerData as ThreadData
const stopping = new AbortController()
const registry = new Registry()
const checks = new Map<string, ReadinessCheck>()
const report = (message: Report) => port.postMessage(message)

let tellLag: (events: number) => void = () => {}
let lines: string[] = []
function flush(): void {
  if (lines.length > 0) report({ kind: 'logged', lines })
  lines = []
}
setInterval(flush, logEveryMs).unref()

async function answer({ id, about }: Extract<Question, { kind: 'ask' }>): Promise<void> {
  if (about === 'metrics') {
    report({ kind: 'answered', id, text: await registry.metrics() })
    return
  }
  const reasons = await Promise.all([...checks].map(([name, check]) => failing(name, check)))
  const text =
    checks.size === 0 ? 'is starting' : reasons.filter(reason => reason !== undefined).join('; ') || undefined
  report({ kind: 'answered', id, text })
}

async function failing(name: string, check: ReadinessCheck): Promise<string | undefined> {
  const reason = await Promise.resolve().then(check).catch(String)
  return reason && `${name}: ${reason}`
}

port.on('message', (question: Question) => {
  switch (question.kind) {
    case 'ask':
      void answer(question)
      return
    case 'lag':
      tellLag(question.events)
      return
    case 'stop':
      stopping.abort()
      return
    default:
      question satisfies never
  }
})

const telemetry = await startTelemetry('receiver')
try {
  const daemon: Daemon = {
    registry,
    log: openLog({ service: 'receiver', level, destination: { write: line => lines.push(line) } }),
    health: {
      check(name, check) {
        checks.set(name, check)
        return { [Symbol.dispose]: () => void checks.delete(name) }
      },
    },
  }
  await run(config, stopping.signal, daemon, tell => {
    tellLag = tell
  })
  report({ kind: 'ended' })
} catch (error) {
  report({ kind: 'ended', error: error instanceof Error ? error.message : String(error) })
} finally {
  flush()
  await telemetry[Symbol.asyncDispose]()
  port.close()
}
