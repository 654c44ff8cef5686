import { usageFault } from './arguments.ts'

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A time that a person gives, as the API takes it (ISO 8601, UTC): `-10m`, `2026-11-29`, `2026-11-29 10:00` (local), an ISO
 * time, or Unix seconds or milliseconds. Undefined stays undefined.
 *
 * @throws CommandError where it is none of these
 */
export function readTime(
  usage: string,
  name: string,
  text: string | undefined,
  now: Date,
): string | undefined {
  if (text === undefined) return undefined
  const ms = timeOf(text.trim(), now.getTime())
  // Beyond what the API's times can be.
  if (Number.isFinite(ms) && ms >= 0 && ms < 253_402_300_800_000) return new Date(ms).toISOString()
  throw usageFault(
    usage,
    `--${name} takes -10m, -2h, 2026-11-29, "2026-11-29 10:00" (local), an ISO time or Unix seconds, not ${text}`,
  )
}

/**
 * A span of time that a person gives, in ms: `45s`, `30m`, `12h`, `7d`.
 *
 * @throws CommandError where it is none
 */
export function readSpan(usage: string, name: string, text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text.trim()) ?? []
  if (count !== undefined && unit !== undefined) return Number(count) * unitMs[unit]!
  throw usageFault(usage, `--${name} takes 45s, 30m, 12h or 7d, not ${text}`)
}

function timeOf(text: string, nowMs: number): number {
  const ago = /^-(\d{1,9})([smhd])$/.exec(text)
  if (ago) return nowMs - Number(ago[1]) * unitMs[ago[2]!]!
  // Ten digits are seconds until the year 2286; milliseconds have had thirteen since 2001.
  if (/^\d{9,13}$/.test(text)) return Number(text) < 1e11 ? Number(text) * 1000 : Number(text)
  // A date alone is UTC, as in the API; with a time and no zone it is local.
  const isTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i.test(text)
  return isTime ? Date.parse(text.replace(' ', 'T')) : Number.NaN
}
