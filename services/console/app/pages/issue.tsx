import { getAttempt, getIssue, type IssueDetail } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { take } from '../call.ts'
import { Badge, StateBadge } from '../parts/badge.tsx'
import { BarChart } from '../parts/bar-chart.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ActionButton } from '../resource/actions.tsx'
import { Ago, Time } from '../time.tsx'
import { ExchangeView } from './exchange.tsx'
import { IgnoreIssue } from './ignore-issue.tsx'
import { issueActions } from './issue-actions.ts'
import { failingText, titleOfIssue } from './issues.tsx'
import { RetryIssue } from './retry-issue.tsx'

/** One cause of failures: since when, how much, what changed before, and what to do. */
export function IssuePage() {
  const { slug = '', issue: id = '' } = useParams({ strict: false }) as { slug?: string; issue?: string }
  const query = useQuery({
    queryKey: ['issue', slug, id],
    queryFn: ({ signal }) => take(getIssue(slug, id, { signal })),
    refetchInterval: 5_000,
  })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <h1>Issue</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      </section>
    )
  }
  const issue = query.data
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <p className="crumbs">
            <Link to={`/organizations/${slug}/issues` as never}>Issues</Link> /
          </p>
          <h1>
            {titleOfIssue(issue)} <StateBadge state={issue.state} />{' '}
            {issue.regressed && <Badge tone="bad">seen again after it was resolved</Badge>}
          </h1>
          {issue.explanation && <p>{issue.explanation}</p>}
        </div>
        <div className="row">
          {issue.kind === 'delivery' && <RetryIssue issue={issue} slug={slug} />}
          {issueActions.map(action => (
            <ActionButton key={action.label} action={action} item={issue} slug={slug} />
          ))}
          {issue.state !== 'ignored' && <IgnoreIssue issue={issue} slug={slug} />}
          <CopyButton text={issue.id} label="Copy id" />
        </div>
      </header>
      <IssueFacts issue={issue} slug={slug} />
      <Trend issue={issue} />
      <Before issue={issue} />
      <Sample issue={issue} slug={slug} />
    </section>
  )
}

function IssueFacts({ issue, slug }: { readonly issue: IssueDetail; readonly slug: string }) {
  const { kind, destination, source, cause, status, ignoredUntil, ignoredFailures } = issue
  const at = `/organizations/${slug}`
  return (
    <Facts
      facts={[
        [
          kind === 'delivery' ? 'Destination' : 'Source',
          kind === 'delivery' ? (
            <Link key="where" to={`${at}/destinations/${destination}` as never}>
              {destination}
            </Link>
          ) : (
            <Link key="where" to={`${at}/rejections` as never} search={{ source } as never}>
              {source}
            </Link>
          ),
        ],
        ['Grouped by', `${kind}, ${cause}${status === null ? '' : `, ${status}`}`],
        [
          'Failures',
          `${issue.failures.toLocaleString()} in ${issue.events.toLocaleString()} ${issue.events === 1 ? 'event' : 'events'}`,
        ],
        ['Still failing', failingText(issue.failing)],
        ['First seen', <Time key="first" at={issue.firstSeenAt} />],
        ['Last seen', <Time key="last" at={issue.lastSeenAt} />],
        [
          'State since',
          <span key="since">
            <Time at={issue.changedAt} />
            {issue.changedBy && ` by ${issue.changedBy}`}
          </span>,
        ],
        ...(ignoredUntil ? ([['Ignored until', <Time key="until" at={ignoredUntil} />]] as const) : []),
        ...(ignoredFailures === null
          ? []
          : ([['Ignored until', `${ignoredFailures.toLocaleString()} failures`]] as const)),
      ]}
    />
  )
}

const dayMs = 86_400_000

function Trend({ issue }: { readonly issue: IssueDetail }) {
  const until = new Date()
  return (
    <BarChart
      title="Failures, the last 24 hours"
      parts={['', 'failures']}
      bars={issue.trend.map(({ hour, failures }) => ({ at: new Date(hour), counts: [0, failures] }))}
      from={new Date(until.getTime() - dayMs)}
      until={until}
      spanMs={3_600_000}
    />
  )
}

/** What somebody changed just before it began: often the reason. */
function Before({ issue }: { readonly issue: IssueDetail }) {
  if (issue.changes.length === 0) {
    return (
      <p className="muted">
        Nobody changed its {issue.kind === 'delivery' ? 'destination' : 'source'} in the hour before.
      </p>
    )
  }
  return (
    <>
      <h2>Changed in the hour before</h2>
      <ul className="recent">
        {issue.changes.map(({ at, action, actor }) => (
          <li key={at + action}>
            <strong>{action}</strong> by {actor}{' '}
            <span className="muted">
              <Ago at={at} />
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

/** The newest failure, whole. */
function Sample({ issue, slug }: { readonly issue: IssueDetail; readonly slug: string }) {
  const { attempt, rejection } = issue.sample
  const { data } = useQuery({
    queryKey: ['attempt', slug, attempt],
    queryFn: ({ signal }) => take(getAttempt(slug, attempt ?? '', { signal })),
    enabled: attempt !== null,
  })
  if (rejection) {
    return (
      <p>
        <Link to={`/organizations/${slug}/rejections/${rejection}` as never}>
          The newest refused request, and why
        </Link>
      </p>
    )
  }
  if (!data) return null
  return (
    <section className="card">
      <h2>The newest failure</h2>
      <p>
        <Link to={`/organizations/${slug}/events/${data.eventId}` as never}>{data.type || data.eventId}</Link>
        , attempt {data.number}, <Ago at={data.at} />
      </p>
      <ExchangeView exchange={data.exchange} reason={data.reason} />
    </section>
  )
}
