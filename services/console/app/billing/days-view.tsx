import { type BillingDay, listBillingArpu, listBillingDays, type Money } from '@fairlead/client/gen/client'
import type { ComponentProps, ReactNode } from 'react'
import { take } from '../call.ts'
import { BarChart } from '../parts/bar-chart.tsx'
import { Figure } from '../parts/figure.tsx'
import { Amount } from './amount.tsx'
import { FiguresTable } from './figures-table.tsx'
import { moneyText } from './money.ts'
import { Bridge, OtherCurrencies } from './revenue-bridge.tsx'
import {
  byCurrency,
  type CurrencyDays,
  everyDay,
  gainedAndLost,
  movementsOf,
  paidAndGivenBack,
  recurring,
  sumOf,
} from './revenue-days.ts'
import type { RevenueView, Time } from './revenue-view.ts'

const dayMs = 86_400_000

/** Recurring revenue, what moved it, and the money that came, day by day. */
export const daysView: RevenueView<CurrencyDays> = {
  title: 'Day by day',
  about: 'Recurring revenue a month as of each day, what moved it, and the money that came.',
  nothing: 'There is no recurring revenue: none began, changed or ended, and no money came.',
  preset: '-90d',
  load: async (slug, asked, signal) => {
    const lastDay = new Date(Date.parse(asked.before) - dayMs).toISOString()
    const [{ days, ...state }, { periods }] = await Promise.all([
      take(listBillingDays(slug, asked, { signal })),
      // In a quiet time no day tells what there is.
      take(listBillingArpu(slug, { ...asked, after: lastDay }, { signal })),
    ])
    return { rows: byCurrency(days, periods), state }
  },
  currencyOf: ({ currency }) => currency,
  show: ([row], all, time) => row && <Days row={row} all={all} time={time} />,
}

function Days({
  row,
  all,
  time,
}: {
  readonly row: CurrencyDays
  readonly all: readonly CurrencyDays[]
  readonly time: Time
}) {
  const sum = sumOf(row)
  if (!sum) return null
  const format = (amount: number) => moneyText({ ...sum.end, amount })
  const chart = { ...time, spanMs: dayMs, format, isByDay: true, withNumbers: false } as const
  return (
    <>
      <div className="figures">
        <Figure name="Recurring revenue a month" value={moneyText(sum.end)} />
        <Figure name="more or less than at the beginning" value={difference(sum.start, sum.end)} />
        <Figure name="Customers with recurring revenue" value={sum.subscribers.toLocaleString()} />
        <Figure name="Paid" value={moneyText(sum.paid)} />
        <Figure
          name="Given back, or lost in disputes"
          value={format(sum.refunded.amount + sum.lost.amount)}
        />
        <Figure name="Payments that failed" value={sum.failed.toLocaleString()} />
      </div>
      <BarChart
        {...chart}
        title="Recurring revenue a month"
        parts={['a month', '']}
        bars={recurring(row, time)}
      />
      {row.days.length > 0 ? (
        <Moved days={row.days} sum={sum} time={time} chart={chart} />
      ) : (
        <p className="note">
          <strong>Nothing moved in this time:</strong> no recurring revenue in {row.currency} began, changed
          or ended, and no money came.
        </p>
      )}
      <OtherCurrencies all={all} currency={row.currency} />
    </>
  )
}

function Moved({
  days,
  sum,
  time,
  chart,
}: {
  readonly days: readonly BillingDay[]
  readonly sum: NonNullable<ReturnType<typeof sumOf>>
  readonly time: Time
  readonly chart: Omit<ComponentProps<typeof BarChart>, 'title' | 'parts' | 'bars' | 'isSecondBelow'>
}) {
  return (
    <>
      <BarChart
        {...chart}
        title="What moved it"
        parts={['gained', 'lost']}
        bars={everyDay(days, time, gainedAndLost)}
        isSecondBelow
      />
      <BarChart
        {...chart}
        title="Money"
        parts={['paid', 'given back or lost']}
        bars={everyDay(days, time, paidAndGivenBack)}
        isSecondBelow
      />
      <h2>From beginning to end</h2>
      <Bridge sum={sum} />
      <h2>Day by day</h2>
      <p className="muted">Days on which nothing happened are left out.</p>
      <FiguresTable title="Day by day" rows={days} keyOf={({ day }) => day} columns={dayColumns(days)} />
    </>
  )
}

function difference(start: Money, end: Money): string {
  const amount = end.amount - start.amount
  // With a joiner, so that no line ends after the sign.
  return `${amount > 0 ? '+\u2060' : ''}${moneyText({ ...end, amount })}`
}

type Columns = readonly (readonly [string, (day: BillingDay) => ReactNode])[]

const orNone = (money: Money) => <Amount of={money.amount === 0 ? null : money} />

const dayColumns = (days: readonly BillingDay[]): Columns => [
  ['Day', ({ day }: BillingDay) => day],
  ['Beginning', ({ mrr }: BillingDay) => <Amount of={mrr.start} />],
  ...movementsOf(days).map(
    ({ name, label, sign }) =>
      [`${sign > 0 ? '+' : '−'} ${label}`, ({ mrr }: BillingDay) => orNone(mrr[name])] as const,
  ),
  ['= End', ({ mrr }: BillingDay) => <Amount of={mrr.end} />],
  ['Customers', ({ subscribers }: BillingDay) => subscribers.toLocaleString()],
  ['Paid', ({ paid }: BillingDay) => orNone(paid)],
  ['Given back', ({ refunded }: BillingDay) => orNone(refunded)],
  ['Lost', ({ lost }: BillingDay) => orNone(lost)],
  ['Failed', ({ paymentsFailed }: BillingDay) => paymentsFailed.toLocaleString()],
]
