import {
  type BillingItems,
  type BillingSubscription,
  type BillingSubscriptionDetail,
  getExportSubscriptionsUrl,
  getSubscription,
  listSubscriptionFacts,
  listSubscriptions,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { Amount } from './amount.tsx'
import { BillingState } from './billing-state.tsx'
import { DoubtBadges } from './doubts.tsx'
import {
  currencyFilter,
  customerFilter,
  ledgerQuery,
  ledgerResource,
  searchFilter,
} from './ledger-resource.tsx'
import { PartsTable } from './parts-table.tsx'
import { RowLink } from './place.tsx'
import type { RowKind } from './row-kind.ts'
import { RowPage } from './row-page.tsx'
import { states } from './states.ts'

const subscriptions = ledgerResource<BillingSubscription>({
  name: 'subscriptions',
  title: 'Subscriptions',
  about: 'What customers have booked, and whether it goes on.',
  columns: [
    {
      title: 'State',
      shown: 'always',
      className: 'words',
      cell: ({ status }) => <BillingState noun="subscription" state={status} />,
    },
    {
      title: 'Subscription',
      shown: 'always',
      className: 'grow',
      cell: subscription => (
        <>
          <span className="strong">{subscription.reference ?? subscription.id}</span>{' '}
          <Ending subscription={subscription} /> <DoubtBadges row={subscription} />
        </>
      ),
    },
    { title: 'Customer', shown: 'wide', cell: ({ customer }) => <code>{customer ?? '–'}</code> },
    { title: 'Currency', shown: 'roomy', cell: ({ currency }) => currency ?? '–' },
    {
      title: 'Period ends',
      shown: 'roomy',
      className: 'time',
      cell: ({ periodEndAt }) => <Time at={periodEndAt} />,
    },
    { title: 'Created', shown: 'always', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  filters: [
    searchFilter('id or your own id'),
    { kind: 'choice', name: 'status', label: 'State', choices: Object.keys(states.subscription) },
    customerFilter,
    currencyFilter,
  ],
  load: asked => take(listSubscriptions(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  labelOf: ({ id }) => id,
  exportUrl: (slug, query) => getExportSubscriptionsUrl(slug, query),
})

/** Of a subscription that goes on now: that it won't. */
function Ending({ subscription }: { readonly subscription: BillingSubscription }) {
  const { endedAt, cancelAtPeriodEnd, cancelAt } = subscription
  if (endedAt !== null || (cancelAtPeriodEnd !== true && cancelAt === null)) return null
  return <Badge tone="warn">will end</Badge>
}

const subscription: RowKind<BillingSubscriptionDetail> = {
  noun: 'subscription',
  list: 'subscriptions',
  state: { noun: 'subscription', of: ({ status }) => status },
  load: (slug, id, query, signal) => take(getSubscription(slug, id, query, { signal })),
  loadFacts: (slug, id, query, signal) => take(listSubscriptionFacts(slug, id, query, { signal })),
  titleOf: ({ reference, id }) => reference ?? id,
  tools: row => <Ending subscription={row} />,
  factsOf: (row, slug) => [
    ['Customer', <RowLink key="customer" slug={slug} list="customers" id={row.customer} place={row} />],
    ['Provider’s word', row.providerStatus ?? '–'],
    ['Began', <Time key="start" at={row.startAt} />],
    ...(row.trialEndAt ? ([['Trial ends', <Time key="trial" at={row.trialEndAt} />]] as const) : []),
    ['Period', <Period key="period" from={row.periodStartAt} until={row.periodEndAt} />],
    ...(row.canceledAt ? ([['Asked to end', <Time key="asked" at={row.canceledAt} />]] as const) : []),
    ...(row.cancelAt ? ([['Set to end', <Time key="cancel" at={row.cancelAt} />]] as const) : []),
    ...(row.endedAt ? ([['Ended', <Time key="ended" at={row.endedAt} />]] as const) : []),
    ['Paid by', row.collection === 'invoice' ? 'invoices that are sent' : (row.collection ?? '–')],
    [
      'Newest invoice',
      <RowLink key="latest" slug={slug} list="invoices" id={row.latestInvoice} place={row} />,
    ],
    ['Currency', row.currency ?? '–'],
    ['Changed', <Time key="updated" at={row.updatedAt} />],
  ],
  parts: (row, slug) => (
    <>
      <PartsTable title="Items" parts={row.items} columns={itemColumns(row, slug)} />
      <PartsTable
        title="Invoices"
        parts={row.invoices}
        columns={[
          ['State', ({ status }) => <BillingState noun="invoice" state={status} />],
          [
            'Invoice',
            ({ id, number }) => (
              <RowLink slug={slug} list="invoices" id={id} place={row}>
                {number ?? id}
              </RowLink>
            ),
          ],
          ['Total', ({ total }) => <Amount of={total} />],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
          ['Paid', ({ paidAt }) => <Time at={paidAt} />],
        ]}
      />
    </>
  ),
}

function Period({ from, until }: { readonly from: string | null; readonly until: string | null }) {
  if (from === null && until === null) return <span className="muted">–</span>
  return (
    <>
      <Time at={from} /> to <Time at={until} />
    </>
  )
}

const itemColumns = (row: BillingSubscriptionDetail, slug: string) =>
  [
    ['Item', ({ id }: BillingItems) => <code>{id ?? '–'}</code>],
    ['Plan', ({ plan }: BillingItems) => <RowLink slug={slug} list="plans" id={plan} place={row} />],
    ['Quantity', ({ quantity }: BillingItems) => quantity ?? '–'],
    ['Paid until', ({ periodEndAt }: BillingItems) => <Time at={periodEndAt} />],
  ] as const

export const Page = () => <ResourcePage resource={subscriptions} />
export const Row = () => <RowPage kind={subscription} />
