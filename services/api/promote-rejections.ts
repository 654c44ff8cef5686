import type { PromotedRejection } from '@fairlead/wire/store/rejection'
import { z } from 'zod'
import { unbindCursor } from './bound-cursor.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { noQuery, organizationParams, plainText, rejectionParams } from './query.ts'
import { filterFields, filterOf, filterSchema, readSequence } from './rejection-filter.ts'

export const summarizeRejections = operation({
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

export const promoteRejection = operation({
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

export const promoteRejections = operation({
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
