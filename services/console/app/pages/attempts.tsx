import { ListAttemptsOutcome, type LoggedAttempt, listAttempts } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { modeFilter, type Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { pageSize } from './events.tsx'

const attempts: Resource<LoggedAttempt> = {
  name: 'attempts',
  title: 'Attempts',
  about: 'Every try of a delivery, newest first.',
  columns: [
    {
      title: 'Outcome',
      shown: 'always',
      cell: ({ outcome, last }) => (
        <>
          <StateBadge state={outcome === 'delivered' ? 'delivered' : 'failed'} />{' '}
          {outcome !== 'delivered' && outcome.replaceAll('_', ' ')}
          {last && <span className="muted"> · died with it</span>}
        </>
      ),
    },
    {
      title: 'Type',
      shown: 'always',
      className: 'grow',
      cell: ({ type, number, destination }) => (
        <>
          <span className="strong">{type || 'no type'}</span>{' '}
          <span className="muted">
            attempt {number} at {destination}
          </span>
        </>
      ),
    },
    {
      title: 'Status',
      shown: 'wide',
      cell: ({ status }) => status ?? <span className="muted">no answer</span>,
    },
    { title: 'Took', shown: 'wide', cell: ({ durationMs }) => `${durationMs.toLocaleString()} ms` },
    { title: 'Began', shown: 'roomy', className: 'time', cell: ({ at }) => <Time at={at} /> },
    { title: 'Ago', shown: 'always', cell: ({ at }) => <Ago at={at} /> },
  ],
  filters: [
    { kind: 'choice', name: 'result', label: 'Result', choices: ['failed'] },
    { kind: 'choice', name: 'outcome', label: 'Outcome', choices: Object.values(ListAttemptsOutcome) },
    { kind: 'text', name: 'destination', label: 'Destination', placeholder: 'name' },
    { kind: 'text', name: 'status', label: 'Status', placeholder: '500' },
    { kind: 'text', name: 'event', label: 'Event', placeholder: 'evt_…' },
    { kind: 'time', name: 'after', label: 'After' },
    { kind: 'time', name: 'before', label: 'Before' },
    modeFilter,
  ],
  load: ({ slug, filters, cursor, signal }) =>
    take(listAttempts(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  pathOf: ({ eventId }, slug) => `/organizations/${slug}/events/${eventId}`,
  nothingYet: () => (
    <>
      <h2>No attempt yet</h2>
      <p>Each try of a delivery is listed here, with what was sent and what came back.</p>
    </>
  ),
  kept: 'kept as long as their events; exchanges for 7 days',
  refreshMs: 5_000,
}

export const Page = () => <ResourcePage resource={attempts} />
