import {
  type Destination,
  getOrganization,
  listDestinations,
  listEvents,
  listRejections,
  listSources,
  type Source,
} from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { take } from '../call.ts'
import { Badge, StateBadge, type Tone } from '../parts/badge.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { Ago } from '../time.tsx'
import { FirstRequest } from './first-request.tsx'

/** What needs attention first, then what happens. */
export function Overview() {
  const { slug = '' } = useParams({ strict: false })
  const query = useQuery({
    queryKey: ['overview', slug],
    queryFn: ({ signal }) => look(slug, signal),
    refetchInterval: 5_000,
  })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <h1>Overview</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      </section>
    )
  }
  const { organization, needs, recent, accepted, waiting, dead, sources } = query.data
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{organization.displayName}</h1>
          <p className="muted">
            {organization.slug} · plan {organization.plan}
          </p>
        </div>
      </header>
      <h2>Needs attention</h2>
      {needs.length === 0 ? (
        <p className="note good">
          <Badge tone="good">well</Badge> No destination fails, nothing is dead, no source refuses.
        </p>
      ) : (
        <ul className="needs">
          {needs.map(({ tone, word, text, to, search }) => (
            <li key={text}>
              <Badge tone={tone}>{word}</Badge>{' '}
              <Link to={to as never} search={(search ?? {}) as never}>
                {text}
              </Link>
            </li>
          ))}
        </ul>
      )}
      <div className="figures">
        <Figure name="Accepted this month" value={organization.acceptedThisMonth.toLocaleString()} />
        <Figure name="Accepted in the last hour" value={accepted.toLocaleString()} />
        <Figure name="Deliveries waiting" value={waiting.toLocaleString()} />
        <Figure name="Dead letters" value={dead.toLocaleString()} />
      </div>
      <h2>Newest events</h2>
      {recent.length === 0 ? (
        <div className="empty">
          <FirstRequest slug={slug} />
        </div>
      ) : (
        <ul className="recent">
          {recent.map(event => (
            <li key={event.id}>
              <StateBadge state={event.status} />{' '}
              <Link to={`/organizations/${slug}/events/${event.id}` as never}>{event.type || event.id}</Link>{' '}
              <span className="muted">
                {event.source} · <Ago at={event.receivedAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <h2>Sources</h2>
      <ul className="recent">
        {sources.map(source => (
          <li key={source.id}>
            <Link to={`/organizations/${slug}/events` as never} search={{ source: source.name } as never}>
              {source.name}
            </Link>{' '}
            <span className="muted">
              {source.lastHour.accepted} in the last hour · last <Ago at={source.lastEventAt} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <div className="figure">
      <div className="value">{value}</div>
      <div className="muted">{name}</div>
    </div>
  )
}

interface Need {
  readonly tone: Tone
  readonly word: string
  readonly text: string
  readonly to: string
  readonly search?: Readonly<Record<string, string>>
}

async function look(slug: string, signal: AbortSignal) {
  const [organization, destinations, sources, events, rejections] = await Promise.all([
    take(getOrganization(slug, { signal })),
    take(listDestinations(slug, { signal })),
    take(listSources(slug, { signal })),
    take(listEvents(slug, { limit: 8 }, { signal })),
    take(listRejections(slug, { limit: 100 }, { signal })),
  ])
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const at = `/organizations/${slug}`
  return {
    organization,
    recent: events.items,
    sources: sources.items,
    accepted: sum(sources.items.map(({ lastHour }) => lastHour.accepted)),
    waiting: sum(destinations.items.map(({ waiting }) => waiting)),
    dead: sum(destinations.items.map(({ dead }) => dead)),
    needs: [
      ...(organization.active
        ? []
        : [{ tone: 'bad' as const, word: 'inactive', text: 'Its webhooks are refused', to: at }]),
      ...(organization.quotaExceeded
        ? [{ tone: 'bad' as const, word: 'over quota', text: 'The month’s webhooks are used up', to: at }]
        : []),
      ...destinations.items.flatMap(destination => needsOfDestination(at, destination)),
      ...sources.items.flatMap(source => needsOfSource(at, source)),
      ...needsOfRejections(at, rejections.items),
    ],
  }
}

function needsOfDestination(at: string, destination: Destination): Need[] {
  const { name, failingSince, lastError, dead, state, pauseReason } = destination
  const search = { destination: name }
  return [
    ...(failingSince
      ? [
          {
            tone: 'bad' as const,
            word: 'failing',
            text: `${name} fails (${lastError ?? 'no answer'})`,
            to: `${at}/destinations`,
            search: { open: destination.id },
          },
        ]
      : []),
    ...(state === 'paused' && pauseReason !== 'declared'
      ? [
          {
            tone: 'warn' as const,
            word: 'paused',
            text: `${name} gets nothing (${pauseReason?.replaceAll('_', ' ')})`,
            to: `${at}/destinations`,
            search: { open: destination.id },
          },
        ]
      : []),
    ...(dead > 0
      ? [
          {
            tone: 'bad' as const,
            word: 'dead',
            text: `${dead.toLocaleString()} dead ${dead === 1 ? 'letter' : 'letters'} to ${name}`,
            to: `${at}/dead-letters`,
            search,
          },
        ]
      : []),
  ]
}

function needsOfSource(at: string, { name, lastHour }: Source): Need[] {
  return lastHour.swallowing
    ? [
        {
          tone: 'warn',
          word: 'repeats',
          text: `${name} swallows repeats that differ: ${lastHour.differing} in the last hour`,
          to: `${at}/rejections`,
          search: { source: name },
        },
      ]
    : []
}

function needsOfRejections(at: string, rejections: readonly { readonly source: string }[]): Need[] {
  const counts = Map.groupBy(rejections, ({ source }) => source)
  return [...counts].map(([source, refused]) => ({
    tone: 'warn',
    word: 'refused',
    text: `${refused.length === 1 ? '1 request' : `${refused.length} requests`} to ${source} did not verify`,
    to: `${at}/rejections`,
    search: { source },
  }))
}
