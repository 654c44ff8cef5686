import {
  type DeadLetter,
  discardDeadLetter,
  listDeadLetters,
  retryDeadLetter,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { modeFilter, type Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { pageSize } from './events.tsx'
import { RetryAll } from './retry-all.tsx'

const deadLetters: Resource<DeadLetter> = {
  name: 'dead-letters',
  title: 'Dead letters',
  about: 'Deliveries that were given up, with their bodies. They can be retried for 30 days.',
  columns: [
    {
      title: 'Type',
      shown: 'always',
      className: 'grow',
      cell: ({ type }) => <span className="strong">{type || 'no type'}</span>,
    },
    { title: 'Destination', shown: 'always', cell: ({ destination }) => destination },
    {
      title: 'Reason',
      shown: 'wide',
      cell: ({ reason }) => <Badge tone="bad">{reason.replaceAll('_', ' ')}</Badge>,
    },
    { title: 'Source', shown: 'wide', cell: ({ source }) => source },
    { title: 'Attempts', shown: 'roomy', cell: ({ attemptCount }) => attemptCount },
    { title: 'Died', shown: 'roomy', className: 'time', cell: ({ diedAt }) => <Time at={diedAt} /> },
    { title: 'Ago', shown: 'always', cell: ({ diedAt }) => <Ago at={diedAt} /> },
  ],
  filters: [
    { kind: 'text', name: 'destination', label: 'Destination', placeholder: 'name' },
    { kind: 'text', name: 'source', label: 'Source', placeholder: 'name' },
    { kind: 'text', name: 'type', label: 'Type', placeholder: 'invoice.*' },
    {
      kind: 'choice',
      name: 'reason',
      label: 'Reason',
      choices: [
        'attempts_exhausted',
        'gone',
        'event_expired',
        'url_invalid',
        'destination_deleted',
        'cancelled',
      ],
    },
    { kind: 'time', name: 'diedAfter', label: 'Died after' },
    { kind: 'time', name: 'diedBefore', label: 'Died before' },
    modeFilter,
  ],
  toolbar: slug => <RetryAll slug={slug} />,
  load: ({ slug, filters, cursor, signal }) =>
    take(listDeadLetters(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  pathOf: ({ eventId }, slug) => `/organizations/${slug}/events/${eventId}`,
  actions: [
    {
      label: 'Retry',
      key: 'r',
      right: 'operate',
      run: ({ id }, slug) => take(retryDeadLetter(slug, id, once())),
      done: () => 'Under way',
    },
    {
      label: 'Discard',
      right: 'operate',
      tone: 'danger',
      confirm: ({ destination }) =>
        `This delivery to ${destination} is struck off the list of dead letters. It stays with its event, as discarded.`,
      run: ({ id }, slug) =>
        take(discardDeadLetter(slug, id, { reason: 'discarded in the console' }, once())),
      done: () => 'Discarded',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No dead letters</h2>
      <p>
        A delivery whose attempts are used up, or that a destination refused for good, would be kept here.
      </p>
    </>
  ),
  kept: 'kept for 30 days',
}

export const Page = () => <ResourcePage resource={deadLetters} />
