import { listRetries, type Retry } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Time } from '../time.tsx'
import { pageSize } from './events.tsx'
import { retryActions } from './retry-actions.ts'

const retries: Resource<Retry> = {
  name: 'retries',
  title: 'Bulk retries',
  about:
    'Dead letters that are tried again together. Each is planned first, and tries what was planned, nothing else.',
  columns: [
    { title: 'State', shown: 'always', cell: ({ state }) => <StateBadge state={state} /> },
    {
      title: 'What',
      shown: 'always',
      className: 'grow',
      cell: ({ planned }) => (
        <span className="strong">
          {planned.toLocaleString()} {planned === 1 ? 'delivery' : 'deliveries'}
        </span>
      ),
    },
    { title: 'Progress', shown: 'always', cell: retry => <RetryProgress retry={retry} /> },
    { title: 'By', shown: 'wide', cell: ({ createdBy }) => createdBy },
    { title: 'Planned', shown: 'roomy', className: 'time', cell: ({ createdAt }) => <Time at={createdAt} /> },
  ],
  filters: [],
  load: ({ slug, cursor, signal }) =>
    take(listRetries(slug, { limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  pathOf: ({ id }, slug) => `/organizations/${slug}/retries/${id}`,
  actions: retryActions,
  nothingYet: () => (
    <>
      <h2>No bulk retry yet</h2>
      <p>
        Begin with “Retry all that match” on the dead letters, or with “Retry what died of it” on an issue.
      </p>
    </>
  ),
  refreshMs: 2_000,
}

export function RetryProgress({
  retry: { planned, published, skipped, delivered, failedAgain },
}: {
  readonly retry: Retry
}) {
  const handled = published + skipped
  return (
    <>
      <progress
        max={Math.max(planned, 1)}
        value={handled}
        aria-label={`${handled} of ${planned} handed over`}
      />{' '}
      {delivered.toLocaleString()} delivered
      {failedAgain > 0 && `, ${failedAgain.toLocaleString()} failed again`}
      {skipped > 0 && `, ${skipped.toLocaleString()} left out`} of {planned.toLocaleString()}
    </>
  )
}

export const Page = () => <ResourcePage resource={retries} />
