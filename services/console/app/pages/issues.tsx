import { type Issue, ListIssuesKind, ListIssuesState, listIssues } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge, StateBadge } from '../parts/badge.tsx'
import { modeFilter, type Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago } from '../time.tsx'
import { pageSize } from './events.tsx'
import { issueActions } from './issue-actions.ts'

const issues: Resource<Issue> = {
  name: 'issues',
  title: 'Issues',
  about:
    'Failures with one cause are one issue: attempts that fail at a destination, requests that a source refuses.',
  columns: [
    {
      title: 'State',
      shown: 'always',
      cell: ({ state, regressed }) => (
        <>
          <StateBadge state={state} /> {regressed && <Badge tone="bad">again</Badge>}
        </>
      ),
    },
    {
      title: 'What',
      shown: 'always',
      className: 'grow',
      cell: issue => (
        <>
          <span className="strong">{titleOfIssue(issue)}</span>
          {issue.explanation && <div className="muted">{issue.explanation}</div>}
        </>
      ),
    },
    { title: 'Failures', shown: 'wide', cell: ({ failures }) => failures.toLocaleString() },
    { title: 'Still failing', shown: 'wide', cell: ({ failing }) => failingText(failing) },
    { title: 'First seen', shown: 'roomy', cell: ({ firstSeenAt }) => <Ago at={firstSeenAt} /> },
    { title: 'Last seen', shown: 'always', cell: ({ lastSeenAt }) => <Ago at={lastSeenAt} /> },
  ],
  filters: [
    { kind: 'choice', name: 'state', label: 'State', choices: Object.values(ListIssuesState) },
    { kind: 'choice', name: 'kind', label: 'Kind', choices: Object.values(ListIssuesKind) },
    { kind: 'text', name: 'destination', label: 'Destination', placeholder: 'name' },
    modeFilter,
  ],
  load: ({ slug, filters, cursor, signal }) =>
    take(listIssues(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: titleOfIssue,
  pathOf: ({ id }, slug) => `/organizations/${slug}/issues/${id}`,
  actions: issueActions,
  nothingYet: () => (
    <>
      <h2>No issue</h2>
      <p>
        When attempts at a destination fail, or a source refuses requests, those with the same cause become
        one issue here: 100,000 failures of a cause are one row.
      </p>
    </>
  ),
  refreshMs: 5_000,
}

/** Where, and why. */
export function titleOfIssue({
  kind,
  destination,
  source,
  cause,
  status,
}: Pick<Issue, 'kind' | 'destination' | 'source' | 'cause' | 'status'>): string {
  const where = kind === 'delivery' ? `${destination} fails` : `${source} refuses`
  return `${where}: ${cause.replaceAll('_', ' ')}${status === null ? '' : ` (${status})`}`
}

export const failingText = ({ count, orMore }: Issue['failing']): string =>
  `${count.toLocaleString()}${orMore ? ' or more' : ''}`

export const Page = () => <ResourcePage resource={issues} />
