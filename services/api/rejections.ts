import type { PromotedRejection, Rejection } from '@fairlead/wire/store/rejection'
import { z } from 'zod'
import { unbindCursor } from './bound-cursor.ts'
import { contentSchema, presentBody, presentHeaders } from './content.ts'
import { explainRejection } from './explain-rejection.ts'
import { modeSchema, presentMode } from './mode.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import {
  cursor,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  rejectionParams,
  since,
} from './query.ts'
import { presentTimeOf, timeText } from './time.ts'

/** Bodies make a page large: fewer a page where they are asked for. */
const maxWithBodies = 20
const defaultLimit = 100

const rejectionSchema = z
  .object({
    id: z.string().meta({ example: '4711' }),
    source: z.string(),
    provider: z.string(),
    receivedAt: timeText,
    reason: z.string().meta({ example: 'signature_mismatch' }),
    detail: z.string().nullable(),
    method: z.string(),
    url: z.string().meta({ description: 'Path and query, as received.' }),
    sizeBytes: z.int().meta({
      description: 'Of the body as received; a large one, or one with a secret in it, is not kept.',
    }),
    offersSecret: z.boolean().meta({
      description:
        'The provider handed over a secret in this request (Asana, Notion). It is kept sealed, and `take-secret` shows it.',
    }),
    repeatsEvent: z.string().nullable().meta({
      description: 'With the reason `repeat_differs`: the event that it was taken for again.',
    }),
    mode: modeSchema,
    canBeTakenIn: z.boolean().meta({ description: '`take-in` makes an event of it.' }),
    ...contentSchema,
  })
  .meta({
    id: 'Rejection',
    description:
      'A request that failed verification, or was swallowed as a repeat although its body differs.',
  })

const filterFields = {
  source: plainText(63).optional().meta({ description: "A source's name." }),
  reason: plainText(63).optional().meta({ description: 'One word, such as `signature_mismatch`.' }),
  after: since.optional().meta({ description: 'Received at or after.' }),
  before: since.optional().meta({ description: 'Received before.' }),
}
const filterSchema = z.strictObject(filterFields)

const filterOf = ({ source = '', reason = '', after, before }: z.output<typeof filterSchema>) => ({
  source,
  reason,
  ...(after && { after }),
  ...(before && { before }),
})

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/rejections',
  name: 'listRejections',
  tag: 'Rejections',
  summary: 'Requests that failed verification, newest first',
  description:
    'At most 1,000 and 64 MiB of each source are kept, for 72 hours; the oldest go first. A page goes over some 10,000 of them: it may hold fewer than `limit`, even none, and still have a `next`.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    ...filterFields,
    bodies: z
      .enum(['true', 'false'])
      .optional()
      .meta({
        description: `True: with bodies, and ${maxWithBodies} at most. Default false: \`body\` is null.`,
      }),
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of rejections.',
  answer: pageOf(rejectionSchema).meta({ id: 'RejectionPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const withBodies = query.bodies === 'true'
    const asked = query.limit ?? defaultLimit
    const { rejections, next } = await store.rejections.listRejections(
      {
        organizationId: organization.id,
        ...filterOf(query),
        limit: withBodies ? Math.min(asked, maxWithBodies) : asked,
        omitBodies: !withBodies,
        cursor: query.cursor ?? '',
      },
      { signal },
    )
    return {
      items: rejections.map(rejection => presentRejection(rejection, withBodies)),
      next: next || null,
    }
  },
})

const explainedSchema = rejectionSchema
  .extend({
    explanation: z
      .object({
        stillRefused: z
          .boolean()
          .meta({ description: 'False: with what is configured now it would be accepted.' }),
        causes: z
          .array(
            z.object({
              kind: z.string().meta({ example: 'clock' }),
              sentence: z.string(),
              source: z.string().nullable().meta({ description: 'Another source that it is right for.' }),
            }),
          )
          .meta({ description: 'The likeliest first.' }),
      })
      .nullable()
      .meta({
        description:
          'Null where it can not be told: its source is gone, its body was too large to keep, or it offers a secret. Null as well where `explanationHint` says why.',
      }),
    explanationHint: z.string().nullable().meta({
      description: 'Why there is no explanation this time, and what to do. Null: nothing stood in its way.',
    }),
  })
  .meta({ id: 'ExplainedRejection' })

