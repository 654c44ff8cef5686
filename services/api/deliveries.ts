import type { WaitingDelivery } from '@fairlead/wire/store/delivery'
import { z } from 'zod'
import { deliverySummarySchema, presentDeliverySummary } from './delivery.ts'
import { findDestinationId } from './destinations.ts'
import { modeSchema, presentMode } from './mode.ts'
import { operation } from './operation.ts'
import {
  cursor,
  defaultPageSize,
  deliveryParams,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  time,
} from './query.ts'
import { presentSearched, searchedSchema } from './searched.ts'
import { presentTimeOf, timeText } from './time.ts'

const waitingSchema = z
  .object({
    ...deliverySummarySchema.shape,
    eventId: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    source: z.string(),
    provider: z.string(),
    type: z.string(),
    receivedAt: timeText.meta({ description: 'When its event was received.' }),
    mode: modeSchema,
  })
  .meta({
    id: 'WaitingDelivery',
    description:
      'A delivery that has not ended. With a `nextAttemptAt` to come it is scheduled; otherwise it is due, and waits until its destination has room.',
  })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/deliveries',
  name: 'listDeliveries',
  tag: 'Deliveries',
  summary: 'Deliveries that wait, the one due first first',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    state: z
      .enum(['waiting'])
      .optional()
      .meta({ description: 'Those that have ended are found with their events.' }),
    destination: plainText(63).optional().meta({ description: "A destination's name or id." }),
    source: plainText(63).optional().meta({ description: "A source's name." }),
    type: plainText(256).optional().meta({ description: 'A type, or a glob of types.' }),
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of deliveries.',
  answer: pageOf(waitingSchema).extend({ searched: searchedSchema }).meta({ id: 'WaitingDeliveryPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const destinationId = query.destination
      ? await findDestinationId(store, organization.id, query.destination, signal)
      : ''
    const { deliveries, next, searched } = await store.deliveries.listWaitingDeliveries(
      {
        organizationId: organization.id,
        destinationId,
        source: query.source ?? '',
        type: query.type ?? '',
        cursor: query.cursor ?? '',
        limit: query.limit ?? defaultPageSize,
      },
      { signal },
    )
    return {
      items: deliveries.map(presentWaiting),
      next: next || null,
      searched: presentSearched(searched),
    }
  },
})

const retry = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/deliveries/{delivery}/retry',
  name: 'retryDelivery',
  tag: 'Deliveries',
  summary: 'Try a scheduled delivery now, or at another time',
  description: 'Its retry schedule goes on from there. One that is due already is left alone: 409.',
  access: 'operate',
  params: deliveryParams,
  query: noQuery,
  body: z
    .strictObject({ at: time.optional().meta({ description: 'Within 30 days. Default: now.' }) })
    .optional(),
  status: 202,
  answerDescription: 'The delivery, as it stands now.',
  answer: deliverySummarySchema,
  problems: ['conflict'],
  async handle({ store, organization, params, body, change, write }) {
    const { delivery } = await store.deliveries.retimeDelivery(
      {
        organizationId: organization.id,
        deliveryId: params.delivery,
        ...(body?.at && { at: body.at }),
        change,
      },
      write,
    )
    if (!delivery) throw new TypeError('the store answered without the delivery')
    return presentDeliverySummary(delivery)
  },
})

const cancel = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/deliveries/{delivery}/cancel',
  name: 'cancelDelivery',
  tag: 'Deliveries',
  summary: 'Take a scheduled attempt back',
  description:
    'The delivery becomes a dead letter with the reason `cancelled`. One that is due already is left alone: 409.',
  access: 'operate',
  params: deliveryParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The delivery, as it stands now.',
  answer: deliverySummarySchema,
  problems: ['conflict'],
  async handle({ store, organization, params, change, write }) {
    const { delivery } = await store.deliveries.cancelDelivery(
      { organizationId: organization.id, deliveryId: params.delivery, change },
      write,
    )
    if (!delivery) throw new TypeError('the store answered without the delivery')
    return presentDeliverySummary(delivery)
  },
})

export const deliveryOperations = [list, retry, cancel]

function presentWaiting(waiting: WaitingDelivery): z.input<typeof waitingSchema> {
  if (!waiting.delivery) throw new TypeError('the store answered without the delivery')
  return {
    ...presentDeliverySummary(waiting.delivery),
    eventId: waiting.delivery.eventId,
    source: waiting.source,
    provider: waiting.provider,
    type: waiting.type,
    receivedAt: presentTimeOf(waiting.receivedAt),
    mode: presentMode(waiting.mode),
  }
}
