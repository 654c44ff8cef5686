import { pageSize } from '../pages/events.tsx'
import type { Asked, Filter, Resource } from '../resource/resource.ts'
import type { Search } from '../search-params.ts'
import { ExportLinks } from './export-links.tsx'
import { LedgerOffNote, NothingBilled } from './ledger-state.tsx'
import { type ListName, type Place, placeSearch, rowPath } from './place.tsx'

/** Money that is real and money that isn't never stand in one list. */
export const ledgerModeFilter: Filter = {
  kind: 'choice',
  name: 'mode',
  label: 'Mode',
  choices: ['test'],
  otherwise: 'live',
}

interface Listed extends Place {
  readonly id: string
  readonly createdAt: string | null
}

interface LedgerResource<Row extends Listed>
  extends Pick<Resource<Row>, 'title' | 'about' | 'columns' | 'labelOf' | 'load'> {
  readonly name: ListName
  /** The list's own filters, before those of all. */
  readonly filters: readonly Filter[]
  readonly exportUrl: (slug: string, query: Search) => string
}

/** What the five lists of the ledger have in common. */
export function ledgerResource<Row extends Listed>({
  name,
  filters,
  exportUrl,
  ...declared
}: LedgerResource<Row>): Resource<Row> {
  return {
    ...declared,
    name: `billing-${name}`,
    filters: [
      ...filters,
      { kind: 'choice', name: 'provider', label: 'Provider', choices: ['stripe', 'paypal', 'shopify'] },
      { kind: 'text', name: 'account', label: 'Account', placeholder: 'acct_…' },
      { kind: 'time', name: 'after', label: 'Created after' },
      { kind: 'time', name: 'before', label: 'Created before' },
      ledgerModeFilter,
    ],
    // A plan that was deleted and made again has its id twice.
    idOf: ({ provider, account, mode, id, createdAt }) => `${provider} ${account} ${mode} ${id} ${createdAt}`,
    pathOf: ({ id }, slug) => rowPath(slug, name, id),
    searchOf: placeSearch,
    toolbar: slug => <ExportLinks url={query => exportUrl(slug, query)} />,
    above: (slug, rows) => rows > 0 && <LedgerOffNote slug={slug} />,
    nothingYet: slug => <NothingBilled slug={slug} nouns={name} />,
    kept: 'kept as long as the organization',
  }
}

/** What the API is asked for a page of a list of the ledger. */
export const ledgerQuery = ({ filters, cursor }: Asked) => ({
  mode: 'live' as const,
  ...filters,
  limit: pageSize,
  ...(cursor && { cursor }),
})

export const searchFilter = (placeholder: string): Filter => ({
  kind: 'search',
  name: 'q',
  label: 'Search',
  placeholder,
})

export const customerFilter: Filter = {
  kind: 'text',
  name: 'customer',
  label: 'Customer',
  placeholder: 'its id',
}

export const subscriptionFilter: Filter = {
  kind: 'text',
  name: 'subscription',
  label: 'Subscription',
  placeholder: 'its id',
}

export const currencyFilter: Filter = {
  kind: 'text',
  name: 'currency',
  label: 'Currency',
  placeholder: 'EUR',
}