/** One is explained at a time, whoever asks. */
const othersFirst =
  'Other rejections are being explained at the moment: ask again in a few seconds for the probable cause.'

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/rejections/{rejection}',
  name: 'getRejection',
  tag: 'Rejections',
  summary: 'One rejection, with its body and its probable cause',
  description:
    'The usual mistakes (a clock, another secret, a body that was changed on its way …) are undone one at a time, with the secrets that are configured now. What the right signature would have been is never told.',
  access: 'operate',
  params: rejectionParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The rejection.',
  answer: explainedSchema,
  problems: [],
  async handle({ store, organization, params, publicUrl, signal, takeExplanation }) {
    using turn = await takeExplanation()
    const { rejection } = await store.rejections.getRejection(
      { organizationId: organization.id, id: readSequence(params.rejection) },
      { signal },
    )
    if (!rejection) throw new TypeError('the store answered without the rejection')
    const shown = presentRejection(rejection, true)
    if (!turn) return { ...shown, explanation: null, explanationHint: othersFirst }
    const explanation = await explainRejection(store, organization.id, rejection, publicUrl, signal)
    return { ...shown, explanation, explanationHint: null }
  },
})

const takeSecret = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/rejections/{rejection}/take-secret',
  name: 'takeOfferedSecret',
  tag: 'Rejections',
  summary: 'Take the secret that a provider handed over, once',
  description:
    'It is in this answer and never again: its record is erased. Only with an Idempotency-Key a repeat gets it once more. Take it only if you have just set this webhook up, since anyone who knows the URL can offer one, and put it into the Secret that the source names. Missed? Let the provider send it again.',
  access: 'administer',
  params: rejectionParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The secret.',
  answer: z
    .object({ source: z.string(), secret: z.string().meta({ description: 'Shown this once.' }) })
    .meta({ id: 'OfferedSecret' }),
  problems: [],
  async handle({ store, organization, params, change, write }) {
    const { source, value } = await store.rejections.takeOfferedSecret(
      { organizationId: organization.id, id: readSequence(params.rejection), change },
      write,
    )
    return { source, secret: value }
  },
})

const takeInOperation = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/rejections/{rejection}/take-in',
  name: 'takeInRejection',
  tag: 'Rejections',
  summary: 'Take in a request that was swallowed as a repeat',
  description:
    'Only with the reason `repeat_differs`: it verified, had the id of an event that was accepted before, and another body. It becomes an event with an id of its own and its original receipt time, which is routed and delivered. Its record is erased.',
  access: 'operate',
  params: rejectionParams,
  query: noQuery,
  status: 202,
  answerDescription: 'The new event.',
  answer: z
    .object({ source: z.string(), event: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }) })
    .meta({ id: 'TakenIn' }),
  problems: [],
  async handle({ store, organization, params, change, write }) {
    const { source, eventId } = await store.rejections.takeInRejection(
      { organizationId: organization.id, id: readSequence(params.rejection), change },
      write,
    )
    return { source, event: eventId }
  },
})

const summary = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/rejections/summary',
  name: 'summarizeRejections',
  tag: 'Rejections',
  summary: 'How many would pass now',
  description:
    'Each is verified with the secrets that are configured now, as if it came at the time of its receipt. Swallowed repeats are left out. One call works for a second at most: while `unchecked` is not 0, ask again, and it goes on from there.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({ source: filterFields.source }),
  status: 200,
  answerDescription: 'Counts by source.',
  answer: z
    .object({
      items: z.array(
        z.object({
          source: z.string(),
          rejections: z.int().meta({ description: 'That are kept.', example: 41 }),
          wouldPass: z.int().meta({ description: '`promote` makes events of them.', example: 37 }),
          stillRefused: z.int(),
          undecided: z.int().meta({
            description:
              'It can not be told: their source is gone, their body was not kept, nothing is signed, or the provider’s published keys are needed.',
          }),
          unchecked: z.int().meta({ description: 'The time was used up before them.' }),
        }),
      ),
    })
    .meta({ id: 'RejectionSummary' }),
  problems: [],
  async handle({ store, organization, query, publicUrl, signal }) {
    const { sources } = await store.rejections.summarizeRejections(
      { organizationId: organization.id, source: query.source ?? '', publicUrl: publicUrl ?? '' },
      { signal },
    )
    return {
      items: sources.map(({ source, rejections, wouldPass, stillRefused, undecided, unchecked }) => ({
        source,
        rejections,
        wouldPass,
        stillRefused,
        undecided,
        unchecked,
      })),
    }
  },
})

const promotedSchema = z
  .object({
    rejection: z.string().meta({ example: '4711' }),
    source: z.string(),
    event: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    wasThere: z.boolean().meta({
      description:
        'The event was there already, and is not delivered once more: the provider sent this delivery again and it was accepted, or another rejection of it was promoted.',
    }),
  })
  .meta({ id: 'PromotedRejection' })

