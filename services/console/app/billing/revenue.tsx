import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { CopyButton } from '../parts/copy.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { TestData } from '../parts/test-data.tsx'
import { freezeTimes, readTime } from '../read-time.ts'
import { Filters } from '../resource/filters.tsx'
import type { Filter } from '../resource/resource.ts'
import { type Search, writeSearch } from '../search-params.ts'
import { Time, zoneName } from '../time.tsx'
import { churnView, valueView } from './by-month.tsx'
import { cohortsView, recoveryView } from './cohorts.tsx'
import { daysView } from './days-view.tsx'
import { ledgerModeFilter } from './ledger-resource.tsx'
import { LedgerOffNote, NothingBilled } from './ledger-state.tsx'
import type { FiguresState, RevenueQuestion, RevenueView } from './revenue-view.ts'

/** Kinds of figures, by their name in the address. The first is shown where none is named. */
const views = {
  days: daysView,
  churn: churnView,
  customers: valueView,
  cohorts: cohortsView,
  recovery: recoveryView,
} as const

/** Revenue: one kind of figures at a time, one currency at a time. */
export function Page() {
  const { slug = '' } = useParams({ strict: false })
  const search: Search = useSearch({ strict: false })
  const name = search.show && search.show in views ? (search.show as keyof typeof views) : 'days'
  // Each view has rows of its own kind, which nothing else looks into.
  const view = views[name] as unknown as RevenueView<object>
  return <ViewPage key={name} name={name} view={view} slug={slug} search={search} />
}

