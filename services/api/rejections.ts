import type { Rejection } from '@fairlead/wire/store/rejection'
import { z } from 'zod'
import { contentSchema, presentBody, presentHeaders } from './content.ts'
import { operation } from './operation.ts'
import { limit, organizationParams, plainText } from './query.ts'
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
    sizeBytes: z.int().meta({ description: 'Of the body as received; of a large one only a part is kept.' }),
    ...contentSchema,
  })
  .meta({ id: 'Rejection', description: 'A request that failed verification.' })

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

export const rejectionOperations = [list]

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
    headers: presentHeaders(rejection.headers),
    ...(withBody ? presentBody(rejection.body) : { body: null, bodyEncoding: 'utf-8' as const }),
  }
}
