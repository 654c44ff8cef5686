import { mostSearched } from '@fairlead/wire/search'
import { type Event, EventStatus } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { contentSchema, presentBody, presentHeaders } from './content.ts'
import { deliverySchema, deliverySummarySchema, presentDelivery, presentDeliverySummary } from './delivery.ts'
import { findDestinationId } from './destinations.ts'
import { findAndWrite } from './find-and-write.ts'
import { modeSchema, presentMode } from './mode.ts'
import { operation } from './operation.ts'
import {
  cursor,
  defaultPageSize,
  eventParams,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  since,
} from './query.ts'
import { presentSearched, searchedSchema } from './searched.ts'
import { presentTimeOf, timeText } from './time.ts'
import { traceOfEvent } from './trace.ts'

export const statuses = {
  pending: EventStatus.PENDING,
  processing: EventStatus.PROCESSING,
  success: EventStatus.SUCCESS,
  failed: EventStatus.FAILED,
  unrouted: EventStatus.UNROUTED,
} as const
type Status = keyof typeof statuses
export const status = z.enum(Object.keys(statuses) as [Status, ...Status[]])

const shared = {
  id: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
  source: z.string().meta({ description: "The source's name.", example: 'stripe' }),
  provider: z.string().meta({ example: 'stripe' }),
  type: z.string().meta({
    description: "As the provider names it; empty where it can't be told.",
    example: 'invoice.paid',
  }),
  types: z.array(z.string()).meta({
    description: 'All types of a request that holds several things, `type` first; of any other `type` alone.',
    example: ['invoice.paid'],
  }),
  repeats: z
    .object({
      count: z
        .int()
        .meta({ description: 'Requests that were taken for this event again and not delivered.' }),
      differing: z.int().meta({
        description:
          'How many of them had another body: each is a rejection of the reason `repeat_differs`, and can be taken in.',
      }),
      lastAt: timeText.nullable(),
    })
    .meta({ description: 'Swallowed repeats, as far as the log has been written.' }),
  status: status.meta({
    description:
      'pending: accepted; processing: some delivery has not ended; success: every delivery was delivered; failed: some delivery is dead; unrouted: no route wanted it.',
  }),
  traceId: z.string().meta({
    description:
      "The trace of its receipt and of its deliveries' first attempts, in the log and, where it is kept, in the collector of OpenTelemetry.",
    example: '018bcfe568007000800001234567890a',
  }),
  mode: modeSchema,
  receivedAt: timeText,
}

const eventSchema = z
  .object({
    ...shared,
    deliveries: z
      .object({ total: z.int(), delivered: z.int(), waiting: z.int(), dead: z.int() })
      .meta({ description: 'How many; `dead` counts discarded ones too.' }),
  })
  .meta({ id: 'Event', description: 'One accepted webhook.' })

const eventDetailSchema = z
  .object({
    ...shared,
    method: z.string().meta({ example: 'POST' }),
    url: z.string().meta({ description: 'Path and query, as received.', example: '/webhooks/acme/stripe' }),
    sizeBytes: z.int(),
    secret: z.string().nullable().meta({
      description: 'The name of the secret that it was verified with; null where none is needed.',
      example: 'acme-stripe/signing-secret',
    }),
    ...contentSchema,
    bodyExpired: z.boolean().meta({
      description:
        'True: headers and body are no longer kept (7 days; 30 for dead letters), so it can not be retried.',
    }),
    deliveries: z.array(deliverySchema),
  })
  .meta({ id: 'EventDetail' })

/** Filters that the list, the stream and exports share. */
export const eventFilterQuery = {
  source: plainText(63).optional().meta({ description: "A source's name.", example: 'stripe' }),
  status: status.optional(),
  type: plainText(256).optional().meta({
    description: 'A type, or a glob: `*` stands for any characters. Any type of an event may fit.',
    example: 'invoice.*',
  }),
  q: plainText(200).optional().meta({
    description:
      "What stands anywhere in a type or the URL; or a whole id: of an event, a delivery, an attempt, or the provider's own.",
  }),
}

/** `<name>=<text>` */
const searched = (name: RegExp, example: string) =>
  plainText(520)
    .regex(name, `must be such as ${example}`)
    .transform(pair => {
      const at = pair.indexOf('=')
      return { name: pair.slice(0, at), text: pair.slice(at + 1) }
    })

/** Filters by content, of the list. */
const searchQuery = {
  value: z
    .array(searched(/^\/[^\s=]{1,255}=[\s\S]{1,256}$/, '/data/object/id=in_1'))
    .max(mostSearched)
    .optional()
    .meta({
      description:
        'A JSON pointer and the whole value there: `/data/object/id=in_1`. Repeated: all must fit. What a source declares in `search` is found at once, then only in events of sources that declare it: give `source` to look in those of another. Of what none declares, or not the given `source`, the contents of 10,000 events a page are read at most, for 5 s at most; `searched` says how far.',
      example: ['/data/object/id=in_1'],
    }),
  header: z
    .array(searched(/^[^\s=/]{1,100}=[\s\S]{1,256}$/, 'x-request-id=7f3a'))
    .max(mostSearched)
    .optional()
    .meta({
      description: 'A request header and its whole value, as `value`. None that holds a secret.',
      example: ['x-request-id=7f3a'],
    }),
}

