import { setTimeout as delay } from 'node:timers/promises'

/**
 * Work that nobody waits for, a few at a time: an answer's time says nothing about it. A full queue drops what is new.
 */
export interface Queue extends AsyncDisposable {
  /** @returns false if it was dropped */
  push(work: () => Promise<void>): boolean
  readonly waiting: number
}

const mostWaiting = 1_000
const atOnce = 4
/** For what still waits when the process ends, ms. */
const closeMs = 3_000

/** @param failed is told what work rejected with; the queue goes on */
export function openQueue(failed: (error: unknown) => void): Queue {
  const waiting: (() => Promise<void>)[] = []
  const running = new Set<Promise<void>>()

  async function run(): Promise<void> {
    for (let work = waiting.shift(); work; work = waiting.shift()) await work().catch(failed)
  }

  return {
    get waiting() {
      return waiting.length
    },
    push(work) {
      if (waiting.length >= mostWaiting) return false
      waiting.push(work)
      // Begun in a later turn: the answer goes out first.
      if (running.size < atOnce) {
        const runner = new Promise(resolve => setImmediate(resolve))
          .then(run)
          .finally(() => running.delete(runner))
        running.add(runner)
      }
      return true
    },
    async [Symbol.asyncDispose]() {
      const done = Promise.all(running)
      await Promise.race([done, delay(closeMs, undefined, { ref: false })])
      waiting.length = 0
    },
  }
}

/** Tries again, since mail servers put off what they don't know (greylisting), and rejects with the last error. */
export async function withRetries(work: () => Promise<void>, pausesMs: readonly number[]): Promise<void> {
  for (const pauseMs of pausesMs) {
    try {
      return await work()
    } catch {
      await delay(pauseMs, undefined, { ref: false })
    }
  }
  await work()
}
