import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { TestData } from '../parts/test-data.tsx'
import type { Search } from '../search-params.ts'
import { BillingState } from './billing-state.tsx'
import { DoubtBadges, DoubtNotes } from './doubts.tsx'
import { isBeyondBound } from './doubts-of.ts'
import { FactsOfRow } from './facts-of-row.tsx'
import { type ListName, placeQuery } from './place.tsx'
import type { LedgerRow, RowKind, RowQuery } from './row-kind.ts'
import { saidOf } from './states.ts'
import { Timeline } from './timeline.tsx'

/** The page of one row of the ledger: how it stands, what it consists of, what became of it by which event, and why. */
export function RowPage<Row extends LedgerRow>({ kind }: { readonly kind: RowKind<Row> }) {
  const { slug = '', row: id = '' } = useParams({ strict: false }) as { slug?: string; row?: string }
  const search: Search = useSearch({ strict: false })
  const asked: RowQuery = placeQuery(search)
  const query = useQuery({
    queryKey: [`billing-${kind.list}`, slug, 'one', id, asked],
    queryFn: ({ signal }) => kind.load(slug, id, asked, signal),
    // Events come when the provider likes.
    refetchInterval: 10_000,
  })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <Crumbs kind={kind} slug={slug} mode={asked.mode} />
        <h1>{capital(kind.noun)}</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
        <InOtherMode mode={asked.mode} />
      </section>
    )
  }
  const row = query.data
  return (
    <section className="page">
      <RowHead kind={kind} row={row} slug={slug} />
      <TestData mode={row.mode} />
      <DoubtNotes row={row} />
      {kind.above?.(row, slug)}
      <Facts facts={kind.factsOf(row, slug)} />
      {kind.parts?.(row, slug)}
      <FactsOfRow kind={kind} slug={slug} id={id} asked={asked} isBeyondBound={isBeyondBound(row)}>
        {eventsOf => <Timeline row={row} noun={kind.noun} slug={slug} eventsOf={eventsOf} />}
      </FactsOfRow>
    </section>
  )
}

/** An id that was pasted or typed says nothing of its mode. */
function InOtherMode({ mode }: { readonly mode: 'live' | 'test' }) {
  const search = useSearch({ strict: false })
  return (
    <p>
      This was looked for in {mode} data.{' '}
      <Link to="." search={{ ...search, mode: mode === 'test' ? 'live' : 'test' } as never}>
        Look in {mode === 'test' ? 'live' : 'test'} data
      </Link>
    </p>
  )
}

function RowHead<Row extends LedgerRow>({
  kind,
  row,
  slug,
}: {
  readonly kind: RowKind<Row>
  readonly row: Row
  readonly slug: string
}) {
  const { state } = kind
  return (
    <header className="page-head">
      <div>
        <Crumbs kind={kind} slug={slug} mode={row.mode} />
        <h1>
          {kind.titleOf(row)} {state && <BillingState noun={state.noun} state={state.of(row)} />}{' '}
          <DoubtBadges row={row} />
        </h1>
        {state && <p>{saidOf(state.noun, state.of(row)).sentence}</p>}
        <p className="muted">
          <code>{row.id}</code> at {row.provider}
          {row.account && `, account ${row.account}`}
        </p>
      </div>
      <div className="row">
        {kind.tools?.(row, slug)}
        <CopyButton text={row.id} label="Copy id" />
      </div>
    </header>
  )
}

function Crumbs({
  kind,
  slug,
  mode,
}: {
  readonly kind: { readonly list: ListName }
  readonly slug: string
  readonly mode: 'live' | 'test'
}) {
  return (
    <p className="crumbs">
      <Link
        to={`/organizations/${slug}/billing/${kind.list}` as never}
        search={(mode === 'test' ? { mode } : {}) as never}
      >
        {capital(kind.list)}
      </Link>{' '}
      /
    </p>
  )
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
