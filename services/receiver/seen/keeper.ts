import { setTimeout as delay } from 'node:timers/promises'
import type { KeptId } from './buckets.ts'

/** Writes ids of accepted events to Redis in the background: no answer waits for it, and it waits while Redis is away. */
export interface Keeper extends AsyncDisposable {
  keep(entry: KeptId): void
  /** Redis answers again. */
  resume(): void
  /** Writes the waiting ids, for a second at most. */
  close(): Promise<void>
  readonly waiting: number
  /** Ids that may wait. */
  readonly limit: number
  /** Of those that are not written. */
  readonly oldest: KeptId | undefined
  /** The first id that found no room since the last call; the caller must keep that id and those after it. */
  takeGap(): KeptId | undefined
}

export interface KeeperOptions {
  /** Must reject when the connection is lost. Safe to repeat. */
  write(entries: readonly KeptId[]): Promise<void>
  /** Whether it makes sense to write now. */
  ready(): boolean
  /** Called with a number of ids that won't be written from here: too many wait, or the process ends. EVENTS still holds them. */
  deferred(ids: number): void
  /** Ids that may wait, about 150 bytes each. Default 100,000. */
  readonly limit?: number
  /**
   * How long an id waits for others, ms: a write costs as much as some fifty ids in it. JetStream knows the id meanwhile.
   * Default 100.
   */
  readonly lingerMs?: number
}

/** Redis does nothing else while it writes them (some 10 µs each): checks wait behind. */
const batchIds = 64
/** After Redis refused a write (it is full, say), in ms. */
const retryMs = 500
/** How long the end of the process waits for the last writes, ms. */
const closeMs = 1_000

export function openKeeper(options: KeeperOptions): Keeper {
  const { write, ready, deferred, limit = 100_000, lingerMs = 100 } = options
  let waiting: KeptId[] = []
  let gap: KeptId | undefined
  let linger: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined

  function schedule(): void {
    if (linger || writing || retry || waiting.length === 0 || !ready()) return
    linger = setTimeout(() => {
      linger = undefined
      writing ??= writeAll().finally(() => {
        writing = undefined
        schedule()
      })
    }, lingerMs)
    linger.unref()
  }

  async function writeAll(): Promise<void> {
    try {
      while (waiting.length > 0 && ready()) {
        const batch = waiting.slice(0, batchIds)
        await write(batch)
        waiting.splice(0, batch.length)
      }
    } catch {
      retry = setTimeout(() => {
        retry = undefined
        schedule()
      }, retryMs)
      retry.unref()
    }
  }

  async function close(): Promise<void> {
    clearTimeout(linger)
    clearTimeout(retry)
    const rest = (writing ?? Promise.resolve()).then(writeAll)
    await Promise.race([rest, delay(closeMs, undefined, { ref: false })])
    clearTimeout(retry)
  }

  return {
    keep(entry) {
      // The oldest are kept, because JetStream itself still knows the newest for some minutes.
      if (waiting.length >= limit) {
        gap ??= entry
        deferred(1)
        return
      }
      waiting.push(entry)
      schedule()
    },
    resume() {
      clearTimeout(retry)
      retry = undefined
      schedule()
    },
    get waiting() {
      return waiting.length
    },
    get oldest() {
      return waiting[0] ?? gap
    },
    takeGap() {
      const taken = gap
      gap = undefined
      return taken
    },
    limit,
    close,
    async [Symbol.asyncDispose]() {
      await close()
      deferred(waiting.length)
      waiting = []
    },
  }
}
