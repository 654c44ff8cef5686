import type { Log } from './log.ts'

/** The reason of an aborted signal of `stopOnSignals`: SIGTERM or SIGINT came. */
export class Stopped extends Error {
  readonly code = 'stopped'

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`)
    this.name = 'Stopped'
  }
}

export interface StopOptions {
  readonly log: Log
  /** How long stopping may take from the first signal, in ms: shorter than the pod's terminationGracePeriodSeconds. */
  readonly deadlineMs: number
  /** At the first signal, before `signal` aborts. */
  readonly onStop?: () => void
}

/**
 * One Ctrl-C arrives more than once: the terminal sends it to the whole process group, and npm and other launchers pass
 * theirs on. Signals this soon after the first, in ms, count as the same one.
 */
const sameSignalMs = 250

/**
 * The signal that ends a process in order. SIGTERM and SIGINT abort it; what runs then finishes what it has in hand.
 * A second signal, or the deadline, ends the process at once with exit code 1.
 *
 * Also makes the unknown fatal: an unhandled rejection or exception is one line and exit code 1, because the state
 * that is left is unknown.
 */
export function stopOnSignals({ log, deadlineMs, onStop }: StopOptions): AbortSignal & Disposable {
  const stopping = new AbortController()
  let deadline: NodeJS.Timeout | undefined
  let firstAtMs = 0
  const stop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) {
      if (performance.now() - firstAtMs < sameSignalMs) return
      log.fatal({ signal }, 'process.aborted')
      exitTold(log)
    }
    firstAtMs = performance.now()
    log.info({ signal, deadlineMs }, 'process.stopping')
    deadline = setTimeout(() => {
      log.fatal({ deadlineMs }, 'process.overdue')
      exitTold(log)
    }, deadlineMs)
    onStop?.()
    stopping.abort(new Stopped(signal))
  }
  const crash = (err: unknown) => {
    log.fatal({ err }, 'process.crashed')
    exitTold(log)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('unhandledRejection', crash)
  process.on('uncaughtException', crash)
  return Object.assign(stopping.signal, {
    [Symbol.dispose]() {
      clearTimeout(deadline)
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.off('unhandledRejection', crash)
      process.off('uncaughtException', crash)
    },
  })
}

/** Exits with 1 once the last line is written: it is the one that explains the end. */
function exitTold(log: Log): never {
  log.flush()
  process.exit(1)
}
