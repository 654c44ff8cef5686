import type { BillingArpu, BillingDay, Money } from '@fairlead/client/gen/client'
import type { Bar } from '../parts/bar-chart.tsx'

/** Names of movements, in the order in which they are added up; `sign` is how. */
const movements = [
  { name: 'new', label: 'New', sign: 1 },
  { name: 'reactivation', label: 'Came back', sign: 1 },
  { name: 'expansion', label: 'Grew', sign: 1 },
  { name: 'contraction', label: 'Shrank', sign: -1 },
  { name: 'churn', label: 'Left', sign: -1 },
  { name: 'fx', label: 'Exchange rates', sign: 1 },
] as const

/** Exchange rates move something only where figures are converted. */
export const movementsOf = (days: readonly BillingDay[]) =>
  movements.filter(({ name }) => name !== 'fx' || days.some(({ mrr }) => mrr.fx.amount !== 0))

/** The figures of one currency. */
export interface CurrencyDays {
  readonly currency: string
  /** In order; none where nothing moved: the API leaves out such days. */
  readonly days: readonly BillingDay[]
  /** What there is at the end of the time, also where nothing moved in it. Undefined: no recurring revenue. */
  readonly standing: Pick<BillingArpu, 'mrr' | 'subscribers'> | undefined
}

/**
 * What moved and what stands, by currency; the one with most subscribers first.
 *
 * @param periods by time within each currency
 */
export function byCurrency(days: readonly BillingDay[], periods: readonly BillingArpu[]): CurrencyDays[] {
  const last = new Map(periods.map(period => [period.currency, period]))
  const standing = [...last.values()].filter(({ mrr, subscribers }) => mrr.amount !== 0 || subscribers > 0)
  const names = new Set([...days, ...standing].map(({ currency }) => currency))
  const rows = [...names].map(currency => ({
    currency,
    days: days.filter(day => day.currency === currency),
    standing: standing.find(period => period.currency === currency),
  }))
  const customersOf = ({ days, standing }: CurrencyDays) =>
    standing?.subscribers ?? days.at(-1)?.subscribers ?? 0
  return rows.toSorted((a, b) => customersOf(b) - customersOf(a) || (a.currency < b.currency ? -1 : 1))
}

/** The sums of a currency's days. Undefined where nothing moved and nothing stands. */
export function sumOf({ days, standing }: Pick<CurrencyDays, 'days' | 'standing'>) {
  const [start, end] = [days[0]?.mrr.start ?? standing?.mrr, days.at(-1)?.mrr.end ?? standing?.mrr]
  if (!start || !end) return undefined
  const add = (pick: (day: BillingDay) => Money): Money => ({
    ...start,
    amount: days.reduce((sum, day) => sum + pick(day).amount, 0),
  })
  const count = (pick: (day: BillingDay) => number) => days.reduce((sum, day) => sum + pick(day), 0)
  return {
    start,
    end,
    movements: movementsOf(days).map(({ name, label, sign }) => ({
      label,
      sign,
      amount: add(({ mrr }) => mrr[name]),
    })),
    subscribers: days.at(-1)?.subscribers ?? standing?.subscribers ?? 0,
    started: count(({ customersStarted }) => customersStarted),
    churned: count(({ customersChurned }) => customersChurned),
    paid: add(({ paid }) => paid),
    refunded: add(({ refunded }) => refunded),
    lost: add(({ lost }) => lost),
    failed: count(({ paymentsFailed }) => paymentsFailed),
  }
}

type Counted = (day: BillingDay) => readonly [number, number]

export const gainedAndLost: Counted = ({ mrr }) => {
  // What rates moved may be a loss.
  const moved = movements.map(({ name, sign }) => sign * mrr[name].amount)
  return [
    moved.reduce((sum, amount) => sum + Math.max(amount, 0), 0),
    moved.reduce((sum, amount) => sum + Math.max(-amount, 0), 0),
  ]
}

export const paidAndGivenBack: Counted = ({ paid, refunded, lost }) => [
  paid.amount,
  refunded.amount + lost.amount,
]

/** More days than a chart shows, and than the API answers for. */
const mostDays = 1_100

/**
 * A bar for each day of a time, in the viewer's zone. The API leaves out days on which nothing happened.
 *
 * @param between what a day without a row counts, from the row before it; undefined: before the first
 */
export function everyDay(
  days: readonly BillingDay[],
  { from, until }: { readonly from: Date; readonly until: Date },
  counted: Counted,
  between: (before: BillingDay | undefined) => readonly [number, number] = () => [0, 0],
): readonly Bar[] {
  const byDay = new Map(days.map(day => [day.day, day]))
  const bars: Bar[] = []
  let before: BillingDay | undefined
  const [year, month, first] = [from.getFullYear(), from.getMonth(), from.getDate()]
  for (let count = 0; count < mostDays; count++) {
    const at = new Date(year, month, first + count)
    if (at >= until) break
    const day = byDay.get(dayText(at))
    bars.push({ at, counts: day ? counted(day) : between(before) })
    before = day ?? before
  }
  return bars
}

/** Recurring revenue at the end of each day: it stays as it was until it moves. */
export function recurring(
  { days, standing }: Pick<CurrencyDays, 'days' | 'standing'>,
  time: { readonly from: Date; readonly until: Date },
) {
  const start = (days[0]?.mrr.start ?? standing?.mrr)?.amount ?? 0
  return everyDay(
    days,
    time,
    ({ mrr }) => [mrr.end.amount, 0],
    before => [before?.mrr.end.amount ?? start, 0],
  )
}

function dayText(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}
