import type { Rejection } from '@fairlead/wire/store/rejection'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { contentSchema, presentBody, presentHeaders } from './content.ts'
import { explainRejection } from './explain-rejection.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { limit, noQuery, organizationParams, plainText, rejectionParams } from './query.ts'
import { presentTimeOf, timeText } from './time.ts'

/** Bodies make a page large: fewer a page where they are asked for. */
const maxWithBodies = 20
const defaultLimit = 100
/** What the store gives at most. */
const maxListed = 1000

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
  description: 'At most 100 of each source are kept, for 24 hours.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    source: plainText(63).optional().meta({ description: "A source's name." }),
    bodies: z
      .enum(['true', 'false'])
      .optional()
      .meta({
        description: `True: with bodies, and ${maxWithBodies} at most. Default false: \`body\` is null.`,
      }),
    limit,
  }),
  status: 200,
  answerDescription: 'The newest rejections.',
  answer: z.object({ items: z.array(rejectionSchema) }),
  problems: [],
  async handle({ store, organization, query, signal }) {
    const withBodies = query.bodies === 'true'
    const asked = query.limit ?? defaultLimit
    const { rejections } = await store.rejections.listRejections(
      {
        organizationId: organization.id,
        source: query.source ?? '',
        limit: withBodies ? Math.min(asked, maxWithBodies) : asked,
        omitBodies: !withBodies,
      },
      { signal },
    )
    return { items: rejections.map(rejection => presentRejection(rejection, withBodies)) }
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
          'Null where it can not be told: its source is gone, its body was too large to keep, or it offers a secret.',
      }),
  })
  .meta({ id: 'ExplainedRejection' })

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
  async handle({ store, organization, params, publicUrl, signal }) {
    const rejection = await findRejection(store, organization.id, params.rejection, signal)
    const explanation = await explainRejection(store, organization.id, rejection, publicUrl, signal)
    return { ...presentRejection(rejection, true), explanation }
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
    'Only with the reason `repeat_differs`: it verified, had the id of an event that was accepted before, and another body. It becomes an event with an id of its own, which is routed and delivered as if it had just come. Its record is erased.',
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

export const rejectionOperations = [list, get, takeSecret, takeInOperation]

/** Above what JetStream counts to, and so above what gRPC's uint64 holds, nothing is there. */
function readSequence(id: string): bigint {
  const sequence = BigInt(id)
  if (sequence >= 2n ** 64n) throw new ApiError('not_found')
  return sequence
}

/** First without bodies, to learn its source; then that source's alone. Throws an ApiError `not_found`. */
async function findRejection(
  store: StoreClient,
  organizationId: string,
  id: string,
  signal: AbortSignal,
): Promise<Rejection> {
  const named = (rejection: Rejection) => String(rejection.id) === id
  const all = await store.rejections.listRejections(
    { organizationId, limit: maxListed, omitBodies: true },
    { signal },
  )
  const source = all.rejections.find(named)?.source
  if (source === undefined) throw new ApiError('not_found')
  const own = await store.rejections.listRejections({ organizationId, source, limit: maxListed }, { signal })
  const found = own.rejections.find(named)
  if (!found) throw new ApiError('not_found')
  return found
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
    canBeTakenIn: rejection.canBeTakenIn,
    headers: presentHeaders(rejection.headers),
    ...(withBody ? presentBody(rejection.body) : { body: null, bodyEncoding: 'utf-8' as const }),
  }
}
