import {
  type InfiniteData,
  keepPreviousData,
  type UseInfiniteQueryResult,
  useInfiniteQuery,
} from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { ProblemError } from '../call.ts'
import { CopyButton } from '../parts/copy.tsx'
import { AskOwner } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { TestData } from '../parts/test-data.tsx'
import { freezeTimes, readTime } from '../read-time.ts'
import { asksForRole, permissionOf } from '../rights.ts'
import { type Search, writeSearch } from '../search-params.ts'
import { useMe } from '../session.ts'
import { Filters } from './filters.tsx'
import { type LiveState, useLive } from './live.ts'
import { LookedAt } from './looked-at.tsx'
import type { Filter, Page, Resource } from './resource.ts'
import { ResourceTable } from './table.tsx'

/** The page of a declared resource. */
export function ResourcePage<Item>({ resource }: { readonly resource: Resource<Item> }) {
  const { slug = '' } = useParams({ strict: false })
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const chosen = Object.fromEntries(
    resource.filters.flatMap(({ name }) => (search[name] ? [[name, search[name]]] : [])),
  )
  const query = useInfiniteQuery({
    queryKey: [resource.name, slug, 'pages', chosen],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      resource.load({ slug, filters: asAsked(chosen, resource.filters), cursor: pageParam, signal }),
    getNextPageParam: page => page.next ?? undefined,
    placeholderData: keepPreviousData,
    ...(resource.refreshMs !== undefined && { refetchInterval: resource.refreshMs }),
    // A list that is followed is current; loading all its pages again would move rows. Each row is the same object until it
    // changes, and to compare thousands of them four times a second would take longer than to show them.
    ...(resource.live && { staleTime: 60_000, structuralSharing: false }),
  })
  const { data: me } = useMe()
  const isRefused = resource.actions?.some(({ right }) => asksForRole(permissionOf(me, right, slug).who))
  const isPaused = search.live === 'off'
  const live = useLive<Item>({
    queryKey: [resource.name, slug, 'pages', chosen],
    idOf: resource.idOf,
    url: isPaused || query.isPlaceholderData ? undefined : resource.live?.(slug, chosen),
    position: query.data?.pages[0]?.position ?? undefined,
    isHeld: rowsAreInUse,
  })
  // To the address as it is then: of two changes in one moment the second would else undo the first.
  const set = (changes: Search, resetScroll = true) =>
    void navigate({
      to: '.',
      search: ((now: Search) => ({ ...now, ...changes })) as never,
      replace: true,
      resetScroll,
    })
  const items = useMemo(() => query.data?.pages.flatMap(page => page.items) ?? [], [query.data])
  const { goOn, nearEnd } = useMore(query)
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{resource.title}</h1>
          {resource.about && <p className="muted">{resource.about}</p>}
        </div>
        <div className="row">
          {resource.toolbar?.(slug)}
          {resource.live && (
            <LiveButton
              state={live.state}
              paused={isPaused}
              toggle={() => set({ live: isPaused ? '' : 'off' }, false)}
            />
          )}
          {resource.filters.length > 0 && <CopyLink search={search} />}
          <Reload again={() => void query.refetch()} />
        </div>
      </header>
      <TestData mode={chosen.mode} />
      <Filters
        filters={resource.filters}
        search={search}
        change={(name, value) => set({ [name]: value, open: '' })}
      />
      {resource.above?.(slug, items.length)}
      <UnknownNames resource={resource} search={search} />
      {query.isError && !isPermission(query.error) && (
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      )}
      {query.isPending && <p className="muted">Loading …</p>}
      <NewRows count={live.waiting} show={live.showWaiting} />
      {items.length > 0 && isRefused && <AskOwner />}
      {items.length > 0 && (
        <ResourceTable
          resource={resource}
          items={items}
          slug={slug}
          opened={search.open}
          open={id => set({ open: id ?? '' }, false)}
          nearEnd={nearEnd}
        />
      )}
      {query.isSuccess && items.length === 0 && !query.hasNextPage && (
        <Empty resource={resource} slug={slug} chosen={chosen} clear={name => set({ [name]: '' })} />
      )}
      {isPermission(query.error) && <NotPermitted error={query.error as ProblemError} />}
      <EndOfList
        pages={query.data?.pages ?? []}
        more={query.hasNextPage}
        loading={query.isFetchingNextPage}
        goOn={goOn}
        kept={resource.kept}
      />
    </section>
  )
}

/** The address of what is seen, which shows the same tomorrow. */
function CopyLink({ search }: { readonly search: Search }) {
  return (
    <CopyButton
      label="Copy link"
      text={() => location.origin + location.pathname + writeSearch(freezeTimes(search, new Date()))}
    />
  )
}

/** What came while rows must not move. */
function NewRows({ count, show }: { readonly count: number; readonly show: () => void }) {
  if (count === 0) return null
  return (
    <button type="button" className="button new-rows" onClick={show}>
      <span aria-live="polite">{count} new: show them</span>
    </button>
  )
}

type Pages<Item> = UseInfiniteQueryResult<InfiniteData<Page<Item>>>

/**
 * Loads the next page: asked for, or as the end of the list comes near. Where few rows fit, scrolling to the end would look through all
 * that there is: that is for a button alone.
 */
