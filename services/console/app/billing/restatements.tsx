import { type BillingRestatement, listBillingRestatements, type Money } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago } from '../time.tsx'
import { currencyFilter, ledgerModeFilter, ledgerQuery } from './ledger-resource.tsx'
import { LedgerOffNote } from './ledger-state.tsx'
import { moneyText } from './money.ts'

const restatements: Resource<BillingRestatement> = {
  name: 'billing-restatements',
  title: 'Restated days',
  about:
    'Days whose figures changed after they were closed, which is 24 hours after their end (UTC), and by how much: an event came late.',
  columns: [
    {
      title: 'Day',
      shown: 'always',
      cell: ({ day, currency }) => (
        <>
          <span className="strong">{day}</span> <span className="muted">{currency}</span>
        </>
      ),
    },
    difference('Recurring a month', 'always', ({ mrr }) => mrr),
    difference('Paid', 'always', ({ paid }) => paid),
    difference('Refunded', 'wide', ({ refunded }) => refunded),
    difference('Lost', 'wide', ({ lost }) => lost),
    { title: 'First change', shown: 'roomy', cell: ({ firstAt }) => <Ago at={firstAt} /> },
    { title: 'Last change', shown: 'always', className: 'titled', cell: ({ lastAt }) => <Ago at={lastAt} /> },
  ],
  filters: [
    currencyFilter,
    { kind: 'time', name: 'after', label: 'Days after' },
    { kind: 'time', name: 'before', label: 'Days before' },
    ledgerModeFilter,
  ],
  load: asked => take(listBillingRestatements(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  idOf: ({ day, currency, mode }) => `${day} ${currency} ${mode}`,
  labelOf: ({ day, currency }) => `${day} ${currency}`,
  above: slug => <LedgerOffNote slug={slug} />,
  nothingYet: () => (
    <>
      <h2>No closed day has changed</h2>
      <p>Each event that the ledger took came before the day that it counts in was closed.</p>
    </>
  ),
  kept: 'kept as long as the organization',
}

function difference(
  title: string,
  shown: 'always' | 'wide',
  moneyOf: (row: BillingRestatement) => Money,
): Resource<BillingRestatement>['columns'][number] {
  return { title, shown, className: 'titled', cell: row => <Difference of={moneyOf(row)} /> }
}

/** With its sign: it is what is added to the figures that the day was closed with. */
function Difference({ of }: { readonly of: Money }) {
  if (of.amount === 0) return <span className="muted">as it was</span>
  return (
    <span className="amount">
      {of.amount > 0 && '+'}
      {moneyText(of)}
    </span>
  )
}

export const Page = () => <ResourcePage resource={restatements} />
