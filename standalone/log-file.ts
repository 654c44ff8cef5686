import { renameSync, statSync } from 'node:fs'
import { pino } from 'pino'

/** Of this file and of the one before it, in bytes: together they stay below 100 MiB. */
const standardMaxBytes = 50 * 1024 ** 2

/** How long a line waits for others, ms: a person who looks into the file waits as long. */
const flushMs = 200

/** Where log lines go. */
export interface LogFile {
  write(line: string): void
  flushSync(): void
}

/** A file of lines. When it is full it becomes `<path>.1`, in the place of an older one, and a new one is begun. */
export function openLogFile(path: string, maxBytes = standardMaxBytes): LogFile {
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  const file = pino.destination({ dest: path, sync: true, minLength: 4096 })
  let timer: NodeJS.Timeout | undefined
  const flushLater = () => {
    // pino's own `periodicFlush` wakes the process also while nothing is written.
    if (timer) return
    timer = setTimeout(() => {
      timer = undefined
      file.flush()
    }, flushMs).unref()
  }
  return {
    write(line) {
      const size = Buffer.byteLength(line)
      if (bytes > 0 && bytes + size > maxBytes) {
        turnOver(file, path)
        bytes = 0
      }
      bytes += size
      file.write(line)
      flushLater()
    },
    flushSync: () => file.flushSync(),
  }
}

function turnOver(file: ReturnType<typeof pino.destination>, path: string): void {
  try {
    file.flushSync()
    renameSync(path, `${path}.1`)
  } catch {
    // Somebody took the file away, or the disk is full: no reason for the program to end. It goes on where it can.
  }
  file.reopen()
}
