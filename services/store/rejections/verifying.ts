import { openTurns, TurnError } from '@fairlead/daemon/turns'
import type { OrganizationId } from '@fairlead/webhook/id'
import { StoreError } from '../store-error.ts'

/** Calls that verify rejections at one time, of all organizations. */
const places = 2
/** Calls of one organization that wait, at most. */
const mostWaiting = 4
/** With the time that a call verifies it is below the call's deadline, ms. */
const longestWaitMs = 4_000

/** Waits for an organization's turn. Disposing gives it back. Throws a StoreError `verifying_busy`, or why the call was ended. */
export type TakeVerifying = (organization: OrganizationId, signal: AbortSignal) => Promise<Disposable>

/**
 * Summaries and promotions verify hundreds of bodies in a process that answers others meanwhile: one call of an organization at a
 * time, in turns.
 */
export function openVerifying(waitMs = longestWaitMs): TakeVerifying {
  const turns = openTurns<OrganizationId>({ places, mostOfOne: () => 1, waitMs, mostWaiting })
  return async (organization, signal) => {
    const turn = await turns.take(organization).catch(refuse)
    // Its caller has gone while it waited.
    if (signal.aborted) turn[Symbol.dispose]()
    signal.throwIfAborted()
    return turn
  }
}

function refuse(cause: unknown): never {
  if (!(cause instanceof TurnError)) throw cause
  throw new StoreError('verifying_busy', 'other rejections of this organization are being verified', {
    cause,
  })
}
