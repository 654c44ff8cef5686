import type { DeadLetter } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { deliverySummarySchema, presentDeliverySummary } from './delivery.ts'
import { findDestinationId } from './destinations.ts'
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
} from './query.ts'
import { presentTimeOf, timeText } from './time.ts'

const deadLetterSchema = z
  .object({
    ...deliverySummarySchema.shape,
    eventId: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    source: z.string(),
    provider: z.string(),
    type: z.string(),
    receivedAt: timeText.meta({ description: 'When its event was received.' }),
    diedAt: timeText,
    reason: z
      .string()
      .meta({ description: 'Why it died: attempts_exhausted, gone, event_expired or url_invalid.' }),
  })
  .meta({ id: 'DeadLetter', description: 'A delivery that used up its attempts. Its id is the delivery’s.' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/dead-letters',
  name: 'listDeadLetters',
  tag: 'Dead letters',
  summary: 'Dead letters, newest first',
  description: 'Deliveries that used up their attempts and were neither retried nor discarded.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    destination: plainText(63).optional().meta({ description: "A destination's name or id." }),
    source: plainText(63).optional().meta({ description: "A source's name." }),
    type: plainText(256).optional().meta({ description: 'A type, or a glob of types.' }),
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of dead letters.',
  answer: pageOf(deadLetterSchema).meta({ id: 'DeadLetterPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const destinationId = query.destination
      ? await findDestinationId(store, organization.id, query.destination, signal)
      : ''
    const { deadLetters, next } = await store.events.listDeadLetters(
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
    return { items: deadLetters.map(presentDeadLetter), next: next || null }
  },
})

const retry = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/dead-letters/{delivery}/retry',
  name: 'retryDeadLetter',
  tag: 'Dead letters',
  summary: 'Try a dead letter again, under a whole new retry schedule',
  access: 'operate',
  params: deliveryParams,
  query: noQuery,
  repeatable: true,
  status: 202,
  answerDescription: 'The delivery, as it stands now.',
  answer: deliverySummarySchema,
  problems: ['conflict', 'event_expired'],
  audit: ({ params }, delivery) => ({
    action: 'dead_letter.retried',
    subjectId: params.delivery,
    details: { destination: delivery.destination },
  }),
  async handle({ store, organization, params, signal }) {
    const { delivery } = await store.events.retryDeadLetter(
      { organizationId: organization.id, deliveryId: params.delivery },
      { signal },
    )
    if (!delivery) throw new TypeError('the store answered without the delivery')
    return presentDeliverySummary(delivery)
  },
})

const discard = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/dead-letters/{delivery}/discard',
  name: 'discardDeadLetter',
  tag: 'Dead letters',
  summary: 'Take a dead letter off the list for good',
  description: 'Its event stays failed. Safe to repeat.',
  access: 'operate',
  params: deliveryParams,
  query: noQuery,
  body: z.strictObject({
    reason: plainText(500).meta({ description: 'For whoever reads the log later.', example: 'test data' }),
  }),
  status: 200,
  answerDescription: 'The delivery, as it stands now.',
  answer: deliverySummarySchema,
  problems: ['conflict'],
  audit: ({ params, body }, delivery) => ({
    action: 'dead_letter.discarded',
    subjectId: params.delivery,
    details: { destination: delivery.destination, reason: body.reason },
  }),
  async handle({ store, organization, params, body, signal }) {
    const { delivery } = await store.events.discardDeadLetter(
      { organizationId: organization.id, deliveryId: params.delivery, reason: body.reason },
      { signal },
    )
    if (!delivery) throw new TypeError('the store answered without the delivery')
    return presentDeliverySummary(delivery)
  },
})

export const deadLetterOperations = [list, retry, discard]

function presentDeadLetter(letter: DeadLetter): z.input<typeof deadLetterSchema> {
  if (!letter.delivery) throw new TypeError('the store answered without the delivery')
  return {
    ...presentDeliverySummary(letter.delivery),
    eventId: letter.delivery.eventId,
    source: letter.source,
    provider: letter.provider,
    type: letter.type,
    receivedAt: presentTimeOf(letter.receivedAt),
    diedAt: presentTimeOf(letter.diedAt),
    reason: letter.reason,
  }
}
