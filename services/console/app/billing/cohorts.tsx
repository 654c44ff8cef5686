import {
  type BillingCohort,
  type BillingRecoveryMonth,
  listBillingCohorts,
  listBillingRecovery,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { ScrollX } from '../parts/scroll-x.tsx'
import { Amount } from './amount.tsx'
import { FiguresTable } from './figures-table.tsx'
import type { RevenueView } from './revenue-view.ts'
import { shareText } from './shares.ts'

/** What became of the customers who began in one month. */
export const cohortsView: RevenueView<BillingCohort> = {
  title: 'Cohorts',
  about:
    'Customers by the month of their first recurring revenue, and how many of them still had some at the end of each month after it. Who leaves and comes back stays in the first cohort.',
  nothing: 'No customer’s first recurring revenue began.',
  load: async (slug, asked, signal) => {
    const { cohorts, ...state } = await take(listBillingCohorts(slug, asked, { signal }))
    return { rows: cohorts, state }
  },
  currencyOf: ({ currency }) => currency,
  show: cohorts => {
    const most = Math.max(0, ...cohorts.map(({ months }) => months.length))
    return (
      <ScrollX label="Cohorts">
        <table className="plain cohorts">
          <caption className="visually-hidden">Cohorts</caption>
          <thead>
            <tr>
              <th scope="col">Began</th>
              <th scope="col">Customers</th>
              {Array.from({ length: most }, (_, month) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the months after the first are numbered
                <th key={month} scope="col">
                  {month === 0 ? 'that month' : `+${month}`}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {cohorts.map(({ month, size, months }) => (
              <tr key={month}>
                <th scope="row">{month}</th>
                <td>{size.toLocaleString()}</td>
                {months.map(cell => (
                  <td
                    key={cell.month}
                    // The figure is in words too: the colour only helps to find where it falls.
                    style={{ '--share': `${Math.round(Number(cell.retention ?? 0) * 40)}%` } as object}
                  >
                    {shareText(cell.retention)}
                    <div className="muted">
                      <Amount of={cell.mrr} />
                    </div>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
    )
  },
}

/** What became of payments that failed. */
export const recoveryView: RevenueView<BillingRecoveryMonth> = {
  title: 'Recovery',
  about:
    'Invoices whose first payment failed, by the month in which they were finalized, and how many were paid within 30 days after all. An invoice whose payment failed four times is one.',
  nothing: 'No invoice’s first payment failed.',
  load: async (slug, asked, signal) => {
    const { months, ...state } = await take(listBillingRecovery(slug, asked, { signal }))
    return { rows: months, state }
  },
  currencyOf: ({ currency }) => currency,
  show: rows => (
    <FiguresTable
      title="Recovery by month"
      rows={rows}
      keyOf={({ month }) => month}
      columns={[
        ['Month', ({ month }) => month],
        ['Failed at first', ({ failed }) => failed.toLocaleString()],
        ['Paid after all', ({ recovered }) => recovered.toLocaleString()],
        ['Still open', ({ pending }) => pending.toLocaleString()],
        ['Share', ({ rate }) => shareText(rate)],
        ['Amount', ({ recoveredAmount }) => <Amount of={recoveredAmount} />],
      ]}
    />
  ),
}
