import { openTokenBucket, type TokenBucket } from '@fairlead/daemon/token-bucket'
import {
  type DeliveryId,
  type EventId,
  randomBits,
  randomBitsAbove,
  randomPart,
  randomPartAbove,
} from '@fairlead/webhook/id'

/**
 * Which traces are kept: a ratio of all, told by the id alone, so that every process decides the same without asking another;
 * and each trace in which something went wrong. Both are bounded for each process: a flood of failures, or a sender who
 * chooses ids that the ratio keeps, would else cost the tenants' deliveries.
 */
export interface Keeper {
  /** Whether the ratio keeps the trace of this id. Takes some 20 ns. */
  samples(id: EventId | DeliveryId): boolean
  /** The same of a trace's id, 32 hexadecimal digits; of an event's trace it says what `samples` says of the event. */
  samplesTrace(traceId: string): boolean
  /** Whether a trace that the ratio keeps may be kept. */
  admitSampled(nowMs: number): boolean
  /**
   * Whether a trace of a failure may be kept.
   * @param kind above the bound, one trace of each kind is kept in ten seconds
   */
  admitFailure(kind: string, nowMs: number): boolean
}

/** Why a trace that was to be kept was left out: a label of `fairlead_traces_skipped_total`. */
export const skippedReasons = ['sampled', 'failure', 'refusal'] as const
export type SkippedReason = (typeof skippedReasons)[number]

/** Traces of failures a second. */
const failuresPerSecond = 200
/** The ratio's bound is its part of so many webhooks a second, and `failuresPerSecond` more. */
const webhooksPerSecond = 10_000
const oneOfEachKindMs = 10_000
/** Kinds that are remembered, about 150 bytes each. */
const mostKinds = 4_096

/** @param ratio 0 to 1 */
export function openKeeper(ratio: number, skipped: (why: SkippedReason) => void): Keeper {
  const from = randomPartAbove(ratio)
  const fromBits = randomBitsAbove(ratio)
  const sampledBucket = openTokenBucket({ perSecond: failuresPerSecond + ratio * webhooksPerSecond })
  const failureBucket = openTokenBucket({ perSecond: failuresPerSecond, burst: failuresPerSecond })
  const kinds = openKinds()
  return {
    samples: id => randomPart(id) >= from,
    samplesTrace: traceId => (BigInt(`0x${traceId.slice(-14)}`) & randomBits) >= fromBits,
    admitSampled: nowMs => take(sampledBucket, nowMs) || skip('sampled'),
    admitFailure: (kind, nowMs) => kinds.take(kind, nowMs, failureBucket) || skip('failure'),
  }

  function skip(why: SkippedReason): false {
    skipped(why)
    return false
  }
}

const take = (bucket: TokenBucket, nowMs: number): boolean => bucket.take(nowMs) === 0

interface Kinds {
  take(kind: string, nowMs: number, bucket: TokenBucket): boolean
}

/** Remembers when a trace of each kind was kept last. */
function openKinds(): Kinds {
  const keptMs = new Map<string, number>()
  return {
    take(kind, nowMs, bucket) {
      const isNew = nowMs - (keptMs.get(kind) ?? Number.NEGATIVE_INFINITY) >= oneOfEachKindMs
      if (!take(bucket, nowMs) && !isNew) return false
      if (!isNew) return true
      // The kinds that were kept longest ago stand first. All of 4,096 within ten seconds: then none more is kept.
      keptMs.delete(kind)
      for (const [oldest, atMs] of keptMs) {
        if (nowMs - atMs < oneOfEachKindMs) break
        keptMs.delete(oldest)
      }
      if (keptMs.size >= mostKinds) return false
      keptMs.set(kind, nowMs)
      return true
    },
  }
}
