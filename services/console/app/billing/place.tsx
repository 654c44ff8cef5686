import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Search } from '../search-params.ts'

export type ListName = 'plans' | 'customers' | 'subscriptions' | 'invoices' | 'payments'

/** Where a row stands: ids are good within one provider's account and one mode. */
export interface Place {
  readonly provider: 'stripe' | 'paypal' | 'shopify'
  readonly account: string
  readonly mode: 'live' | 'test'
}

export const rowPath = (slug: string, list: ListName, id: string): string =>
  `/organizations/${slug}/billing/${list}/${encodeURIComponent(id)}`

/** What an address says beside the id, so that it is this row's and no other's. */
export function placeSearch({ provider, account, mode }: Place): Search {
  return { provider, ...(account && { account }), ...(mode === 'test' && { mode }) }
}

/** The same for the API. */
export function placeQuery({ provider, account, mode }: Search) {
  return {
    mode: mode === 'test' ? ('test' as const) : ('live' as const),
    ...(provider && { provider: provider as Place['provider'] }),
    ...(account && { account }),
  }
}

/** Leads to a row of the same place. */
export function RowLink({
  slug,
  list,
  id,
  place,
  children,
}: {
  readonly slug: string
  readonly list: ListName
  readonly id: string | null
  readonly place: Place
  readonly children?: ReactNode
}) {
  if (id === null) return <span className="muted">–</span>
  return (
    <Link to={rowPath(slug, list, id) as never} search={placeSearch(place) as never}>
      {children ?? <code>{id}</code>}
    </Link>
  )
}
