import {
  getAnalytics,
  getOrganization,
  listDestinations,
  listEvents,
  listIssues,
  listSources,
} from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { take } from '../call.ts'
import { Badge, StateBadge } from '../parts/badge.tsx'
import { BarChart } from '../parts/bar-chart.tsx'
import { Figure } from '../parts/figure.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { Ago, zoneName } from '../time.tsx'
import { barsOf, rateText, totalOf } from './counts.ts'
import { FirstRequest } from './first-request.tsx'
import { titleOfIssue } from './issues.tsx'
import { type Need, needsOf } from './needs.ts'

/** What needs attention first, then throughput, success and latency, then what happens. */
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
  const { organization, needs, recent, sources } = query.data
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
      <Needs needs={needs} />
      <h2>The last 24 hours</h2>
      <Day looked={query.data} slug={slug} />
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
      {sources.length > 0 && <h2>Sources</h2>}
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

function Needs({ needs }: { readonly needs: readonly Need[] }) {
  if (needs.length === 0) {
    return (
      <p className="note good">
        <Badge tone="good">well</Badge> No destination fails, nothing is dead, no source refuses.
      </p>
    )
  }
  return (
    <ul className="needs">
      {needs.map(({ tone, word, text, to, search }) => (
        <li key={to + text}>
          <Badge tone={tone}>{word}</Badge>{' '}
          <Link to={to as never} search={(search ?? {}) as never}>
            {text}
          </Link>
        </li>
      ))}
    </ul>
  )
}

type LookedAt = Awaited<ReturnType<typeof look>>

function Day({ looked, slug }: { readonly looked: LookedAt; readonly slug: string }) {
  const { arrived, delivered, waiting, dead, after, before } = looked
  const { events } = totalOf(arrived)
  const { attempts, successRate, slowest } = totalOf(delivered)
  return (
    <>
      <div className="figures">
        <Figure name="Events accepted" value={events.toLocaleString()} />
        <Figure name={`of ${attempts.toLocaleString()} attempts succeeded`} value={rateText(successRate)} />
        <Figure
          name={`p95 of attempts${slowest ? `, slowest: ${slowest.name || 'the ledger'}` : ''}`}
          value={slowest ? `${Math.round(slowest.total.latencyMs!.p95).toLocaleString()} ms` : '–'}
        />
        <Figure name="Deliveries waiting" value={waiting.toLocaleString()} />
        <Figure name="Dead letters" value={dead.toLocaleString()} />
      </div>
      <BarChart
        title="Attempts by hour"
        parts={['delivered', 'failed']}
        bars={barsOf(delivered, 'delivered')}
        from={new Date(after)}
        until={new Date(before)}
        spanMs={3_600_000}
      />
      <p>
        <Link to={`/organizations/${slug}/analytics` as never}>More in the analytics</Link>
      </p>
    </>
  )
}

async function look(slug: string, signal: AbortSignal) {
  const [organization, destinations, sources, events, issues, arrived, delivered] = await Promise.all([
    take(getOrganization(slug, { signal })),
    take(listDestinations(slug, { signal })),
    take(listSources(slug, { signal })),
    take(listEvents(slug, { limit: 8 }, { signal })),
    take(listIssues(slug, { state: 'open', limit: 10 }, { signal })),
    take(getAnalytics(slug, { by: 'source', timeZone: zoneName }, { signal })),
    take(getAnalytics(slug, { by: 'destination', timeZone: zoneName }, { signal })),
  ])
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  return {
    organization,
    recent: events.items,
    sources: sources.items,
    arrived: arrived.groups,
    delivered: delivered.groups,
    after: delivered.after,
    before: delivered.before,
    waiting: sum(destinations.items.map(({ waiting }) => waiting)),
    dead: sum(destinations.items.map(({ dead }) => dead)),
    needs: needsOf({
      organization,
      destinations: destinations.items,
      sources: sources.items,
      issues: issues.items,
      titleOf: titleOfIssue,
    }),
  }
}
