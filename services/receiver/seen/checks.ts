import type { EventId } from '@fairlead/webhook/id'
import { readFound } from './buckets.ts'
import { isRemembered, tickOf } from './ticks.ts'

/**
 * What is known of an id: that it was accepted in the last 72 hours, with the same body (or one that is not known any
 * more) or with another one; that it wasn't; or (no answer in time) nothing.
 */
export type Known = 'accepted' | 'differs' | 'new' | 'unknown'

export interface CheckOptions {
  /** For each id what `readFound` reads, or -1. */
  find(ids: readonly EventId[], nowTick: number): Promise<readonly number[]>
  /** How long an id may wait for its answer, in ms, from the call to the answer. */
  readonly waitMs: number
  now(): number
  answered(seconds: number): void
  missed(reason: 'late' | 'failed', ids: number): void
}

interface Batch {
  readonly ids: EventId[]
  readonly digests: number[]
  readonly resolves: ((known: Known) => void)[]
  readonly startedMs: number
  timer: NodeJS.Timeout | undefined
  resolved: boolean
}

/** Ids in one request to Redis, which does nothing else while it looks them up (10 to 30 µs each). */
const batchIds = 32
/** Requests under way. Ids that come meanwhile share the next one, so the busier the receiver, the less each id costs. */
const inFlightLimit = 1

/** Opens a function that looks ids up, many to a request, each in bounded time. The function never rejects. */
export function openChecks(options: CheckOptions): (id: EventId, digest?: number) => Promise<Known> {
  const { find, waitMs, now, answered, missed } = options
  let next: Batch | undefined
  let inFlight = 0

  function startBatch(): Batch {
    const batch: Batch = {
      ids: [],
      digests: [],
      resolves: [],
      startedMs: performance.now(),
      timer: undefined,
      resolved: false,
    }
    // After a pause of this process the timer comes before the socket is read: setImmediate lets an answer that is
    // there already win.
    batch.timer = setTimeout(() => setImmediate(giveUp, batch), waitMs)
    setImmediate(sendNext)
    return batch
  }

  function sendNext(): void {
    if (next && inFlight < inFlightLimit) send(next)
  }

  function send(batch: Batch): void {
    next = undefined
    inFlight++
    const nowTick = tickOf(now())
    find(batch.ids, nowTick)
      .then(
        found => {
          const known = found.map((value, index) => knownOf(value, batch.digests[index]!, nowTick))
          if (resolveAll(batch, known)) answered((performance.now() - batch.startedMs) / 1000)
        },
        () => {
          if (resolveAll(batch)) missed('failed', batch.ids.length)
        },
      )
      .finally(() => {
        inFlight--
        sendNext()
      })
  }

  function giveUp(batch: Batch): void {
    if (!resolveAll(batch)) return
    if (next === batch) next = undefined
    missed('late', batch.ids.length)
  }

  return (id, digest = 0) =>
    new Promise(resolve => {
      next ??= startBatch()
      const batch = next
      batch.ids.push(id)
      batch.digests.push(digest)
      batch.resolves.push(resolve)
      if (batch.ids.length >= batchIds) send(batch)
    })
}

function knownOf(found: number, digest: number, nowTick: number): Known {
  if (found < 0) return 'new'
  const first = readFound(found)
  if (!isRemembered(first.tick, nowTick)) return 'new'
  return digest !== 0 && first.digest !== 0 && digest !== first.digest ? 'differs' : 'accepted'
}

/** False if it was resolved before. */
function resolveAll(batch: Batch, known: readonly Known[] = []): boolean {
  if (batch.resolved) return false
  batch.resolved = true
  clearTimeout(batch.timer)
  for (const [index, resolve] of batch.resolves.entries()) resolve(known[index] ?? 'unknown')
  return true
}
