import { join } from 'node:path'
import { type Log, type LogLevel, openLog } from '@fairlead/daemon/log'
import { openLogFile } from './log-file.ts'

/** Lines for people within ten seconds; a flood belongs in the file alone. */
const shownPerWindow = 20
const windowMs = 10_000

/** Lines about the result of a changed file, for the person who changed it. All others fail at their service: each webhook logs two. */
const changes =
  /^\{"level":"info","time":"[^"]*","service":"operator".*"msg":"(organization\.reconciled|organization\.deleted|organization\.back|files\.mended)"/
/** Fields for machines; the reason and its detail tell people the same. */
const notForPeople: ReadonlySet<string> = new Set(['conditions'])

/** The log of each of the services that share this process. */
export type LogOf = (service: string) => Log

export interface Logs {
  readonly logOf: LogOf
  /** Takes a line that a service in another process has logged. */
  take(line: string): void
  /** From now on also shows the results of changed files. */
  showChanges(): void
}

/** They log to `logs/fairlead.log`, and show warnings and worse on standard error, as short lines for people. */
export function openLogs(home: string, level: LogLevel): Logs {
  const file = openLogFile(join(home, 'logs', 'fairlead.log'))
  let windowStart = 0
  let shown = 0
  let changesShown = false
  const destination = {
    flush(done: () => void) {
      file.flushSync()
      done()
    },
    flushSync: () => file.flushSync(),
    write(line: string) {
      file.write(line)
      if (!/^\{"level":"(warn|error|fatal)"/.test(line) && !(changesShown && changes.test(line))) return
      const now = performance.now()
      if (now - windowStart > windowMs) [windowStart, shown] = [now, 0]
      if (++shown <= shownPerWindow) process.stderr.write(`${forPeople(line)}\n`)
      else if (shown === shownPerWindow + 1) process.stderr.write('  … more in logs/fairlead.log\n')
    },
  }
  return {
    logOf: service => openLog({ service, level, destination }),
    take: destination.write,
    showChanges() {
      changesShown = true
    },
  }
}

/** `warn  receiver request.refused code=signature_mismatch organization=acme` */
export function forPeople(line: string): string {
  const { level, service, time: _time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>
  const parts = Object.entries(fields)
    .filter(([key]) => !notForPeople.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
  const error = (err as { message?: string } | undefined)?.message
  return [String(level).padEnd(5), service, msg, ...parts, ...(error ? [`(${error})`] : [])].join(' ')
}
