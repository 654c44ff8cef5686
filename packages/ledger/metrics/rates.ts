import { rounded, times } from '../fraction.ts'
import { exponentOf, parseRatio } from '../money.ts'
import { type Bridge, endOf } from './bridge.ts'
import { dayBefore } from './calendar.ts'

/** An exchange rate that the tenant entered: one unit of `from` is `rate` units of `to`, on and after a day. */
export interface ExchangeRate {
  readonly day: string
  readonly from: string
  readonly to: string
  /** A decimal text: `"1.0832"`. */
  readonly rate: string
}

/** Rates of each day, which moves MRR (`fx`); or those of one day for all time. */
export type RatePolicy = { readonly kind: 'historical' } | { readonly kind: 'constant'; readonly day: string }

/** The rate in force on a day: the latest of that day or before. Null where there is none: never 1. */
export function rateOn(rates: readonly ExchangeRate[], day: string, from: string, to: string): string | null {
  if (from === to) return '1'
  const usable = rates.filter(rate => rate.from === from && rate.to === to && rate.day <= day)
  return (
    usable.reduce<ExchangeRate | null>(
      (latest, rate) => (latest && latest.day >= rate.day ? latest : rate),
      null,
    )?.rate ?? null
  )
}

/**
 * An amount of minor units in another currency, rounded half to even; null where no rate is known. Nothing is nothing in each currency.
 */
export function convert(
  amount: bigint,
  from: string,
  to: string,
  day: string,
  rates: readonly ExchangeRate[],
): bigint | null {
  if (amount === 0n) return 0n
  const rate = rateOn(rates, day, from, to)
  return rate === null ? null : atRate(amount, from, to, rate)
}

function atRate(amount: bigint, from: string, to: string, rate: string): bigint {
  const shift = BigInt(exponentOf(to) - exponentOf(from))
  const scale =
    shift >= 0n ? { numerator: 10n ** shift, denominator: 1n } : { numerator: 1n, denominator: 10n ** -shift }
  return rounded(times({ numerator: amount, denominator: 1n }, times(parseRatio(rate), scale)))
}

/**
 * Bridges of all currencies as one of a single currency. Each day's movements are converted at its rate, its start at the rate of the day
 * before, the first one's too: it is what that day ended with, wherever the span begins. `fx` is what the change of rates, and rounding,
 * moved, so that the sum is exact. A currency that lacks the rate of a day with an amount is left out: see `missingRate`.
 * @param bridges of one span, by currency and period, as `mrrBridge` gives them by day
 */
export function convertBridges(
  bridges: readonly Bridge[],
  to: string,
  rates: readonly ExchangeRate[],
  policy: RatePolicy,
): readonly Bridge[] {
  const dayFor = (period: string): string => (policy.kind === 'constant' ? policy.day : period)
  const converted: Bridge[][] = []
  for (const [currency, own] of Map.groupBy(bridges, bridge => bridge.currency)) {
    const usable = rates.filter(rate => rate.from === currency && rate.to === to)
    if (!missingRate(own, to, usable, policy)) converted.push(inCurrency(own, to, usable, dayFor))
  }
  const byPeriod = Map.groupBy(converted.flat(), ({ period }) => period)
  const periods = [...byPeriod].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return periods.map(([period, parts]) => sumOf(period, to, parts))
}

/** The first period, by currency and time, that has an amount and no rate: its currency and the day whose rate is wanted. */
export function missingRate(
  bridges: readonly Bridge[],
  to: string,
  rates: readonly ExchangeRate[],
  policy: RatePolicy,
): { readonly currency: string; readonly day: string } | null {
  for (const bridge of bridges) {
    const day = policy.kind === 'constant' ? policy.day : bridge.period
    if (!isEmpty(bridge) && rateOn(rates, day, bridge.currency, to) === null) {
      return { currency: bridge.currency, day }
    }
  }
  return null
}

function isEmpty({ period: _period, currency: _currency, ...amounts }: Bridge): boolean {
  return Object.values(amounts).every(amount => amount === 0n)
}

/** All of one currency, for which every period with an amount has a rate. */
function inCurrency(
  own: readonly Bridge[],
  to: string,
  rates: readonly ExchangeRate[],
  dayFor: (period: string) => string,
): Bridge[] {
  const result: Bridge[] = []
  for (const bridge of own) {
    // Once for a period: a table may have thousands of rates, and a span a thousand days.
    const rate = rateOn(rates, dayFor(bridge.period), bridge.currency, to)
    const at = (amount: bigint, by = rate): bigint =>
      by === null || amount === 0n ? 0n : atRate(amount, bridge.currency, to, by)
    const end = at(bridge.end)
    const parts = {
      start: result.at(-1)?.end ?? at(bridge.start, rateBefore(bridge, to, rates, dayFor) ?? rate),
      new: at(bridge.new),
      reactivation: at(bridge.reactivation),
      expansion: at(bridge.expansion),
      contraction: at(bridge.contraction),
      churn: at(bridge.churn),
      fx: 0n,
    }
    result.push({ period: bridge.period, currency: to, ...parts, fx: end - endOf(parts), end })
  }
  return result
}

/** The rate of the day before a bridge's, null where there is none yet. */
function rateBefore(
  { period, currency }: Bridge,
  to: string,
  rates: readonly ExchangeRate[],
  dayFor: (period: string) => string,
): string | null {
  return rateOn(rates, dayFor(dayBefore(period)), currency, to)
}

function sumOf(period: string, currency: string, parts: readonly Bridge[]): Bridge {
  const sum = (part: (bridge: Bridge) => bigint): bigint =>
    parts.reduce((total, bridge) => total + part(bridge), 0n)
  return {
    period,
    currency,
    start: sum(({ start }) => start),
    new: sum(bridge => bridge.new),
    reactivation: sum(({ reactivation }) => reactivation),
    expansion: sum(({ expansion }) => expansion),
    contraction: sum(({ contraction }) => contraction),
    churn: sum(({ churn }) => churn),
    fx: sum(({ fx }) => fx),
    end: sum(({ end }) => end),
  }
}
