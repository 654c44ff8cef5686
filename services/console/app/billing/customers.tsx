import {
  type BillingCustomer,
  type BillingCustomerDetail,
  getCustomer,
  getExportCustomersUrl,
  listCustomerFacts,
  listCustomers,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { CustomerAccess } from './access.tsx'
import { Amount } from './amount.tsx'
import { CustomerParts } from './customer-parts.tsx'
import { DoubtBadges } from './doubts.tsx'
import { ledgerQuery, ledgerResource, searchFilter } from './ledger-resource.tsx'
import { ErasePersonalData, PersonalValue } from './personal-data.tsx'
import type { RowKind } from './row-kind.ts'
import { RowPage } from './row-page.tsx'

const nameOf = ({ name, email, reference, id }: BillingCustomer) => name ?? email ?? reference ?? id

function Standing({ customer: { deleted, delinquent, redacted } }: { readonly customer: BillingCustomer }) {
  return (
    <>
      {deleted === true ? (
        <Badge tone="plain">deleted</Badge>
      ) : delinquent === true ? (
        <Badge tone="bad">owes</Badge>
      ) : (
        <Badge tone="good">in order</Badge>
      )}{' '}
      {redacted === true && <Badge tone="plain">erased</Badge>}
    </>
  )
}

const customers = ledgerResource<BillingCustomer>({
  name: 'customers',
  title: 'Customers',
  about: 'Who pays, and whether something is owed.',
  columns: [
    { title: 'State', shown: 'always', cell: customer => <Standing customer={customer} /> },
    {
      title: 'Customer',
      shown: 'always',
      className: 'grow',
      cell: customer => (
        <>
          <span className="strong">{nameOf(customer)}</span>{' '}
          {customer.email && customer.name && <span className="muted">{customer.email}</span>}{' '}
          <DoubtBadges row={customer} />
        </>
      ),
    },
    { title: 'Id', shown: 'wide', cell: ({ id }) => <code>{id}</code> },
    { title: 'Provider', shown: 'roomy', cell: ({ provider }) => provider },
    { title: 'Created', shown: 'always', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  filters: [searchFilter('id, e-mail, name or your own id')],
  load: asked => take(listCustomers(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  labelOf: nameOf,
  exportUrl: (slug, query) => getExportCustomersUrl(slug, query),
})

const customer: RowKind<BillingCustomerDetail> = {
  noun: 'customer',
  list: 'customers',
  load: (slug, id, query, signal) => take(getCustomer(slug, id, query, { signal })),
  loadFacts: (slug, id, query, signal) => take(listCustomerFacts(slug, id, query, { signal })),
  titleOf: nameOf,
  tools: (row, slug) => <ErasePersonalData customer={row} slug={slug} />,
  above: (row, slug) => <CustomerAccess customer={row} slug={slug} />,
  factsOf: row => [
    ['State', <Standing key="state" customer={row} />],
    ['E-mail', <PersonalValue key="email" customer={row} value={row.email} />],
    ['Name', <PersonalValue key="name" customer={row} value={row.name} />],
    ['Phone', <PersonalValue key="phone" customer={row} value={row.phone} />],
    ['Country', <PersonalValue key="country" customer={row} value={row.country} />],
    ['Your own id', row.reference ?? '–'],
    ['Balance at the provider', <Amount key="balance" of={row.balance} />],
    ['Created', <Time key="created" at={row.createdAt} />],
    ['Changed', <Time key="updated" at={row.updatedAt} />],
    ...(row.deletedAt ? ([['Deleted', <Time key="deleted" at={row.deletedAt} />]] as const) : []),
  ],
  parts: (row, slug) => <CustomerParts customer={row} slug={slug} />,
}

export const Page = () => <ResourcePage resource={customers} />
export const Row = () => <RowPage kind={customer} />
