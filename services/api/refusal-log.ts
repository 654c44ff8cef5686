import type { Log } from '@fairlead/daemon/log'

/** Lines in full before they are counted, and how long nobody must be refused for the count to begin anew, ms. */
const shownInFull = 5
const calmMs = 10_000
const countEveryMs = 1_000

/** What is told of a request without a right key. */
export interface Refusal {
  readonly peer: string
  readonly code: string
}

/**
 * The log lines of requests without a right key: the first in full, then one a second that counts them. Otherwise a flood of
 * guesses turns over the log files, and with them what matters.
 */
export interface RefusalLog extends Disposable {
  take(line: Refusal & Readonly<Record<string, unknown>>, nowMs: number): void
}

export function openRefusalLog(log: Pick<Log, 'info' | 'warn'>): RefusalLog {
  let shown = 0
  let lastMs = Number.NEGATIVE_INFINITY
  let counted = 0
  const peers = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    timer = undefined
    if (counted > 0) log.warn({ count: counted, peers: [...peers] }, 'requests.unauthenticated')
    counted = 0
    peers.clear()
  }

  return {
    take(line, nowMs) {
      if (nowMs - lastMs > calmMs) shown = 0
      lastMs = nowMs
      if (shown < shownInFull) {
        shown++
        log.info(line, 'request.answered')
        return
      }
      counted++
      if (peers.size < shownInFull) peers.add(line.peer)
      timer ??= setTimeout(flush, countEveryMs)
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      flush()
    },
  }
}
