import type { Rejection } from '@fairlead/wire/store/rejection'
import { z } from 'zod'
import { contentSchema, presentBody, presentHeaders } from './content.ts'
import { explainRejection } from './explain-rejection.ts'
import { modeSchema, presentMode } from './mode.ts'
import { operation } from './operation.ts'
import { promoteRejection, promoteRejections, summarizeRejections } from './promote-rejections.ts'
import { cursor, limit, noQuery, organizationParams, pageOf, rejectionParams } from './query.ts'
import { filterFields, filterOf, readSequence } from './rejection-filter.ts'
import { takeInRejection, takeOfferedSecret } from './take-rejections.ts'
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
  async handle({ store, organization, query, signal, takeBodies }) {
    const withBodies = query.bodies === 'true'
    using _turn = withBodies ? await takeBodies() : undefined
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

/** Paths with a word in the place of an id come before those with the id. */
export const rejectionOperations = [
  list,
  summarizeRejections,
  promoteRejections,
  get,
  promoteRejection,
  takeOfferedSecret,
  takeInRejection,
]

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
