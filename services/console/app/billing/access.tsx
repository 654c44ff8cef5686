import { type BillingCustomerDetail, type BillingGrant, getCustomerAccess } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import { Time } from '../time.tsx'
import { BillingState } from './billing-state.tsx'
import { placeQuery, placeSearch, RowLink } from './place.tsx'

/** What may this customer use now? Asked again and again, since access ends in time, without an event. */
export function CustomerAccess({
  customer,
  slug,
}: {
  readonly customer: BillingCustomerDetail
  readonly slug: string
}) {
  const { id } = customer
  const asked = placeQuery(placeSearch(customer))
  const query = useQuery({
    queryKey: ['billing-customers', slug, 'access', id, asked],
    queryFn: ({ signal }) => take(getCustomerAccess(slug, id, asked, { signal })),
    refetchInterval: 10_000,
  })
  if (query.isPending) return <p className="muted">Loading …</p>
  if (query.isError) return <ProblemNote error={query.error} again={() => void query.refetch()} />
  const { hasAccess, grants, at } = query.data
  return (
    <section className="card" aria-labelledby="access">
      <h2 id="access">What may this customer use now?</h2>
      <p className="sentence">
        {hasAccess ? <Badge tone="good">has access</Badge> : <Badge tone="plain">no access</Badge>}{' '}
        {sentenceOf(grants)}
      </p>
      {grants.length > 0 && (
        <ScrollX label="What it may use">
          <table className="plain">
            <caption className="visually-hidden">What it may use</caption>
            <thead>
              <tr>
                <th scope="col">Now</th>
                <th scope="col">Plan</th>
                <th scope="col">Quantity</th>
                <th scope="col">Subscription</th>
                <th scope="col">Until</th>
              </tr>
            </thead>
            <tbody>
              {grants
                .toSorted((a, b) => Number(b.holds) - Number(a.holds))
                .map(grant => (
                  <GrantRow
                    key={`${grant.subscription} ${grant.item}`}
                    grant={grant}
                    customer={customer}
                    slug={slug}
                  />
                ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      <p className="muted">
        As of <Time at={at} />. A period that will be renewed goes on for a day, since the event of its
        renewal may come late.
      </p>
    </section>
  )
}

function sentenceOf(grants: readonly BillingGrant[]): string {
  const holding = grants.filter(({ holds }) => holds)
  if (grants.length === 0) return 'Nothing: no subscription was ever paid for.'
  if (holding.length === 0) return 'Nothing: all that it had has ended, was not renewed, or is not paid.'
  const plans = [...new Set(holding.map(({ plan, product, item }) => plan ?? product ?? item))]
  return plans.length > 3 ? `${plans.length} plans` : plans.join(', ')
}

function GrantRow({
  grant,
  customer,
  slug,
}: {
  readonly grant: BillingGrant
  readonly customer: BillingCustomerDetail
  readonly slug: string
}) {
  const { holds, plan, quantity, subscription, status, until, ends } = grant
  return (
    <tr>
      <td>{holds ? <Badge tone="good">may</Badge> : <Badge tone="plain">may not</Badge>}</td>
      <td>
        <RowLink slug={slug} list="plans" id={plan} place={customer} />
      </td>
      <td>{quantity ?? '–'}</td>
      <td>
        <RowLink slug={slug} list="subscriptions" id={subscription} place={customer} />{' '}
        <BillingState noun="subscription" state={status} />
      </td>
      <td>
        {until === null ? 'no end told' : <Time at={until} />}
        {until !== null && <span className="muted">, {ends ? 'for good' : 'then renewed'}</span>}
      </td>
    </tr>
  )
}
