import { type DeadLetter, DeliveryState } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { nameOf } from './caller.ts'
import { deliverySummarySchema, presentDeliverySummary } from './delivery.ts'
import { findDestinationId } from './destinations.ts'
import { findAndWrite } from './find-and-write.ts'
import { modeSchema, presentMode } from './mode.ts'
import { type Call, operation } from './operation.ts'
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
import { countTimeoutMs, dryRun, presentAnswer, ratePerSecond, replaySchema } from './replays.ts'
import { presentSearched, searchedSchema } from './searched.ts'
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
    mode: modeSchema,
    reason: z.string().meta({
      description:
        'Why it died: attempts_exhausted, gone, event_expired, url_invalid, destination_deleted or cancelled.',
    }),
  })
  .meta({ id: 'DeadLetter', description: 'A delivery that used up its attempts. Its id is the delivery’s.' })

/** Which dead letters: all conditions hold together. */
const filters = {
  destination: plainText(63).optional().meta({ description: "A destination's name or id." }),
  source: plainText(63).optional().meta({ description: "A source's name." }),
  type: plainText(256).optional().meta({ description: 'A type, or a glob of types.' }),
  reason: plainText(63).optional().meta({ description: 'Why they died.', example: 'attempts_exhausted' }),
  diedAfter: time.optional().meta({ description: 'Died at this time or later.', example: '2026-03-01' }),
  diedBefore: time.optional().meta({ description: 'Died before this time.' }),
}
type Filters = z.output<z.ZodObject<typeof filters>>

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
    ...filters,
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of dead letters.',
  answer: pageOf(deadLetterSchema).extend({ searched: searchedSchema }).meta({ id: 'DeadLetterPage' }),
  problems: ['cursor_invalid'],
  async handle(call) {
    const { store, organization, query, signal } = call
    const { deadLetters, next, searched } = await store.events.listDeadLetters(
      {
        organizationId: organization.id,
        destinationId: await findDestination(call, query.destination),
        ...ownFilters(query),
        reason: query.reason ?? '',
        cursor: query.cursor ?? '',
        limit: query.limit ?? defaultPageSize,
      },
      { signal },
    )
    return {
      items: deadLetters.map(presentDeadLetter),
      next: next || null,
      searched: presentSearched(searched),
    }
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
  status: 202,
  answerDescription: 'The delivery, as it stands now.',
  answer: deliverySummarySchema,
  problems: ['conflict', 'event_expired'],
  async handle({ store, organization, params, change, write }) {
    const { delivery } = await store.events.retryDeadLetter(
      { organizationId: organization.id, deliveryId: params.delivery, change },
      write,
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
  async handle({ store, organization, params, body, change, write }) {
    const { delivery } = await store.events.discardDeadLetter(
      { organizationId: organization.id, deliveryId: params.delivery, reason: body.reason, change },
      write,
    )
    if (!delivery) throw new TypeError('the store answered without the delivery')
    return presentDeliverySummary(delivery)
  },
})

const retryAll = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/dead-letters/retry',
  name: 'retryDeadLetters',
  tag: 'Dead letters',
  summary: 'Try all dead letters that fit again, or count them',
  description: 'A Replay of the state `dead`: it is found, paused and cancelled with the others.',
  access: 'operate',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({ ...filters, ratePerSecond, dryRun }),
  status: 200,
  answerDescription: 'The Replay, or what it would be.',
  answer: replaySchema,
  problems: ['conflict'],
  async handle(call) {
    const { store, organization, body, caller, write } = call
    const { source, type, diedAfter, diedBefore } = body
    const request = {
      organizationId: organization.id,
      selector: {
        sources: source ? [source] : [],
        types: type ? [type] : [],
        reasons: body.reason ? [body.reason] : [],
        states: [DeliveryState.DEAD],
        ...(diedAfter && { diedAfter }),
        ...(diedBefore && { diedBefore }),
      },
      ratePerSecond: body.ratePerSecond ?? 0,
      dryRun: body.dryRun ?? false,
      createdBy: nameOf(caller),
      ofDeadLetters: true,
    }
    const replay = await findAndWrite(
      call,
      () => findDestination(call, body.destination),
      (destinationId = '', change) =>
        store.replays.createReplay(
          { ...request, destinationIds: destinationId ? [destinationId] : [], change },
          { ...write, timeoutMs: countTimeoutMs },
        ),
    )
    return presentAnswer(replay)
  },
})

const discardAll = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/dead-letters/discard',
  name: 'discardDeadLetters',
  tag: 'Dead letters',
  summary: 'Take all dead letters that fit off the list for good, or count them',
  description: 'The oldest first, 10,000 at most with one call. Safe to repeat.',
  access: 'operate',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    ...filters,
    discardReason: plainText(500).meta({
      description: 'For whoever reads the log later.',
      example: 'test data',
    }),
    dryRun,
  }),
  status: 200,
  answerDescription: 'How many were discarded, or would be.',
  answer: z.object({
    discarded: z.int(),
    more: z.boolean().meta({ description: 'True: others that fit are left. Ask again.' }),
  }),
  problems: [],
  async handle(call) {
    const { store, organization, body, write } = call
    const { discarded, more } = await findAndWrite(
      call,
      () => findDestination(call, body.destination),
      (destinationId = '', change) =>
        store.events.discardDeadLetters(
          {
            organizationId: organization.id,
            destinationId,
            ...ownFilters(body),
            deadReason: body.reason ?? '',
            reason: body.discardReason,
            dryRun: body.dryRun ?? false,
            change,
          },
          write,
        ),
    )
    return { discarded, more }
  },
})

export const deadLetterOperations = [list, retry, discard, retryAll, discardAll]

/** Filters as the store takes them, but for the destination; why the letters died has another name in each of its calls. */
const ownFilters = ({ source = '', type = '', diedAfter, diedBefore }: Filters) => ({
  source,
  type,
  ...(diedAfter && { diedAfter }),
  ...(diedBefore && { diedBefore }),
})

/** The id of the destination that is asked for; empty: none is. */
async function findDestination(
  { store, organization, signal }: Pick<Call, 'store' | 'organization' | 'signal'>,
  destination: string | undefined,
): Promise<string> {
  return destination ? await findDestinationId(store, organization.id, destination, signal) : ''
}

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
    mode: presentMode(letter.mode),
  }
}