/** Filters by time, of the list and of exports. */
export const receivedQuery = {
  after: since.optional().meta({
    description: 'Received at this time or later. Also `-2h`, and seconds since 1970.',
    example: '2026-03-01T00:00:00Z',
  }),
  before: since.optional().meta({ description: 'Received before this time.', example: '2026-03-02' }),
}

type Filters = { [Name in keyof typeof eventFilterQuery]?: z.output<(typeof eventFilterQuery)[Name]> } & {
  [Name in keyof typeof receivedQuery]?: z.output<(typeof receivedQuery)[Name]>
}

export const readEventFilter = ({ source, status, type, q, after, before }: Filters) => ({
  source: source ?? '',
  status: status ? statuses[status] : EventStatus.UNSPECIFIED,
  type: type ?? '',
  q: q ?? '',
  ...(after && { after }),
  ...(before && { before }),
})

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/events',
  name: 'listEvents',
  tag: 'Events',
  summary: 'Events, newest first',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    ...eventFilterQuery,
    ...receivedQuery,
    ...searchQuery,
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of events.',
  answer: pageOf(eventSchema)
    .extend({
      searched: searchedSchema,
      position: z.string().nullable().meta({
        description: 'On the first page: where the stream of events goes on from this list.',
        example: '4711',
      }),
    })
    .meta({ id: 'EventPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const { events, next, searched, position } = await store.events.listEvents(
      {
        organizationId: organization.id,
        ...readEventFilter(query),
        ...(query.value && { value: query.value }),
        ...(query.header && { header: query.header }),
        cursor: query.cursor ?? '',
        limit: query.limit ?? defaultPageSize,
      },
      { signal },
    )
    return {
      items: events.map(presentEvent),
      next: next || null,
      searched: presentSearched(searched),
      position: position || null,
    }
  },
})

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/events/{event}',
  name: 'getEvent',
  tag: 'Events',
  summary: 'One event, with headers, body, deliveries and attempts',
  description: 'Of more than 1,000 attempts the newest.',
  access: 'read',
  params: eventParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The event.',
  answer: eventDetailSchema,
  problems: [],
  async handle({ store, organization, params, signal, takeBodies }) {
    const which = { organizationId: organization.id, eventId: params.event }
    using _turn = await takeBodies()
    const [{ event, deliveries }, content] = await Promise.all([
      store.events.getEvent(which, { signal }),
      store.events.getEventContent(which, { signal }),
    ])
    if (!event) throw new TypeError('the store answered without the event')
    return {
      ...presentShared(event),
      method: event.method,
      url: event.url,
      sizeBytes: Number(event.sizeBytes),
      secret: event.secretId || null,
      headers: presentHeaders(content.headers),
      ...(content.expired ? { body: null, bodyEncoding: 'utf-8' as const } : presentBody(content.body)),
      bodyExpired: content.expired,
      deliveries: deliveries.map(presentDelivery),
    }
  },
})

const retry = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/events/{event}/retry',
  name: 'retryEvent',
  tag: 'Events',
  summary: 'Deliver an event again',
  description:
    'To the destination named; without one to those where it died; if it died nowhere, to all it was delivered to. Deliveries that have not ended are left alone.',
  access: 'operate',
  params: eventParams,
  query: noQuery,
  body: z
    .strictObject({
      destination: plainText(63)
        .optional()
        .meta({ description: "A destination's name or id.", example: 'billing' }),
    })
    .optional(),
  status: 202,
  answerDescription: 'The deliveries that are tried again.',
  answer: z.object({ deliveries: z.array(deliverySummarySchema) }),
  problems: ['conflict', 'event_expired'],
  async handle(call) {
    const { store, organization, params, body, signal, write } = call
    const { deliveries } = await findAndWrite(
      call,
      async () =>
        body?.destination ? [await findDestinationId(store, organization.id, body.destination, signal)] : [],
      (destinationIds = [], change) =>
        store.events.retryEvent(
          { organizationId: organization.id, eventId: params.event, destinationIds, change },
          write,
        ),
    )
    return { deliveries: deliveries.map(presentDeliverySummary) }
  },
})

export const eventOperations = [list, get, retry]

export function presentEvent(event: Event): z.input<typeof eventSchema> {
  const { deliveryCount: total, deliveredCount: delivered, deadCount: dead } = event
  return {
    ...presentShared(event),
    deliveries: { total, delivered, waiting: total - delivered - dead, dead },
  }
}

function presentShared(event: Event) {
  const { id, source, provider, type, types, repeatCount, differingCount, lastRepeatedAt } = event
  return {
    id,
    source,
    provider,
    type,
    types,
    repeats: {
      count: repeatCount,
      differing: differingCount,
      lastAt: lastRepeatedAt ? presentTimeOf(lastRepeatedAt) : null,
    },
    status: presentStatus(event.status),
    traceId: traceOfEvent(id),
    mode: presentMode(event.mode),
    receivedAt: presentTimeOf(event.receivedAt),
  }
}

export function presentStatus(status: EventStatus): Status {
  for (const name of Object.keys(statuses) as Status[]) if (statuses[name] === status) return name
  throw new TypeError(`the store has a status of events that is not known here: ${status}`)
}
