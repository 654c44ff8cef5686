import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { z } from 'zod'

/** Every time in an answer: UTC, to the millisecond. */
export const timeText = z.iso.datetime().meta({ example: '2026-03-01T12:00:00.000Z' })

/** Null where there is none: "never", or "not yet". */
export function presentTime(time: Timestamp | undefined): string | null {
  return time ? timestampDate(time).toISOString() : null
}

/** For times that every row has. Throws a TypeError where the store left it out. */
export function presentTimeOf(time: Timestamp | undefined): string {
  if (!time) throw new TypeError('the store left out a time that every row has')
  return timestampDate(time).toISOString()
}
