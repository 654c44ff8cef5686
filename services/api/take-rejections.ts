import { z } from 'zod'
import { operation } from './operation.ts'
import { noQuery, rejectionParams } from './query.ts'
import { readSequence } from './rejection-filter.ts'

export const takeOfferedSecret = operation({
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

export const takeInRejection = operation({
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
