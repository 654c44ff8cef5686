import { StoreError } from './store-error.ts'

/**
 * A time zone that Postgres reads as JavaScript does; an empty text is UTC. Offsets are refused: what JavaScript takes as east of
 * Greenwich, Postgres takes as west. So are abbreviations: to Postgres they are offsets without changes of clock, and of other places
 * (BST: London, or Dhaka). A name that only JavaScript knows is refused where Postgres does not know it: see `isUnknownTimeZone`. Pure.
 * Throws a StoreError `invalid_field` of `time_zone`.
 */
export function readTimeZone(text: string): string {
  if (text === '') return 'UTC'
  if (!isNamed(text)) throw noTimeZone()
  return text
}

/** Whether Postgres refused a statement because it doesn't know the time zone. */
export const isUnknownTimeZone = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === '22023' &&
  /^time zone ".*" not recognized$/.test(error.message)

export const noTimeZone = (cause?: unknown): StoreError =>
  new StoreError(
    'invalid_field',
    'time_zone: must be the name of a time zone, such as Europe/Berlin or UTC',
    {
      field: 'time_zone',
      cause,
    },
  )

function isNamed(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(text)) return false
  // Postgres has no such names, and reads a rule of POSIX in them.
  if (/^systemv\//i.test(text)) return false
  if (/^[a-z]{3}$/i.test(text) && !/^(utc|gmt|uct)$/i.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}
