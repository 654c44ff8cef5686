import {
  type Event,
  EventStatus,
  getStreamEventsUrl,
  listEvents,
  retryEvent,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { Badge, StateBadge } from '../parts/badge.tsx'
import { modeFilter, type Resource } from '../resource/resource.ts'
import { Ago, Time } from '../time.tsx'
import { FirstRequest } from './first-request.tsx'

/** How many rows a page of a list asks for. */
export const pageSize = 100

export const events: Resource<Event> = {
  name: 'events',
  title: 'Event log',
  about: 'Every webhook that was verified and accepted, newest first.',
  columns: [
    { title: 'Status', shown: 'always', cell: ({ status }) => <StateBadge state={status} /> },
    {
      title: 'Type',
      shown: 'always',
      className: 'grow',
      cell: ({ type, types, repeats, mode }) => (
        <>
          <span className="strong">{type || <span className="muted">no type</span>}</span>
          {types.length > 1 && <span className="muted"> and {types.length - 1} more</span>}
          {mode === 'test' && (
            <>
              {' '}
              <Badge tone="plain">test</Badge>
            </>
          )}
          {repeats.count > 0 && (
            <span className="muted"> · {repeats.count === 1 ? 'repeated' : `${repeats.count} repeats`}</span>
          )}
        </>
      ),
    },
    { title: 'Source', shown: 'wide', cell: ({ source }) => source },
    { title: 'Provider', shown: 'roomy', cell: ({ provider }) => provider },
    {
      title: 'Deliveries',
      shown: 'wide',
      cell: ({ deliveries: { total, delivered, dead } }) =>
        total === 0 ? (
          <span className="muted">none</span>
        ) : (
          `${delivered} of ${total}${dead > 0 ? `, ${dead} dead` : ''}`
        ),
    },
    {
      title: 'Received',
      shown: 'roomy',
      className: 'time',
      cell: ({ receivedAt }) => <Time at={receivedAt} />,
    },
    { title: 'Ago', shown: 'always', cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
  ],
  filters: [
    { kind: 'search', name: 'q', label: 'Search', placeholder: 'type, URL or evt_…' },
    { kind: 'choice', name: 'status', label: 'Status', choices: Object.values(EventStatus) },
    { kind: 'text', name: 'source', label: 'Source', placeholder: 'name' },
    { kind: 'text', name: 'type', label: 'Type', placeholder: 'invoice.*' },
    { kind: 'time', name: 'after', label: 'After' },
    { kind: 'time', name: 'before', label: 'Before' },
    modeFilter,
  ],
  load: ({ slug, filters, cursor, signal }) =>
    take(listEvents(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  pathOf: ({ id }, slug) => `/organizations/${slug}/events/${id}`,
  actions: [
    {
      label: 'Retry',
      key: 'r',
      right: 'operate',
      applies: ({ status }) => status === 'failed',
      confirm: ({ deliveries: { total } }) =>
        `Every delivery of this event is made again now, ${total} in all. Those that were delivered get it once more, under the same webhook-id.`,
      run: ({ id }, slug) => take(retryEvent(slug, id, {}, once())),
      done: () => 'Under way',
    },
  ],
  nothingYet: slug => <FirstRequest slug={slug} />,
  kept: 'kept for the days that the organization has; bodies for 7',
  live: (slug, filters) => {
    // A stream begins now and goes on: it has no end in time.
    if (filters.before) return undefined
    const { after: _begun, ...others } = filters
    return getStreamEventsUrl(slug, others)
  },
}
