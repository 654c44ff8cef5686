/**
 * Time as the memory of seen ids keeps it: in steps of 12 minutes, 120 of them a day, so that the step within its day
 * is a number below 128, which takes one byte in Redis.
 */
export const tickMs = 12 * 60_000
export const ticksPerDay = 120

/** How long an accepted id is remembered: providers repeat a webhook for up to three days. */
export const rememberedHours = 72
const rememberedTicks = (rememberedHours * 3_600_000) / tickMs

/** A day's ids are dropped together, once the last of them is too old to matter. */
export const daysLookedUp = Math.ceil(rememberedTicks / ticksPerDay) + 1
export const keptAfterDayMs = rememberedHours * 3_600_000 + tickMs

/** The step in which a moment (Unix ms) lies. */
export const tickOf = (atMs: number): number => Math.floor(atMs / tickMs)
export const dayOf = (tick: number): number => Math.floor(tick / ticksPerDay)

/** Whether an id accepted in one step is still a repeat in another: for 72 h at least, for 72 h 12 min at most. */
export const isRemembered = (acceptedTick: number, nowTick: number): boolean =>
  nowTick - acceptedTick <= rememberedTicks
