import type { KV, KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { openTrouble, type Trouble } from './trouble.ts'

/**
 * Follows a key-value bucket for as long as the signal allows, whatever happens to the server.
 *
 *   whole bucket ─▶ changes ─▶ ended, failed, reconnected, or behind the stream's leader ─▶ changes since the last entry
 *
 * A watch that fails tells nothing, and a watch on a replica that has stopped tells nothing either, so the leader is
 * asked every 5 s for the bucket's last sequence (ADR 0021).
 */
export interface BucketWatch {
  /** When it was last sure that it had told every change, on the clock of `performance.now()`. */
  readonly soundMs: number
  /** While it lasts, changes may have been missed. */
  readonly trouble: Pick<Trouble, 'sinceMs'>
  /** Begins anew behind the last entry, as after a failure. */
  restart(): void
}

export interface BucketWatchOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal
  /** Called with each entry, in the bucket's order. After a failure an entry may come twice. */
  tell(entry: KvWatchEntry): void
  /** Called with the reason why the watch failed: the first time, then with the same reason every 30 s. */
  failed(error: unknown): void
  /** How often the leader is asked, ms. Default 5,000. */
  readonly checkMs?: number
}

const retryMs = 250

/** Resolves once everything that the bucket holds has been told, or the signal aborts. */
export async function watchBucket(
  nats: NatsConnection,
  bucket: KV,
  { signal, tell, failed, checkMs = 5_000 }: BucketWatchOptions,
): Promise<BucketWatch> {
  const complete = Promise.withResolvers<void>()
  const trouble = openTrouble(failed)
  let soundMs = performance.now()
  /** The last revision that was passed on. */
  let told = 0
  let isWhole = false
  let made = ''
  let current: { stop(): void } | undefined
  /** The last revision at the last check, if the leader had a later one. */
  let behindAt: number | undefined

  function fail(error: unknown): void {
    if (!signal.aborted && !nats.isClosed()) trouble.failed(error)
  }

  async function open() {
    const { streamInfo } = await bucket.status()
    const created = String(streamInfo.created)
    // A bucket that was made anew counts its revisions from 1.
    if (made !== created) {
      isWhole = false
      told = 0
    }
    made = created
    const last = streamInfo.state.last_seq
    if (!isWhole && streamInfo.state.messages === 0) finish(last)
    return { last, watch: await bucket.watch(isWhole ? { resumeFromRevision: told + 1 } : {}) }
  }

  function finish(last: number): void {
    isWhole = true
    told = Math.max(told, last)
    isSound()
    complete.resolve()
  }

  function isSound(): void {
    soundMs = performance.now()
    trouble.over()
  }

  async function follow(): Promise<void> {
    const { last, watch } = await open()
    current = watch
    if (signal.aborted) watch.stop()
    for await (const entry of watch) {
      if (current !== watch || signal.aborted) continue
      if (isWhole) told = Math.max(told, entry.revision)
      try {
        tell(entry)
      } catch (error) {
        fail(error)
      }
      if (!isWhole && entry.delta === 0) finish(Math.max(last, entry.revision))
    }
  }

  async function check(): Promise<void> {
    const { state, config, created } = (await bucket.status()).streamInfo
    if (String(created) !== made) {
      current?.stop()
      return
    }
    if (isWhole && told >= state.last_seq) {
      behindAt = undefined
      isSound()
      return
    }
    if (behindAt === told) {
      fail(new Error(`the watch of ${config.name} stands at ${told} of ${state.last_seq}`))
      current?.stop()
      behindAt = undefined
    } else behindAt = told
  }

  async function repeatedly(): Promise<void> {
    while (!signal.aborted && !nats.isClosed()) {
      await follow().catch(fail)
      if (!signal.aborted) await new Promise(resolve => setTimeout(resolve, retryMs))
    }
    complete.resolve()
  }

  const checking = setInterval(() => void check().catch(fail), checkMs)
  checking.unref()
  const reconnections = nats.status()
  void (async () => {
    for await (const { type } of reconnections) if (type === 'reconnect') current?.stop()
  })().catch(fail)
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(checking)
      // The iterator has a stop() that its type leaves out.
      if ('stop' in reconnections && typeof reconnections.stop === 'function') reconnections.stop()
      current?.stop()
    },
    { once: true },
  )
  void repeatedly()
  await complete.promise
  return {
    trouble,
    restart: () => current?.stop(),
    get soundMs() {
      return soundMs
    },
  }
}
