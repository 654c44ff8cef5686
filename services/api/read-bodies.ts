import { openTurns, type Turns } from '@fairlead/daemon/turns'

/**
 * Calls that read bodies back: of all organizations, and of one. A body has 8 MiB at most, and is in memory some five times on its way,
 * in the store as well: two hundred at one time, which one key may ask for, would be more than both have.
 */
const most = { ofAll: 8, ofOne: 4 }
const waitMs = 10_000
/** Of one organization; more are refused at once. */
const mostWaiting = 200

export const openBodyTurns = (): Turns<string> =>
  openTurns({ places: most.ofAll, mostOfOne: () => most.ofOne, waitMs, mostWaiting })