function useMore<Item>({ data, hasNextPage, isFetchingNextPage, fetchNextPage }: Pages<Item>) {
  const goOn = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const isSearch = Boolean(data?.pages.at(-1)?.searched)
  const nearEnd = useCallback(() => {
    if (!isSearch) goOn()
  }, [isSearch, goOn])
  return { goOn, nearEnd }
}

function Reload({ again }: { readonly again: () => void }) {
  return (
    <button type="button" className="button small" onClick={again}>
      Reload
    </button>
  )
}

/** Names in the address that the page ignores: a mistyped filter would else show everything. */
function UnknownNames<Item>({
  resource,
  search,
}: {
  readonly resource: Resource<Item>
  readonly search: Search
}) {
  const known = new Set([
    ...resource.filters.map(({ name }) => name),
    'open',
    ...(resource.live ? ['live'] : []),
  ])
  const unknown = Object.keys(search).filter(name => !known.has(name))
  if (unknown.length === 0) return null
  return (
    <p className="note warn">
      The address has what this page doesn't know: {unknown.map(name => `${name}=${search[name]}`).join(', ')}
      .
    </p>
  )
}

function EndOfList({
  pages,
  more,
  loading,
  goOn,
  kept,
}: {
  readonly pages: readonly Page<unknown>[]
  readonly more: boolean
  readonly loading: boolean
  readonly goOn: () => void
  readonly kept: string | undefined
}) {
  if (more && pages.at(-1)?.searched) return <LookedAt pages={pages} more={goOn} loading={loading} />
  const count = pages.reduce((sum, { items }) => sum + items.length, 0)
  if (count === 0) return null
  const all = count === 1 ? 'That is the only one' : `All ${count}`
  return (
    <p className="muted end-of-list" role="status">
      {loading
        ? 'Loading more …'
        : more
          ? `${count} so far; more as you scroll`
          : pages.at(-1)?.isCut
            ? `${count} are shown; reload the page, or choose a time, for older ones.`
            : `${all}${kept ? `; ${kept}` : ''}.`}
    </p>
  )
}

/** Whether somebody points at a row, stands on one, or has scrolled down to read. */
function rowsAreInUse(): boolean {
  return window.scrollY > 200 || document.querySelector('.resource tbody :is(:hover, :focus)') !== null
}

function LiveButton({
  state,
  paused,
  toggle,
}: {
  readonly state: LiveState
  readonly paused: boolean
  readonly toggle: () => void
}) {
  const words = {
    off: 'Not followed',
    connecting: 'Connecting …',
    live: 'Live',
    queued: 'Waits: other tabs follow',
    ended: 'Ended: reload',
  }
  return (
    <button
      type="button"
      className={`button small live ${paused ? 'paused' : state === 'live' ? 'follows' : ''}`}
      aria-pressed={!paused}
      onClick={toggle}
    >
      {paused ? 'Paused: follow' : words[state]}
    </button>
  )
}

/** Filters as the API takes them: times absolute, since it doesn't know the viewer's zone. */
function asAsked(chosen: Search, filters: readonly Filter[]): Search {
  const now = new Date()
  return Object.fromEntries(
    Object.entries(chosen).map(([name, value]) => {
      const isTime = filters.some(filter => filter.name === name && filter.kind === 'time')
      const time = isTime ? readTime(value, now) : undefined
      return [name, time ? time.toISOString() : value]
    }),
  )
}

const isPermission = (error: Error | null): boolean =>
  error instanceof ProblemError && error.problem.code === 'forbidden'

/** Nothing there is of four kinds, and each says which: none yet, none that fits, not permitted, older than kept. */
function Empty<Item>({
  resource,
  slug,
  chosen,
  clear,
}: {
  readonly resource: Resource<Item>
  readonly slug: string
  readonly chosen: Search
  readonly clear: (name: string) => void
}) {
  // A mode doesn't narrow a list: test data is a list of its own.
  const names = Object.keys(chosen).filter(name => name !== 'mode')
  if (names.length === 0) return <div className="empty">{resource.nothingYet(slug)}</div>
  const isTooOld = chosen.before !== undefined && isOlderThanKept(chosen.before)
  return (
    <div className="empty">
      <h2>{isTooOld ? 'Older than what is kept' : 'Nothing matches'}</h2>
      <p>
        {isTooOld
          ? `The time before ${chosen.before} may lie further back than the log; ${resource.kept ?? ''}.`
          : 'There is something, but not with these filters. Take one away:'}
      </p>
      <p className="row">
        {names.map(name => (
          <button key={name} type="button" className="button small" onClick={() => clear(name)}>
            {labelOf(resource, name)}: {chosen[name]} ✕
          </button>
        ))}
      </p>
      <p>
        <Link to="." search={{} as never}>
          Clear all filters
        </Link>
      </p>
    </div>
  )
}

function labelOf<Item>(resource: Resource<Item>, name: string): string {
  return resource.filters.find(filter => filter.name === name)?.label ?? name
}

function isOlderThanKept(text: string): boolean {
  const time = readTime(text, new Date())
  return time !== undefined && Date.now() - time.getTime() > 30 * 86_400_000
}

function NotPermitted({ error }: { readonly error: ProblemError }) {
  return (
    <div className="empty">
      <h2>Not permitted</h2>
      <p>{error.problem.detail}</p>
    </div>
  )
}
