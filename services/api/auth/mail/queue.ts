import { setTimeout as delay } from 'node:timers/promises'

/**
 * Work that nobody waits for, a few at a time: an answer's time says nothing about it. A full queue drops what is new.
 *
 *   waiting ──begun──▶ running ──done──▶ (gone)
 *      ▲                  │
 *      └── put off ◀──failed, and pauses are left; else `failed` is told
 */
export interface Queue extends AsyncDisposable {
  /**
   * @param pausesMs how long work that rejects waits before it is tried again, which holds nothing else up; none: it is tried once
   * @returns false if it was dropped
   */
  push(work: () => Promise<void>, pausesMs?: readonly number[]): boolean
  /** What has not begun, or will be tried again. */
  readonly waiting: number
}

interface Job {
  readonly work: () => Promise<void>
  readonly pausesMs: readonly number[]
}

const mostWaiting = 1_000
const atOnce = 4
/** For what still waits when the process ends, ms. It is tried once more. */
const closeMs = 3_000

/** @param failed is told what work rejected with at last; the queue goes on */
export function openQueue(failed: (error: unknown) => void): Queue {
  const waiting: Job[] = []
  const putOff = new Map<Job, NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let isClosing = false

  async function run(): Promise<void> {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      try {
        await job.work()
      } catch (error) {
        again(job, error)
      }
    }
  }

  function again({ work, pausesMs: [pauseMs, ...pausesMs] }: Job, error: unknown): void {
    if (pauseMs === undefined || isClosing) {
      failed(error)
      return
    }
    const next = { work, pausesMs }
    const timer = setTimeout(() => {
      putOff.delete(next)
      begin(next)
    }, pauseMs)
    putOff.set(next, timer.unref())
  }

  function begin(job: Job): void {
    waiting.push(job)
    if (running.size >= atOnce) return
    // Begun in a later turn: the answer goes out first.
    const runner = new Promise(resolve => setImmediate(resolve))
      .then(run)
      .finally(() => running.delete(runner))
    running.add(runner)
  }

  return {
    get waiting() {
      return waiting.length + putOff.size
    },
    push(work, pausesMs = []) {
      if (waiting.length + putOff.size >= mostWaiting) return false
      begin({ work, pausesMs })
      return true
    },
    async [Symbol.asyncDispose]() {
      isClosing = true
      for (const [job, timer] of putOff) {
        clearTimeout(timer)
        begin(job)
      }
      putOff.clear()
      await Promise.race([Promise.all(running), delay(closeMs, undefined, { ref: false })])
      waiting.length = 0
    },
  }
}
