import type { SchemeConfig, Tolerance, Verdict } from '../scheme.ts'

export type TimestampUnit = 's' | 'ms' | 'iso'

/** The age and lead that a provider's own code allows for its signed time; seconds, null for no bound. */
export interface TimestampRule extends Tolerance {
  readonly unit: TimestampUnit
  /** True where an age of exactly `past` already fails (Contentful). */
  readonly pastExclusive?: boolean
}

/** Milliseconds since 1970, or undefined where the text is no such time. */
export function parseTimestamp(text: string, unit: TimestampUnit): number | undefined {
  if (unit === 'iso') {
    // Box writes 2025-10-09T08:53:20-00:00 and Twitch nine digits of a second: Date.parse takes both.
    const ms = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)$/.test(text)
      ? Date.parse(text)
      : Number.NaN
    return Number.isNaN(ms) ? undefined : ms
  }
  if (text.length === 0 || text.length > 15) return undefined
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return unit === 's' ? value * 1000 : value
}

/** A source's tolerance: its own setting where it has one, else what the provider's own code allows. */
export function toleranceOf(rule: TimestampRule, setting: SchemeConfig['toleranceSeconds']): TimestampRule {
  if (setting === undefined) return rule
  if (typeof setting === 'object')
    return { ...rule, ...setting, past: setting.past === 0 ? null : setting.past }
  if (setting === 0) return { ...rule, past: null, future: null }
  return { ...rule, past: setting, future: rule.future === null ? null : setting }
}

/**
 * Whether a signed time is inside the tolerance. Times given in seconds are compared as whole seconds, as the SDKs
 * do: at an age of 300.9 s a tolerance of 300 still holds.
 */
export function checkTimestamp(text: string, rule: TimestampRule, nowMs: number): Verdict | undefined {
  const thenMs = parseTimestamp(text, rule.unit)
  if (thenMs === undefined) return { kind: 'invalid', reason: 'timestamp_malformed' }
  const ageSeconds = rule.unit === 's' ? Math.floor(nowMs / 1000) - thenMs / 1000 : (nowMs - thenMs) / 1000
  const isOld = rule.past !== null && (rule.pastExclusive ? ageSeconds >= rule.past : ageSeconds > rule.past)
  const isAhead = rule.future !== null && -ageSeconds > rule.future
  if (!isOld && !isAhead) return undefined
  const seconds = Math.round(Math.abs(ageSeconds))
  return {
    kind: 'invalid',
    reason: 'timestamp_out_of_tolerance',
    detail: isOld
      ? `signed ${seconds} s ago, ${rule.past} s are allowed`
      : `signed ${seconds} s in the future, ${rule.future} s are allowed`,
  }
}
