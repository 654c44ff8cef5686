import {
  type BillingPlan,
  type BillingPlanDetail,
  getExportPlansUrl,
  getPlan,
  listPlanFacts,
  listPlans,
} from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { DoubtBadges } from './doubts.tsx'
import { currencyFilter, ledgerQuery, ledgerResource, searchFilter } from './ledger-resource.tsx'
import { intervalText, priceText } from './money.ts'
import type { RowKind } from './row-kind.ts'
import { RowPage } from './row-page.tsx'

const nameOf = ({ nickname, lookupKey, id }: BillingPlan) => nickname ?? lookupKey ?? id

function priceOf({ unitAmount, currency, exponent, scheme, interval, intervalCount }: BillingPlan): string {
  if (unitAmount === null || currency === null || exponent === null) return scheme ?? 'not told'
  return `${priceText(unitAmount, currency, exponent)} ${intervalText(interval, intervalCount)}`
}

function Sold({ plan: { active, deleted } }: { readonly plan: BillingPlan }) {
  if (deleted === true) return <Badge tone="plain">deleted</Badge>
  if (active === null) return <Badge tone="plain">not told</Badge>
  return active ? <Badge tone="good">sold</Badge> : <Badge tone="plain">no longer sold</Badge>
}

const plans = ledgerResource<BillingPlan>({
  name: 'plans',
  title: 'Plans',
  about: 'What is sold, at which price: the prices of products.',
  columns: [
    { title: 'State', shown: 'always', cell: plan => <Sold plan={plan} /> },
    {
      title: 'Plan',
      shown: 'always',
      className: 'grow',
      cell: plan => (
        <>
          <span className="strong">{nameOf(plan)}</span>{' '}
          <span className="muted">{plan.product && `of ${plan.product}`}</span> <DoubtBadges row={plan} />
        </>
      ),
    },
    { title: 'Price', shown: 'always', cell: plan => <span className="amount">{priceOf(plan)}</span> },
    { title: 'Provider', shown: 'roomy', cell: ({ provider }) => provider },
    { title: 'Created', shown: 'wide', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  filters: [searchFilter('id, name or lookup key'), currencyFilter],
  load: asked => take(listPlans(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  labelOf: nameOf,
  exportUrl: (slug, query) => getExportPlansUrl(slug, query),
})

const plan: RowKind<BillingPlanDetail> = {
  noun: 'plan',
  list: 'plans',
  load: (slug, id, query, signal) => take(getPlan(slug, id, query, { signal })),
  loadFacts: (slug, id, query, signal) => take(listPlanFacts(slug, id, query, { signal })),
  titleOf: nameOf,
  factsOf: row => [
    ['Price', <span key="price">{priceOf(row)}</span>],
    ['State', <Sold key="state" plan={row} />],
    ['Product', row.product ?? '–'],
    ['Lookup key', row.lookupKey ?? '–'],
    ['Counted by', [row.scheme, row.usage].filter(Boolean).join(', ').replaceAll('_', ' ') || '–'],
    ['Trial', row.trialDays ? `${row.trialDays} days` : 'none'],
    ['Tax', row.tax ?? '–'],
    ['Created', <Time key="created" at={row.createdAt} />],
    ['Changed', <Time key="updated" at={row.updatedAt} />],
    ...(row.deletedAt ? ([['Deleted', <Time key="deleted" at={row.deletedAt} />]] as const) : []),
  ],
}

export const Page = () => <ResourcePage resource={plans} />
export const Row = () => <RowPage kind={plan} />
