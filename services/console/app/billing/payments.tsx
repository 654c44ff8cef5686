import {
  type BillingPayment,
  type BillingPaymentDetail,
  getExportPaymentsUrl,
  getPayment,
  listPaymentFacts,
  listPayments,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { Amount } from './amount.tsx'
import { BillingState, PartState } from './billing-state.tsx'
import { DoubtBadges } from './doubts.tsx'
import {
  currencyFilter,
  customerFilter,
  ledgerQuery,
  ledgerResource,
  searchFilter,
  subscriptionFilter,
} from './ledger-resource.tsx'
import { PartsTable } from './parts-table.tsx'
import { RowLink } from './place.tsx'
import type { RowKind } from './row-kind.ts'
import { RowPage } from './row-page.tsx'
import { states } from './states.ts'

const payments = ledgerResource<BillingPayment>({
  name: 'payments',
  title: 'Payments',
  about:
    'Money that was asked for once, with all that became of it: refunds and disputes count as they stand now.',
  columns: [
    {
      title: 'State',
      shown: 'always',
      className: 'words',
      cell: ({ status }) => <BillingState noun="payment" state={status} />,
    },
    {
      title: 'Payment',
      shown: 'always',
      className: 'grow',
      cell: payment => (
        <>
          <span className="strong">{payment.id}</span>{' '}
          <span className="muted">{payment.failureCode?.replaceAll('_', ' ') ?? payment.method}</span>{' '}
          <DoubtBadges row={payment} />
        </>
      ),
    },
    { title: 'Amount', shown: 'always', className: 'number', cell: ({ amount }) => <Amount of={amount} /> },
    {
      title: 'Given back',
      shown: 'wide',
      className: 'number',
      cell: ({ refunded }) => <Amount of={refunded?.amount === 0 ? null : refunded} />,
    },
    { title: 'Customer', shown: 'roomy', cell: ({ customer }) => <code>{customer ?? '–'}</code> },
    { title: 'Created', shown: 'always', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  filters: [
    searchFilter('id'),
    { kind: 'choice', name: 'status', label: 'State', choices: Object.keys(states.payment) },
    customerFilter,
    subscriptionFilter,
    currencyFilter,
  ],
  load: asked => take(listPayments(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  labelOf: ({ id }) => id,
  exportUrl: (slug, query) => getExportPaymentsUrl(slug, query),
})

const payment: RowKind<BillingPaymentDetail> = {
  noun: 'payment',
  list: 'payments',
  state: { noun: 'payment', of: ({ status }) => status },
  load: (slug, id, query, signal) => take(getPayment(slug, id, query, { signal })),
  loadFacts: (slug, id, query, signal) => take(listPaymentFacts(slug, id, query, { signal })),
  titleOf: ({ id }) => id,
  factsOf: (row, slug) => [
    ['Amount', <Amount key="amount" of={row.amount} />],
    ['Taken', <Amount key="captured" of={row.captured} />],
    ['Given back', <Amount key="refunded" of={row.refunded} />],
    ['In dispute', <Amount key="open" of={row.disputedOpen} />],
    ['Lost in disputes', <Amount key="lost" of={row.disputedLost} />],
    ['Customer', <RowLink key="customer" slug={slug} list="customers" id={row.customer} place={row} />],
    ['Invoice', <RowLink key="invoice" slug={slug} list="invoices" id={row.invoice} place={row} />],
    [
      'Subscription',
      <RowLink key="sub" slug={slug} list="subscriptions" id={row.subscription} place={row} />,
    ],
    ['Paid with', row.method?.replaceAll('_', ' ') ?? '–'],
    ['Tries', row.attempts ?? '–'],
    ...(row.failureCode ? ([['Why it failed', row.failureCode.replaceAll('_', ' ')]] as const) : []),
    ['Created', <Time key="created" at={row.createdAt} />],
    ['Settled', <Time key="settled" at={row.settledAt} />],
  ],
  parts: row => (
    <>
      <PartsTable
        title="Refunds"
        parts={row.refunds}
        columns={[
          ['State', ({ status }) => <PartState state={status} />],
          ['Refund', ({ id }) => <code>{id}</code>],
          ['Amount', ({ amount }) => <Amount of={amount} />],
          ['Reason', ({ failureReason, reason }) => (failureReason ?? reason)?.replaceAll('_', ' ') ?? '–'],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
        ]}
      />
      <PartsTable
        title="Disputes"
        parts={row.disputes}
        columns={[
          ['State', ({ status }) => <PartState state={status} />],
          ['Dispute', ({ id }) => <code>{id}</code>],
          ['Amount', ({ amount }) => <Amount of={amount} />],
          ['Reason', ({ reason }) => reason?.replaceAll('_', ' ') ?? '–'],
          ['Evidence due', ({ evidenceDueAt }) => <Time at={evidenceDueAt} />],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
        ]}
      />
    </>
  ),
}

export const Page = () => <ResourcePage resource={payments} />
export const Row = () => <RowPage kind={payment} />
