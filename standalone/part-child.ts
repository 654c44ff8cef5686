import { setTimeout as delay } from 'node:timers/promises'
import { exposedText } from '@fairlead/daemon/exposition'
import type { ReadinessCheck } from '@fairlead/daemon/health'
import { type LogLevel, openLog } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { Registry } from 'prom-client'
import { giveBackMemory } from './give-back.ts'
import type { PartSettings, Question, Report } from './part-process.ts'

/**
 * The receiver, or the worker, in a process of its own: a batch of rows, a thousand deliveries or a garbage collection of one
 * part holds up no answer of another.
 */

/** Log lines wait so long for others, ms: each crossing wakes the other process, whose file waits as long. */
const logLingerMs = 200
/** Lines kept while the other process is busy: seconds of a busy part. More are lost, and counted. */
const mostLines = 10_000

const stopping = new AbortController()
const registry = new Registry()
const checks = new Map<string, ReadinessCheck>()

/** Resolves when it is sent, or can't be any more. */
const report = (message: Report): Promise<void> =>
  new Promise(resolve => {
    if (process.connected) process.send!(message, () => resolve())
    else resolve()
  })

let tellBacklog: (events: number) => void = () => {}
let lines: string[] = []
let lost = 0
let tellLost: (count: number) => void = () => {}
let isLingering = false
let wasReady = false

function write(line: string): void {
  if (lines.length < mostLines) lines.push(line)
  else lost++
  void linger()
}

/** One crossing at a time, so that the lines that wait are bounded while the other process is busy. */
async function linger(): Promise<void> {
  if (isLingering) return
  isLingering = true
  while (lines.length > 0) {
    await delay(logLingerMs, undefined, { ref: false })
    await sendLines()
  }
  isLingering = false
}

async function sendLines(): Promise<void> {
  const batch = lines
  lines = []
  const count = lost
  lost = 0
  if (count > 0) tellLost(count)
  if (batch.length > 0) await report({ kind: 'logged', lines: batch })
}

async function answer({ id, about }: Extract<Question, { kind: 'ask' }>): Promise<void> {
  switch (about) {
    case 'readiness':
      return report({ kind: 'answered', id, text: await lacking() })
    case 'backlog':
      return report({ kind: 'answered', id, text: await knownBacklog() })
    case 'prometheus':
    case 'openmetrics':
      return report({ kind: 'answered', id, text: await exposedText(registry, about) })
    default:
      about satisfies never
  }
}

/** Of the worker. Until it owns its partitions it knows of no event in them. */
async function knownBacklog(): Promise<string | undefined> {
  if ((await lacking()) !== undefined) return undefined
  const { readBacklog } = await import('./backlog.ts')
  return `${await readBacklog(registry)}`
}

/** Why this part is not ready; undefined: it is ready. */
async function lacking(): Promise<string | undefined> {
  const reasons = await Promise.all([...checks].map(([name, check]) => failing(name, check)))
  const text =
    checks.size === 0 ? 'is starting' : reasons.filter(reason => reason !== undefined).join('; ') || undefined
  if (text === undefined && !wasReady) {
    wasReady = true
    await giveBackMemory()
  }
  return text
}

async function failing(name: string, check: ReadinessCheck): Promise<string | undefined> {
  const reason = await Promise.resolve().then(check).catch(String)
  return reason && `${name}: ${reason}`
}

async function start({ part, level }: { part: PartSettings; level: LogLevel }): Promise<void> {
  const log = openLog({ service: part.name, level, destination: { write } })
  tellLost = count => log.warn({ count }, 'log.lost')
  const crash = async (err: unknown) => {
    log.fatal({ err }, 'process.crashed')
    await sendLines()
    process.exit(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  let error: string | undefined
  try {
    await runPart(part, {
      registry,
      log,
      health: {
        check(name, check) {
          checks.set(name, check)
          return { [Symbol.dispose]: () => void checks.delete(name) }
        },
      },
    })
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause)
  }
  await sendLines()
  if (error !== undefined) await report({ kind: 'failed', error })
}

/** Loads the modules of this part alone: each process keeps no memory for the others'. */
async function runPart(part: PartSettings, daemon: Daemon): Promise<void> {
  switch (part.name) {
    case 'receiver': {
      const { run } = await import('@fairlead/receiver/run')
      return run(part.config, stopping.signal, daemon, {
        ask: () => void report({ kind: 'backlog_asked' }),
        listen(tell) {
          tellBacklog = tell
        },
      })
    }
    case 'worker': {
      const { run } = await import('@fairlead/worker/run')
      return run(part.config, stopping.signal, daemon)
    }
    default:
      part satisfies never
  }
}

process.on('message', (question: Question) => {
  switch (question.kind) {
    case 'start':
      void start(question).then(() => process.disconnect())
      return
    case 'ask':
      void answer(question)
      return
    case 'backlog':
      tellBacklog(question.events)
      return
    case 'stop':
      stopping.abort()
      return
    default:
      question satisfies never
  }
})
// Fairlead asks its parts to stop, in order. Whoever signals all processes at once (a service manager, the end of a session) doesn't.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
// Either this part has ended, or Fairlead was killed: the next one needs the receiver's port and the worker's partitions.
process.once('disconnect', () => process.exit())
