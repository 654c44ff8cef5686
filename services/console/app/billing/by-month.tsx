import {
  type BillingArpu,
  type BillingChurn,
  type BillingLtv,
  listBillingArpu,
  listBillingChurn,
  listBillingLtv,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { BarChart } from '../parts/bar-chart.tsx'
import { Amount } from './amount.tsx'
import { FiguresTable } from './figures-table.tsx'
import { moneyText } from './money.ts'
import type { RevenueView } from './revenue-view.ts'
import { shareBar, shareText } from './shares.ts'

/** Who left and what that took, by both usual definitions. */
export const churnView: RevenueView<BillingChurn> = {
  title: 'Churn',
  about:
    'Of the customers at the beginning of a month, how many left; and of its recurring revenue, how much went. A customer who ends one of two subscriptions shrinks, and has not left.',
  nothing: 'No customer had recurring revenue.',
  load: async (slug, asked, signal) => {
    const { periods, ...state } = await take(listBillingChurn(slug, asked, { signal }))
    return { rows: periods, state }
  },
  currencyOf: ({ currency }) => currency,
  show: rows => (
    <>
      <BarChart
        {...monthsOf(rows)}
        title="Customers who left, of those at the beginning of the month"
        parts={['', 'left']}
        format={shareBar}
        bars={rows.map(({ from, customerChurn }) => ({
          at: new Date(from),
          counts: [0, Number(customerChurn.standard ?? 0)],
        }))}
      />
      <FiguresTable
        title="Churn by month"
        rows={rows}
        keyOf={({ period }) => period}
        columns={[
          ['Month', ({ period }) => period],
          ['Customers', ({ subscribers: { start } }) => start.toLocaleString()],
          ['Began', ({ subscribers: { started } }) => started.toLocaleString()],
          ['Left', ({ customerChurn: { left } }) => left.toLocaleString()],
          ['Customer churn', ({ customerChurn }) => shareText(customerChurn.standard)],
          ['As Stripe counts', ({ customerChurn }) => shareText(customerChurn.stripe)],
          ['Revenue churn, gross', ({ revenueChurn }) => shareText(revenueChurn.gross)],
          ['Net', ({ revenueChurn }) => shareText(revenueChurn.net)],
          ['Revenue kept, gross', ({ revenueRetention }) => shareText(revenueRetention.gross)],
          ['Net', ({ revenueRetention }) => shareText(revenueRetention.net)],
        ]}
      />
    </>
  ),
}

interface Values {
  readonly period: string
  readonly from: string
  readonly until: string
  readonly currency: string
  readonly arpu: BillingArpu
  readonly ltv: BillingLtv | undefined
}

/** What a customer brings in a month, and before leaving. */
export const valueView: RevenueView<Values> = {
  title: 'Per customer',
  about:
    'The average recurring revenue of a customer (ARPU, here the same as ARPA), and what a customer brings before leaving, were the month’s churn to stay as it is. While nobody leaves that is unknown, not zero.',
  nothing: 'No customer had recurring revenue.',
  load: async (slug, asked, signal) => {
    const [averages, lifetimes] = await Promise.all([
      take(listBillingArpu(slug, asked, { signal })),
      take(listBillingLtv(slug, asked, { signal })),
    ])
    const ltvOf = new Map(lifetimes.periods.map(ltv => [`${ltv.period} ${ltv.currency}`, ltv]))
    const { periods, ...state } = averages
    return {
      rows: periods.map(arpu => {
        const { period, from, until, currency } = arpu
        return { period, from, until, currency, arpu, ltv: ltvOf.get(`${period} ${currency}`) }
      }),
      state,
    }
  },
  currencyOf: ({ currency }) => currency,
  show: rows => (
    <>
      <BarChart
        {...monthsOf(rows)}
        title="Average recurring revenue of a customer"
        parts={['a month', '']}
        format={amount => {
          const known = rows.find(({ arpu }) => arpu.arpu !== null)?.arpu.arpu
          return known ? moneyText({ ...known, amount }) : String(amount)
        }}
        bars={rows.map(({ from, arpu }) => ({ at: new Date(from), counts: [arpu.arpu?.amount ?? 0, 0] }))}
      />
      <FiguresTable
        title="Averages by month"
        rows={rows}
        keyOf={({ period }) => period}
        columns={[
          ['Month', ({ period }) => period],
          ['Recurring a month', ({ arpu }) => <Amount of={arpu.mrr} />],
          ['A year', ({ arpu }) => <Amount of={arpu.arr} />],
          ['Customers', ({ arpu }) => arpu.subscribers.toLocaleString()],
          ['Average', ({ arpu }) => <Amount of={arpu.arpu} />],
          ['Customer churn', ({ ltv }) => shareText(ltv?.customerChurn ?? null)],
          ['Lifetime value', ({ ltv }) => <Amount of={ltv?.ltv ?? null} />],
        ]}
      />
    </>
  ),
}

const monthMs = 28 * 86_400_000

/** From the first month to the last, for a chart that has a bar for each. */
function monthsOf(rows: readonly { readonly from: string; readonly until: string }[]) {
  return {
    from: new Date(rows[0]?.from ?? 0),
    until: new Date(rows.at(-1)?.until ?? 0),
    spanMs: monthMs,
    isByDay: true,
    withNumbers: false,
  } as const
}
