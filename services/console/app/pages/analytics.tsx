import {
  type Analytics,
  type AnalyticsGroupsItem,
  type GetAnalyticsBy,
  type GetAnalyticsInterval,
  type GetAnalyticsMode,
  getAnalytics,
} from '@fairlead/client/gen/client'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { take } from '../call.ts'
import { BarChart } from '../parts/bar-chart.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import { freezeTimes, readTime } from '../read-time.ts'
import { Filters } from '../resource/filters.tsx'
import { type Filter, modeFilter } from '../resource/resource.ts'
import { type Search, writeSearch } from '../search-params.ts'
import { zoneName } from '../time.tsx'
import { barsOf, latencyText, rateText, spanOf } from './counts.ts'

const filters: readonly Filter[] = [
  { kind: 'choice', name: 'by', label: 'By', choices: ['type', 'destination'], otherwise: 'source' },
  {
    kind: 'choice',
    name: 'interval',
    label: 'Interval',
    choices: ['15m', 'day', 'month'],
    otherwise: 'hour',
  },
  modeFilter,
  { kind: 'time', name: 'after', label: 'After' },
  { kind: 'time', name: 'before', label: 'Before' },
]

/** What came and went, and how well, over time. */
export function Page() {
  const { slug = '' } = useParams({ strict: false })
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const query = useQuery({
    queryKey: ['analytics', slug, search],
    queryFn: ({ signal }) => take(getAnalytics(slug, asked(search), { signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const change = (name: string, value: string) =>
    void navigate({
      to: '.',
      search: ((now: Search) => ({ ...now, [name]: value })) as never,
      replace: true,
    })
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>Analytics</h1>
          <p className="muted">
            Counted as the log is written, without repeats. The last day by source, unless you choose
            otherwise.
          </p>
        </div>
        <CopyButton
          label="Copy link"
          text={() => location.origin + location.pathname + writeSearch(freezeTimes(search, new Date()))}
        />
      </header>
      <Filters filters={filters} search={search} change={change} />
      {query.isPending && <p className="muted">Loading …</p>}
      {query.isError && <ProblemNote error={query.error} again={() => void query.refetch()} />}
      {query.data && <Groups analytics={query.data} by={search.by ?? 'source'} interval={search.interval} />}
    </section>
  )
}

function asked({ by, interval, mode, after, before }: Search) {
  const now = new Date()
  const iso = (text: string | undefined) => (text ? (readTime(text, now)?.toISOString() ?? text) : undefined)
  return {
    timeZone: zoneName,
    ...(mode && { mode: mode as GetAnalyticsMode }),
    ...(by && { by: by as GetAnalyticsBy }),
    ...(interval && { interval: interval as GetAnalyticsInterval }),
    ...(after && { after: iso(after)! }),
    ...(before && { before: iso(before)! }),
  }
}

function Groups({
  analytics,
  by,
  interval,
}: {
  readonly analytics: Analytics
  readonly by: string
  readonly interval: string | undefined
}) {
  const { groups, others, after, before } = analytics
  if (groups.length === 0) {
    return (
      <div className="empty">
        <h2>Nothing happened in this time</h2>
        <p>Webhooks and deliveries are counted here a moment after the log has them.</p>
      </div>
    )
  }
  const time = { from: new Date(after), until: new Date(before), spanMs: spanOf(interval) }
  return (
    <>
      <BarChart
        {...time}
        title={by === 'destination' ? 'Attempts' : 'Events, and attempts that failed'}
        parts={by === 'destination' ? ['delivered', 'failed'] : ['events', 'failed attempts']}
        bars={barsOf(groups, by === 'destination' ? 'delivered' : 'events')}
      />
      <ScrollX label="Totals">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">{by}</th>
              <th scope="col">Events</th>
              <th scope="col">Attempts</th>
              <th scope="col">Success</th>
              <th scope="col">Dead</th>
              <th scope="col">p50, p95, p99</th>
            </tr>
          </thead>
          <tbody>
            {groups.map(group => (
              <GroupRow key={group.value} group={group} />
            ))}
          </tbody>
        </table>
      </ScrollX>
      {others > 0 && <p className="muted">And {others.toLocaleString()} with less.</p>}
    </>
  )
}

function GroupRow({ group: { name, value, total } }: { readonly group: AnalyticsGroupsItem }) {
  return (
    <tr>
      <th scope="row">{name || value || 'no type'}</th>
      <td>{total.events.toLocaleString()}</td>
      <td>{total.attempts.toLocaleString()}</td>
      <td>{rateText(total.successRate)}</td>
      <td>{total.dead.toLocaleString()}</td>
      <td>{latencyText(total.latencyMs)}</td>
    </tr>
  )
}
