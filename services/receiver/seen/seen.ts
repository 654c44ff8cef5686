import { randomUUID } from 'node:crypto'
import type { EventId } from '@fairlead/webhook/id'
import { openAvailability } from './availability.ts'
import { openBound } from './bound.ts'
import { openBuckets } from './buckets.ts'
import { type CatchUpOptions, openCatchUp, type Stored } from './catch-up.ts'
import { type Known, openChecks } from './checks.ts'
import { connectRedis } from './connect.ts'
import { openKeeper } from './keeper.ts'
import { openRoll } from './roll.ts'
import { tickOf } from './ticks.ts'

/**
 * The memory of accepted events, for the time after JetStream's own duplicate window: ids in Redis for 72 hours.
 *
 *   request ── check, a few ms at most ──▶ accepted before? ── yes ──▶ answered as a duplicate
 *                                             └─ no, or unknown ──▶ publish ──▶ PubAck ──▶ keep, behind the answer
 *
 * An id is kept after JetStream acknowledged its event and never before, so nothing is suppressed that isn't stored.
 * While Redis is away or slow nothing waits for it: events are accepted unchecked and counted, and their ids are
 * written when it is back. Ids that a killed receiver had not written are read from EVENTS by another.
 */
export interface Seen extends AsyncDisposable {
  /**
   * Whether an event was accepted before. Never rejects, and takes no longer than `waitMs`.
   * @param digest of the event's body (`bodyDigest`); 0: bodies are not compared
   */
  check(id: EventId, digest?: number): Known | Promise<Known>
  /** After JetStream has acknowledged the event of that id. */
  keep(id: EventId, acceptedAtMs: number, digest?: number): void
  /** Whether Redis is asked at present. */
  readonly up: boolean
  /** Ids that wait to be written. */
  readonly waiting: number
}

export interface SeenOptions {
  /** redis:// or rediss://; undefined: JetStream's own window is all there is. */
  readonly url: string | undefined
  /** See BucketOptions. */
  readonly generation: string
  readonly bucketIds?: number
  /** How long a request may wait for an answer, in ms. Default 5. */
  readonly waitMs?: number
  /** Ids that may wait for Redis to come back. Default 100,000. */
  readonly maxWaiting?: number
  /** Finds ids that killed receivers had not written. Without it they are not looked for. */
  readonly catchUp?: Pick<CatchUpOptions, 'stored' | 'signEveryMs' | 'absentMs'>
  /** Tells ids of events that no receiver published, until the signal aborts. Without it they are not learnt. */
  follow?(keep: (stored: Stored) => Promise<void>, signal: AbortSignal): Promise<void>
  /** How long an id waits for others before it is written, ms. Default 100. */
  readonly lingerMs?: number
  /** From one look at Redis' memory to the next, ms. Default 5,000. */
  readonly boundEveryMs?: number
  now(): number
  readonly events: SeenEvents
  /** Redis is asked from now on, or no longer. */
  changed(up: boolean): void
}

/** Counts for metrics. */
export interface SeenEvents {
  checked(seconds: number): void
  /** Events accepted without an answer from Redis. */
  unchecked(reason: UncheckedReason, ids: number): void
  /** Ids above the bound on waiting ids: they are read again from EVENTS. */
  deferred(ids: number): void
  /** Ids that were forgotten before their 72 hours, so that Redis does not become full. */
  forgotten(ids: number): void
}

export const uncheckedReasons = [
  /** It did not answer in time. */
  'late',
  /** It answered with an error, or the connection broke. */
  'failed',
  /** It wasn't asked: it did not answer before. */
  'down',
] as const
export type UncheckedReason = (typeof uncheckedReasons)[number]

export function openSeen(options: SeenOptions): Seen {
  const { url, generation, bucketIds, waitMs = 5, maxWaiting, now, events, changed } = options
  if (url === undefined) return unseeing
  const stack = new AsyncDisposableStack()
  const redis = connectRedis(url)
  stack.defer(() => redis.disconnect())
  const buckets = openBuckets(redis, { generation, ...(bucketIds !== undefined && { bucketIds }) })

  const availability = stack.use(
    openAvailability({
      waitMs,
      ask: () => buckets.find([], tickOf(now())),
      changed(up) {
        if (up) {
          keeper.resume()
          catchUp?.resume()
        }
        changed(up)
      },
    }),
  )
  redis.on('ready', () => availability.probe())
  redis.on('close', () => availability.cut())

  const keeper = stack.use(
    openKeeper({
      write: entries => buckets.keep(entries),
      ready: () => availability.available,
      deferred: ids => events.deferred(ids),
      ...(maxWaiting !== undefined && { limit: maxWaiting }),
      ...(options.lingerMs !== undefined && { lingerMs: options.lingerMs }),
    }),
  )
  const roll = openRoll(redis, generation, randomUUID())
  const catchUp =
    options.catchUp &&
    stack.use(openCatchUp({ ...options.catchUp, roll, keeper, ready: () => availability.available, now }))
  const ending = new AbortController()
  const following = options.follow?.(
    ({ id, storedAtMs }) => buckets.keep([{ id, tick: tickOf(storedAtMs) }]),
    ending.signal,
  )
  stack.defer(async () => {
    ending.abort()
    await following
  })
  stack.use(
    openBound(redis, buckets, {
      ...(options.boundEveryMs !== undefined && { everyMs: options.boundEveryMs }),
      ready: () => availability.available,
      now,
      forgot: ids => events.forgotten(ids),
    }),
  )
  const ask = openChecks({
    find: buckets.find,
    waitMs,
    now,
    answered(seconds) {
      availability.answered()
      events.checked(seconds)
    },
    missed(reason, ids) {
      availability.missed()
      events.unchecked(reason, ids)
    },
  })

  return {
    check(id, digest) {
      if (availability.available) return ask(id, digest)
      events.unchecked('down', 1)
      return 'unknown'
    },
    keep: (id, acceptedAtMs, digest = 0) => keeper.keep({ id, tick: tickOf(acceptedAtMs), digest }),
    get up() {
      return availability.available
    },
    get waiting() {
      return keeper.waiting
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const unseeing: Seen = {
  check: () => 'new',
  keep() {},
  up: false,
  waiting: 0,
  async [Symbol.asyncDispose]() {},
}
