import type { MovementRow } from '../rows.ts'
import { type Calendar, daysBetween, monthOf } from './calendar.ts'

/** MRR of one currency over one day or month: `start + new + reactivation + expansion − contraction − churn + fx = end`, exactly. */
export interface Bridge {
  /** A day or a month. */
  readonly period: string
  readonly currency: string
  readonly start: bigint
  readonly new: bigint
  readonly reactivation: bigint
  readonly expansion: bigint
  readonly contraction: bigint
  readonly churn: bigint
  /** What exchange rates moved; 0 without conversion. May be negative. */
  readonly fx: bigint
  readonly end: bigint
}

export interface Span {
  /** The first and the last day, both included. */
  readonly from: string
  readonly to: string
  readonly by: 'day' | 'month'
}

/** A bridge for each period and currency, by currency and period. Movements before the span make its first start. */
export function mrrBridge(
  movements: readonly MovementRow[],
  { from, to, by }: Span,
  calendar: Calendar,
): Bridge[] {
  const placed = movements.map(movement => ({ movement, day: calendar.dayOf(movement.at) }))
  const inTime = placed.filter(({ day }) => day <= to)
  const periods = [...new Set(daysBetween(from, to).map(day => (by === 'day' ? day : monthOf(day))))]
  const currencies = [...new Set(inTime.map(({ movement }) => movement.currency))].toSorted()
  return currencies.flatMap(currency => {
    const own = inTime.filter(({ movement }) => movement.currency === currency)
    const inPeriod = Map.groupBy(
      own.filter(({ day }) => day >= from),
      ({ day }) => (by === 'day' ? day : monthOf(day)),
    )
    let start = own
      .filter(({ day }) => day < from)
      .reduce((sum, { movement }) => sum + movement.after - movement.before, 0n)
    return periods.map(period => {
      const bridge = bridgeOf(
        period,
        currency,
        start,
        (inPeriod.get(period) ?? []).map(({ movement }) => movement),
      )
      start = bridge.end
      return bridge
    })
  })
}

function bridgeOf(
  period: string,
  currency: string,
  start: bigint,
  movements: readonly MovementRow[],
): Bridge {
  const sum = (kind: MovementRow['kind']): bigint =>
    movements
      .filter(movement => movement.kind === kind)
      .reduce((total, movement) => total + movement.amount, 0n)
  const parts = {
    new: sum('new'),
    reactivation: sum('reactivation'),
    expansion: sum('expansion'),
    contraction: sum('contraction'),
    churn: sum('churn'),
    fx: 0n,
  }
  return { period, currency, start, ...parts, end: endOf({ start, ...parts }) }
}

/** Bridges of days as bridges of months, by currency and month. @param days by currency and day, without a gap within a currency */
export function bridgesByMonth(days: readonly Bridge[]): Bridge[] {
  const months = Map.groupBy(days, ({ currency, period }) => `${currency} ${monthOf(period)}`)
  return [...months.values()].map(own => {
    const first = own[0]!
    const sum = (part: (bridge: Bridge) => bigint): bigint =>
      own.reduce((total, bridge) => total + part(bridge), 0n)
    return {
      period: monthOf(first.period),
      currency: first.currency,
      start: first.start,
      new: sum(bridge => bridge.new),
      reactivation: sum(({ reactivation }) => reactivation),
      expansion: sum(({ expansion }) => expansion),
      contraction: sum(({ contraction }) => contraction),
      churn: sum(({ churn }) => churn),
      fx: sum(({ fx }) => fx),
      end: own.at(-1)!.end,
    }
  })
}

/** The end that start and movements lead to. */
export function endOf(parts: Omit<Bridge, 'period' | 'currency' | 'end'>): bigint {
  return (
    parts.start +
    parts.new +
    parts.reactivation +
    parts.expansion -
    parts.contraction -
    parts.churn +
    parts.fx
  )
}
