import { isOwnFault, type Outcome } from './outcome.ts'

/** When and how often a delivery is tried again. */
export interface RetryPolicy {
  /** Milliseconds before the 2nd, 3rd … attempt. Empty: the first attempt is the only one. */
  readonly delaysMs: readonly number[]
  /** The most that a destination's Retry-After is honoured, in milliseconds. */
  readonly retryAfterCapMs: number
}

const minute = 60_000
const hour = 60 * minute

/** The presets of a destination's `retry`. */
export const retryPresets = {
  default: [1 * minute, 5 * minute, 15 * minute],
  // The schedule that Standard Webhooks advises, up to its eighth attempt.
  'standard-webhooks': [5_000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour],
  none: [],
} as const satisfies Record<string, readonly number[]>

/** Retry-After is honoured up to an hour: a destination can't hold its deliveries back for longer. */
export const retryAfterCapMs = hour

export type DeadReason =
  | 'attempts_exhausted'
  | 'gone'
  | 'event_expired'
  | 'url_invalid'
  | 'destination_deleted'
  /** Its next attempt was cancelled. Not settled here: the store does that. */
  | 'cancelled'

/** What follows from an attempt: delivered, a retry at a time, or dead. */
export type Settlement =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly atMs: number }
  | { readonly kind: 'dead'; readonly reason: DeadReason }

/**
 * Decides what follows from an outcome.
 *
 * @param spent attempts made under this policy, this one included: from 1
 * @param random in [0, 1): spreads retries by ±20 %, so that deliveries that failed together don't return together
 */
export function settle(
  outcome: Outcome,
  spent: number,
  policy: RetryPolicy,
  nowMs: number,
  random: number,
): Settlement {
  if (outcome.kind === 'delivered') return { kind: 'delivered' }
  if (outcome.kind === 'gone' || isOwnFault(outcome.kind)) return { kind: 'dead', reason: outcome.kind }
  const delayMs = policy.delaysMs[spent - 1]
  if (delayMs === undefined) return { kind: 'dead', reason: 'attempts_exhausted' }
  const jittered = delayMs * (0.8 + 0.4 * random)
  const asked = Math.min(outcome.retryAfterMs ?? 0, policy.retryAfterCapMs)
  return { kind: 'retry', atMs: Math.round(nowMs + Math.max(jittered, asked)) }
}
