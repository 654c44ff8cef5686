import {
  cancelDelivery,
  listDeliveries,
  retryDelivery,
  type WaitingDelivery,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { modeFilter, type Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { pageSize } from './events.tsx'

const waiting: Resource<WaitingDelivery> = {
  name: 'deliveries',
  title: 'Waiting deliveries',
  about: 'Deliveries that have not ended. Those that have are found with their events.',
  columns: [
    {
      title: 'Type',
      shown: 'always',
      className: 'grow',
      cell: ({ type }) => <span className="strong">{type || 'no type'}</span>,
    },
    { title: 'Destination', shown: 'always', cell: ({ destination }) => destination },
    { title: 'Source', shown: 'roomy', cell: ({ source }) => source },
    { title: 'Attempts', shown: 'wide', cell: ({ attemptCount }) => attemptCount },
    {
      title: 'Next attempt',
      shown: 'wide',
      className: 'time',
      cell: ({ nextAttemptAt }) => (nextAttemptAt ? <Time at={nextAttemptAt} /> : 'due now'),
    },
    { title: 'Received', shown: 'wide', cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
  ],
  filters: [
    { kind: 'text', name: 'destination', label: 'Destination', placeholder: 'name' },
    { kind: 'text', name: 'source', label: 'Source', placeholder: 'name' },
    { kind: 'text', name: 'type', label: 'Type', placeholder: 'invoice.*' },
    modeFilter,
  ],
  load: ({ slug, filters, cursor, signal }) =>
    take(listDeliveries(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  pathOf: ({ eventId }, slug) => `/organizations/${slug}/events/${eventId}`,
  actions: [
    {
      label: 'Retry now',
      key: 'r',
      right: 'operate',
      run: ({ id }, slug) => take(retryDelivery(slug, id, {}, once())),
      done: () => 'Under way',
    },
    {
      label: 'Give up',
      right: 'operate',
      tone: 'danger',
      confirm: ({ destination }) =>
        `No more attempts are made to ${destination}. The delivery becomes a dead letter, which can be retried for 30 days.`,
      run: ({ id }, slug) => take(cancelDelivery(slug, id, once())),
      done: () => 'Given up',
    },
  ],
  nothingYet: () => (
    <>
      <h2>Nothing waits</h2>
      <p>Every delivery has ended, well or as a dead letter.</p>
    </>
  ),
  refreshMs: 5_000,
}

export const Page = () => <ResourcePage resource={waiting} />
