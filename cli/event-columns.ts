import type { Event } from '@fairlead/client/gen/client'
import { shortTime } from './show-time.ts'
import type { Column } from './table.ts'
import type { Colour } from './terminal.ts'

/** What later lines may need: whoever follows can't know what comes. */
export const widestEvent: Event = {
  id: '',
  source: 'stripe',
  provider: '',
  type: 'customer.subscription.updated',
  types: ['customer.subscription.updated'],
  repeats: { count: 0, differing: 0, lastAt: null },
  status: 'processing',
  mode: 'live',
  traceId: '',
  receivedAt: new Date(0).toISOString(),
  deliveries: { total: 0, waiting: 0, delivered: 0, dead: 0 },
}

/** The first type, and how many more there are. */
const typesText = ({ type, types }: Event): string =>
  types.length > 1 ? `${type || '–'} +${types.length - 1}` : type || '–'

const colourOf: Readonly<Record<Event['status'], Colour>> = {
  pending: 'yellow',
  processing: 'yellow',
  success: 'green',
  failed: 'red',
  unrouted: 'yellow',
}

/** Columns of a list of events. */
export function eventColumns(now: Date): Column<Event>[] {
  return [
    { title: 'RECEIVED', text: event => shortTime(event.receivedAt, now), optional: true },
    { title: 'EVENT', text: event => event.id },
    { title: 'SOURCE', text: event => event.source, least: 6, optional: true },
    { title: 'TYPE', text: typesText, least: 16 },
    { title: 'STATUS', text: event => event.status, colour: event => colourOf[event.status] },
    {
      title: 'DONE',
      optional: true,
      text: ({ deliveries }) =>
        deliveries.total === 0 ? '–' : `${deliveries.delivered}/${deliveries.total}`,
    },
    {
      title: 'REPEATS',
      optional: true,
      text: ({ repeats }) =>
        repeats.count === 0 ? '' : `+${repeats.count}${repeats.differing > 0 ? '!' : ''}`,
      colour: ({ repeats }) => (repeats.differing > 0 ? 'red' : undefined),
    },
  ]
}
