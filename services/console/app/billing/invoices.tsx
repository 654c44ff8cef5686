import {
  type BillingInvoice,
  type BillingInvoiceDetail,
  getExportInvoicesUrl,
  getInvoice,
  listInvoiceFacts,
  listInvoices,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { Amount } from './amount.tsx'
import { BillingState } from './billing-state.tsx'
import { DoubtBadges } from './doubts.tsx'
import { InvoiceParts } from './invoice-parts.tsx'
import {
  currencyFilter,
  customerFilter,
  ledgerQuery,
  ledgerResource,
  searchFilter,
  subscriptionFilter,
} from './ledger-resource.tsx'
import { RowLink } from './place.tsx'
import type { RowKind } from './row-kind.ts'
import { RowPage } from './row-page.tsx'
import { states } from './states.ts'

/** Of an invoice that was taken back, providers go on telling what was left. */
const leftOf = ({ status, amountRemaining }: BillingInvoice) => (status === 'void' ? null : amountRemaining)

const invoices = ledgerResource<BillingInvoice>({
  name: 'invoices',
  title: 'Invoices',
  about: 'What customers are asked to pay, and what they paid.',
  columns: [
    {
      title: 'State',
      shown: 'always',
      className: 'words',
      cell: ({ status }) => <BillingState noun="invoice" state={status} />,
    },
    {
      title: 'Invoice',
      shown: 'always',
      className: 'grow',
      cell: invoice => (
        <>
          <span className="strong">{invoice.number ?? invoice.id}</span>{' '}
          <span className="muted">{invoice.reason?.replaceAll('_', ' ')}</span>{' '}
          {invoice.deleted === true && <Badge tone="plain">deleted</Badge>} <DoubtBadges row={invoice} />
        </>
      ),
    },
    { title: 'Total', shown: 'always', className: 'number', cell: ({ total }) => <Amount of={total} /> },
    {
      title: 'Left to pay',
      shown: 'wide',
      className: 'number',
      cell: invoice => <Amount of={leftOf(invoice)} />,
    },
    { title: 'Customer', shown: 'roomy', cell: ({ customer }) => <code>{customer ?? '–'}</code> },
    { title: 'Created', shown: 'always', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  filters: [
    searchFilter('id or number'),
    { kind: 'choice', name: 'status', label: 'State', choices: Object.keys(states.invoice) },
    customerFilter,
    subscriptionFilter,
    currencyFilter,
  ],
  load: asked => take(listInvoices(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  labelOf: ({ number, id }) => number ?? id,
  exportUrl: (slug, query) => getExportInvoicesUrl(slug, query),
})

const invoice: RowKind<BillingInvoiceDetail> = {
  noun: 'invoice',
  list: 'invoices',
  state: { noun: 'invoice', of: ({ status }) => status },
  load: (slug, id, query, signal) => take(getInvoice(slug, id, query, { signal })),
  loadFacts: (slug, id, query, signal) => take(listInvoiceFacts(slug, id, query, { signal })),
  titleOf: ({ number, id }) => number ?? id,
  factsOf: (row, slug) => [
    ['Customer', <RowLink key="customer" slug={slug} list="customers" id={row.customer} place={row} />],
    [
      'Subscription',
      <RowLink key="sub" slug={slug} list="subscriptions" id={row.subscription} place={row} />,
    ],
    ['Total', <Amount key="total" of={row.total} />],
    ['Of it tax', <Amount key="tax" of={row.tax} />],
    ['Discount', <Amount key="discount" of={row.discount} />],
    ['Paid', <Amount key="paid" of={row.amountPaid} />],
    ['Left to pay', <Amount key="left" of={leftOf(row)} />],
    ['Reason', row.reason?.replaceAll('_', ' ') ?? '–'],
    ['Tries to collect', row.attemptCount ?? '–'],
    ...(row.nextAttemptAt ? ([['Next try', <Time key="next" at={row.nextAttemptAt} />]] as const) : []),
    ['Created', <Time key="created" at={row.createdAt} />],
    ['Finalized', <Time key="final" at={row.finalizedAt} />],
    ...(row.dueAt ? ([['Due', <Time key="due" at={row.dueAt} />]] as const) : []),
    ...(row.paidAt ? ([['Paid at', <Time key="paidAt" at={row.paidAt} />]] as const) : []),
    ...(row.voidedAt ? ([['Taken back', <Time key="void" at={row.voidedAt} />]] as const) : []),
    ...(row.uncollectibleAt
      ? ([['Given up', <Time key="given-up" at={row.uncollectibleAt} />]] as const)
      : []),
  ],
  parts: (row, slug) => <InvoiceParts invoice={row} slug={slug} />,
}

export const Page = () => <ResourcePage resource={invoices} />
export const Row = () => <RowPage kind={invoice} />
