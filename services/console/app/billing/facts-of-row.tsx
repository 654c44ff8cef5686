import type { LedgerFact } from '@fairlead/client/gen/client'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { visible } from '../body/received.ts'
import { Badge } from '../parts/badge.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import { Time } from '../time.tsx'
import type { LedgerRow, RowKind, RowQuery } from './row-kind.ts'

/** How many facts a page has; nearly all rows have fewer. */
const factsAPage = 200

/** The events of ours that brought facts, by the provider's ids of events. */
export type EventsOf = ReadonlyMap<string, string>

/** Why the row is as it is: all facts that it is computed from, in the provider's order, with the event that brought each. */
export function FactsOfRow<Row extends LedgerRow>({
  kind,
  slug,
  id,
  asked,
  isBeyondBound,
  children,
}: {
  readonly kind: RowKind<Row>
  readonly slug: string
  readonly id: string
  readonly asked: RowQuery
  /** Not all facts are in the row. */
  readonly isBeyondBound: boolean
  /** Shown above, with the events that are known. */
  readonly children: (eventsOf: EventsOf) => ReactNode
}) {
  const query = useInfiniteQuery({
    queryKey: [`billing-${kind.list}`, slug, 'facts', id, asked],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      kind.loadFacts(slug, id, { ...asked, limit: factsAPage, ...(cursor && { cursor }) }, signal),
    getNextPageParam: page => page.next ?? undefined,
    refetchInterval: 10_000,
  })
  const facts = query.data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <>
      {children(eventsOfFacts(facts))}
      <h2>Why is it as it is?</h2>
      <p className="muted">
        {isBeyondBound
          ? 'It is computed from 1,000 of these facts or 1 MiB of them, those first that changed something'
          : 'It is computed from these facts alone'}
        , whatever the order in which they came. Oldest first, by the provider’s clock.
      </p>
      {query.isError && <ProblemNote error={query.error} again={() => void query.refetch()} />}
      {query.isPending && <p className="muted">Loading …</p>}
      <ol className="steps">
        {facts.map((fact, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two renderings of one event are two facts
          <FactStep key={`${fact.providerEventId} ${index}`} fact={fact} slug={slug} />
        ))}
      </ol>
      {query.isSuccess && facts.length === 0 && <p className="muted">No fact tells of it.</p>}
      {query.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          More facts
        </button>
      )}
    </>
  )
}

function eventsOfFacts(facts: readonly LedgerFact[]): EventsOf {
  return new Map(
    facts.flatMap(({ providerEventId, eventId }) => (eventId ? [[providerEventId, eventId] as const] : [])),
  )
}

/** Facts that an event of another object brought. */
const indirect: Readonly<Record<string, string>> = {
  mention: 'named by an event of something else',
  terms: 'a price that an event of something else holds',
}

const factTitle = ({ type, providerEventId }: LedgerFact): string =>
  indirect[providerEventId] ?? (type || providerEventId)

/** An event that comes later than this after it happened is told as late, ms. */
const lateMs = 3_600_000

function FactStep({ fact, slug }: { readonly fact: LedgerFact; readonly slug: string }) {
  const { kind, objectId, providerEventId, eventId, occurredAt, recordedAt, complete } = fact
  const isLate = occurredAt !== null && Date.parse(recordedAt) - Date.parse(occurredAt) > lateMs
  return (
    <li>
      <div className="row">
        <Time at={occurredAt} />
        <EventLink slug={slug} eventId={eventId} type={factTitle(fact)} />
        {!complete && <Badge tone="warn">cut short</Badge>}
      </div>
      <p className="muted">
        {kind.replaceAll('_', ' ')} <code>{objectId}</code> · {isLate ? 'came late, ' : 'came '}
        <Time at={recordedAt} />
        {!(providerEventId in indirect) && (
          <>
            {' '}
            · <code>{providerEventId}</code>
          </>
        )}
      </p>
      <details>
        <summary>What it says</summary>
        {fact.before !== null && <Json label="Before" value={fact.before} />}
        <Json label={fact.before === null ? 'The object' : 'After'} value={fact.after} />
      </details>
    </li>
  )
}

/** The event's page, where the event is one of ours. */
export function EventLink({
  slug,
  eventId,
  type,
}: {
  readonly slug: string
  readonly eventId: string | null | undefined
  readonly type: string
}) {
  if (!eventId) return <span className="strong">{type}</span>
  return (
    <Link to={`/organizations/${slug}/events/${eventId}` as never} className="strong">
      {type}
    </Link>
  )
}

export function Json({ label, value }: { readonly label: string; readonly value: unknown }) {
  return (
    <>
      <p className="muted">{label}</p>
      <ScrollX label={label}>
        <pre className="patch">{visible(JSON.stringify(value, null, 2) ?? 'null')}</pre>
      </ScrollX>
    </>
  )
}
