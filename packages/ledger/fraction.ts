import { parseRatio, type Ratio, roundHalfEven } from './money.ts'

/** Exact arithmetic with fractions of bigints, for prices by the month. Rounded once, at the end. */

export const zero: Ratio = { numerator: 0n, denominator: 1n }

export function whole(value: bigint): Ratio {
  return { numerator: value, denominator: 1n }
}

export function plus(a: Ratio, b: Ratio): Ratio {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  }
}

/** a − b, but at least 0. */
export function minusToZero(a: Ratio, b: Ratio): Ratio {
  const difference = plus(a, { numerator: -b.numerator, denominator: b.denominator })
  return difference.numerator < 0n ? zero : difference
}

export function times(a: Ratio, b: Ratio): Ratio {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator }
}

/** @param b above 0 */
export function over(a: Ratio, b: Ratio): Ratio {
  return { numerator: a.numerator * b.denominator, denominator: a.denominator * b.numerator }
}

/** What is left after a percentage is taken off: `"12.5"` leaves 7/8. */
export function lessPercent(percent: string): Ratio {
  const { numerator, denominator } = parseRatio(percent)
  return { numerator: 100n * denominator - numerator, denominator: 100n * denominator }
}

export function rounded({ numerator, denominator }: Ratio): bigint {
  return roundHalfEven(numerator, denominator)
}

/**
 * A share as a decimal text with 6 digits after the point, a half to even: `"0.041667"`. Null where there is nothing to
 * divide by, because a share of nothing is neither 0 nor 1.
 */
export function share(part: bigint, of: bigint): string | null {
  if (of <= 0n) return null
  const millionths = roundHalfEven(part * 1_000_000n, of)
  const digits = (millionths < 0n ? -millionths : millionths).toString().padStart(7, '0')
  return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
}
