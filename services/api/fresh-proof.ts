import type { Caller } from './caller.ts'
import { ApiError } from './problem.ts'

/** How long after signing in a person may do what can't be undone by others, ms. */
export const freshMs = 10 * 60_000

/**
 * Whether a caller has just proved who it is. A browser that was left open, or a session that was stolen, must not make owners or
 * delete organizations. A key is proof each time. Pure.
 */
export const isFresh = (caller: Caller, nowMs: number): boolean =>
  caller.kind === 'api-key' || nowMs - caller.provenAtMs <= freshMs

/** Throws an ApiError `proof_too_old`. */
export function requireFreshProof(caller: Caller): void {
  if (!isFresh(caller, Date.now())) throw new ApiError('proof_too_old')
}
