/**
 * The two kinds of data that an organization has: `live`, and `test` for what is tried out. A source has a mode, and so has
 * all that follows from what it receives. What says nothing is live, as everything was before there were modes.
 */
export const modes = ['live', 'test'] as const
export type Mode = (typeof modes)[number]

/** The header of a call to the store that shows and touches data of one mode only; absent: of both. */
export const modeHeader = 'fairlead-mode'

export const isMode = (value: unknown): value is Mode => value === 'live' || value === 'test'