const promoteOne = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/rejections/{rejection}/promote',
  name: 'promoteRejection',
  tag: 'Rejections',
  summary: 'Make an event of a rejection that verifies now',
  description:
    'Put the secret right first: it is verified with the secrets of now, as if it came at the time of its receipt, and nobody can have it pass otherwise (409 `conflict` says why it would be refused). The event keeps its receipt time, and the id that the provider’s own repeat would have, so that it is delivered once. A swallowed repeat is taken in. The record is erased.',
  access: 'operate',
  params: rejectionParams,
  query: noQuery,
  status: 202,
  answerDescription: 'The event.',
  answer: promotedSchema,
  problems: ['conflict'],
  async handle({ store, organization, params, publicUrl, change, write }) {
    const id = readSequence(params.rejection)
    const { promoted, left } = await store.rejections.promoteRejections(
      { organizationId: organization.id, ids: [id], publicUrl: publicUrl ?? '', change },
      write,
    )
    const [one] = promoted
    if (!one) throw new ApiError('conflict', `It would be refused again: ${left[0]?.reason ?? 'not_there'}.`)
    return presentPromoted(one)
  },
})

const promoteMany = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/rejections/promote',
  name: 'promoteRejections',
  tag: 'Rejections',
  summary: 'Make events of all rejections that verify now',
  description:
    'By filter, or by ids. With `dryRun` it only tells which would pass: give the `rejection` of each as `ids`, and these run and no others. At most 1,000 a call, the newest first, and for 5 s; `next` goes on, and ids that no time was left for stay as `unchecked`. Many at one time are refused with 429. Swallowed repeats are left out of a filter.',
  access: 'operate',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    filter: filterSchema.optional().meta({ description: 'Empty: all rejections.' }),
    ids: z
      .array(rejectionParams.shape.rejection)
      .min(1)
      .max(1_000)
      .optional()
      .meta({ description: 'Ids of rejections.' }),
    cursor: plainText(100)
      .optional()
      .meta({ description: '`next` of the call before, with the same filter.' }),
    dryRun: z.boolean().optional().meta({ description: 'True: nothing is made.' }),
  }),
  status: 200,
  answerDescription: 'What was promoted, oldest first, and what stays.',
  answer: z
    .object({
      promoted: z.array(promotedSchema),
      left: z
        .array(z.object({ reason: z.string().meta({ example: 'signature_mismatch' }), rejections: z.int() }))
        .meta({ description: 'Those that stay rejections, by reason.' }),
      next: z.string().nullable().meta({ description: '`cursor` of the next call; null: these were all.' }),
    })
    .meta({ id: 'PromotedRejections' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, body, publicUrl, change, write }) {
    const { filter, ids, dryRun = false } = body
    if ((filter === undefined) === (ids === undefined)) {
      const fault = { in: 'body', name: 'filter', message: 'give either `filter` or `ids`' } as const
      throw new ApiError('request_invalid', undefined, { faults: [fault] })
    }
    const { promoted, left, next } = await store.rejections.promoteRejections(
      {
        organizationId: organization.id,
        ids: (ids ?? []).map(readSequence),
        filter: filterOf(filter ?? {}),
        cursor: body.cursor === undefined ? '' : unbindCursor(body.cursor, listOf(organization.id)),
        publicUrl: publicUrl ?? '',
        dryRun,
        change,
      },
      write,
    )
    return {
      promoted: promoted.map(presentPromoted),
      left: left.map(({ reason, rejections }) => ({ reason, rejections })),
      next: next || null,
    }
  },
})

/** A cursor in a body is bound as one in a query is. */
const listOf = (organizationId: string) => ({ operation: 'promoteRejections', organizationId, query: {} })

const presentPromoted = ({ id, source, eventId, wasThere }: PromotedRejection) => ({
  rejection: String(id),
  source,
  event: eventId,
  wasThere,
})

export const rejectionOperations = [list, summary, promoteMany, get, promoteOne, takeSecret, takeInOperation]

/** Above what JetStream counts to, and so above what gRPC's uint64 holds, nothing is there. */
function readSequence(id: string): bigint {
  const sequence = BigInt(id)
  if (sequence >= 2n ** 64n) throw new ApiError('not_found')
  return sequence
}

function presentRejection(rejection: Rejection, withBody: boolean): z.input<typeof rejectionSchema> {
  return {
    id: String(rejection.id),
    source: rejection.source,
    provider: rejection.provider,
    receivedAt: presentTimeOf(rejection.receivedAt),
    reason: rejection.reason,
    detail: rejection.detail || null,
    method: rejection.method,
    url: rejection.url,
    sizeBytes: Number(rejection.sizeBytes),
    offersSecret: rejection.offersSecret,
    repeatsEvent: rejection.repeatsEventId || null,
    mode: presentMode(rejection.mode),
    canBeTakenIn: rejection.canBeTakenIn,
    headers: presentHeaders(rejection.headers),
    ...(withBody ? presentBody(rejection.body) : { body: null, bodyEncoding: 'utf-8' as const }),
  }
}