function ViewPage<Row>({
  name,
  view,
  slug,
  search,
}: {
  readonly name: string
  readonly view: RevenueView<Row>
  readonly slug: string
  readonly search: Search
}) {
  const navigate = useNavigate()
  const { currency, ...others } = search
  // Converted, all is of one currency.
  const chosen = search.convert ? search.convert.toUpperCase() : currency
  const query = useQuery({
    queryKey: ['billing-revenue', slug, name, others],
    queryFn: async ({ signal }) => {
      const time = timeOf(search, view.preset, new Date())
      return { time, ...(await view.load(slug, questionOf(search, time), signal)) }
    },
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const rows = query.data?.rows ?? []
  const currencies = [...new Set(rows.map(view.currencyOf))]
  const shown = chosen ?? currencies[0]
  const own = rows.filter(row => view.currencyOf(row) === shown)
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>Revenue</h1>
          <p className="muted">
            {view.about} In {zoneName}; each currency by itself.{' '}
            {view.preset ? 'The last 90 days' : 'The last twelve months'}, unless you choose otherwise.
          </p>
        </div>
        <div className="row">
          <Link to={`/organizations/${slug}/billing/rates` as never} className="button small">
            Exchange rates
          </Link>
          <CopyButton
            label="Copy link"
            text={() => linkTo({ ...(view.preset && { after: view.preset }), ...inCurrency(search, shown) })}
          />
        </div>
      </header>
      <TestData mode={search.mode} />
      <Views shown={name} search={inCurrency(search, shown)} />
      <Filters
        filters={filtersOf(currencies, chosen)}
        search={search}
        change={(field, value) =>
          void navigate({
            to: '.',
            search: ((now: Search) => ({ ...now, [field]: value })) as never,
            replace: true,
          })
        }
      />
      {shown && <LedgerOffNote slug={slug} />}
      {query.isPending && <p className="muted">Loading …</p>}
      {query.isError && <ProblemNote error={query.error} again={() => void query.refetch()} />}
      {query.data && <HowSure state={query.data.state} slug={slug} mode={search.mode} />}
      {query.data && shown && own.length > 0 && view.show(own, rows, query.data.time, shown)}
      {query.data && own.length === 0 && (
        <NothingIn state={query.data.state} slug={slug} sentence={view.nothing} currency={shown} />
      )}
    </section>
  )
}

/** The address of what is seen, which shows the same tomorrow. */
const linkTo = (search: Search): string =>
  location.origin + location.pathname + writeSearch(freezeTimes(search, new Date()))

/** The address with the currency that is shown where none is named: each kind of figures has an order of its own. */
const inCurrency = (search: Search, shown: string | undefined): Search =>
  shown === undefined || search.convert ? search : { ...search, currency: shown }

/** The other kinds of figures, of the same time and currency. */
function Views({ shown, search }: { readonly shown: string; readonly search: Search }) {
  const names = Object.entries(views)
  return (
    <nav className="row" aria-label="Figures">
      {names.map(([name, { title }]) => (
        <Link
          key={name}
          to="."
          search={{ ...search, show: name } as never}
          className="button small"
          aria-current={name === shown ? 'page' : undefined}
        >
          {title}
        </Link>
      ))}
    </nav>
  )
}

/** @param chosen offered too where these figures have none of it */
const filtersOf = (currencies: readonly string[], chosen: string | undefined): readonly Filter[] => [
  {
    kind: 'choice',
    name: 'currency',
    label: 'Currency',
    choices: [...new Set([...currencies.slice(1), ...(chosen && chosen !== currencies[0] ? [chosen] : [])])],
    otherwise: currencies[0] ?? 'any',
  },
  { kind: 'time', name: 'after', label: 'After' },
  { kind: 'time', name: 'before', label: 'Before' },
  { kind: 'text', name: 'convert', label: 'Convert to', placeholder: 'as it is' },
  ledgerModeFilter,
]

const yearMs = 365 * 86_400_000

function timeOf({ after, before }: Search, preset: string | undefined, now: Date) {
  return {
    from: readTime(after ?? preset ?? '', now) ?? new Date(now.getTime() - yearMs),
    until: (before && readTime(before, now)) || now,
    isChosen: after !== undefined || preset !== undefined,
  }
}

const questionOf = (
  { mode, convert }: Search,
  { from, until, isChosen }: ReturnType<typeof timeOf>,
): RevenueQuestion => ({
  ...(isChosen && { after: from.toISOString() }),
  before: until.toISOString(),
  timeZone: zoneName,
  ...(convert && { convert: convert.toUpperCase() }),
  mode: mode === 'test' ? 'test' : 'live',
})

/** Why figures may not be the last word. */
function HowSure({
  state: { incomplete, restatedAt, dataThrough },
  slug,
  mode,
}: {
  readonly state: FiguresState
  readonly slug: string
  readonly mode: string | undefined
}) {
  return (
    <>
      {incomplete > 0 && (
        <p className="note warn">
          <strong>Not known for certain.</strong> The provider cut the items of {incomplete.toLocaleString()}{' '}
          {incomplete === 1 ? 'subscription' : 'subscriptions'} short: recurring revenue may leave some out.
        </p>
      )}
      {restatedAt !== null && (
        <p className="note">
          <strong>Figures of passed days may have changed</strong> <Time at={restatedAt} />, when an event of
          this time came late.{' '}
          <Link
            to={`/organizations/${slug}/billing/restatements` as never}
            search={(mode ? { mode } : {}) as never}
          >
            Which, and by how much
          </Link>
        </p>
      )}
      {dataThrough !== null && (
        <p className="muted">
          The newest event that the ledger knows is of <Time at={dataThrough} />.
        </p>
      )}
    </>
  )
}

/** There are no figures of this time; or there never were any. */
function NothingIn({
  state,
  slug,
  sentence,
  currency,
}: {
  readonly state: FiguresState
  readonly slug: string
  readonly sentence: string
  readonly currency: string | undefined
}) {
  return (
    <div className="empty">
      {state.dataThrough === null ? (
        <NothingBilled slug={slug} nouns="revenue" />
      ) : (
        <>
          <h2>Nothing {currency && `in ${currency} `}in this time</h2>
          <p>{sentence} Choose a longer time.</p>
        </>
      )}
    </div>
  )
}
