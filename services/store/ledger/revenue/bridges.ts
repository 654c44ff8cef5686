import { type Bridge, endOf } from '@fairlead/ledger/metrics/bridge'
import { convertBridges } from '@fairlead/ledger/metrics/rates'
import { type Conversion, requireRates } from './rates.ts'
import type { Span } from './spans.ts'
import type { Moved, Totals } from './sums.ts'

/** A bridge for each currency and span. @param spans in order and without a gap */
export function bridgesOf(amounts: ReadonlyMap<string, Totals<Moved>>, spans: readonly Span[]): Bridge[] {
  return [...amounts].flatMap(([currency, totals]) =>
    spans.map(({ label, fromMs, untilMs }) => {
      const { grown: _grown, ...moved } = totals.between(fromMs, untilMs)
      const parts = { start: totals.before(fromMs).grown, ...moved, fx: 0n }
      return { period: label, currency, ...parts, end: endOf(parts) }
    }),
  )
}

/** Bridges of days in one currency, where that is asked for. Throws a StoreError `rate_missing`. */
export function inOneCurrency(
  days: readonly Bridge[],
  conversion: Conversion | undefined,
): readonly Bridge[] {
  if (!conversion) return days
  requireRates(conversion, days)
  const { to, rates, policy } = conversion
  return convertBridges(days, to, rates, policy)
}
