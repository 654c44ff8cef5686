import { openTurns, TurnError, type Turns } from '@fairlead/daemon/turns'
import { ApiError } from './problem.ts'

/**
 * Calls that read bodies back: of all organizations, and of one. A body has 8 MiB at most, and is in memory some five times on its way,
 * in the store as well: two hundred at one time, which one key may ask for, would be more than both have.
 */
const most = { ofAll: 4, ofOne: 1 }
const waitMs = 10_000
/** Of one organization; more are refused at once. */
const mostWaiting = 200

export const openBodyTurns = (): Turns<string> =>
  openTurns({ places: most.ofAll, mostOfOne: () => most.ofOne, waitMs, mostWaiting })

/** Throws an ApiError: `rate_limited` to the organization that asks for too many, `unavailable` where others may have the places. */
export function refuseTurn(error: unknown): never {
  if (!(error instanceof TurnError)) throw error
  switch (error.code) {
    case 'too_many_wait':
      throw new ApiError(
        'rate_limited',
        'Too many bodies are being read for this organization: ask for fewer at one time.',
      )
    case 'waited_too_long':
      throw new ApiError('unavailable', 'Too many bodies are being read at the moment: ask again.')
    default:
      throw error.code satisfies never
  }
}
