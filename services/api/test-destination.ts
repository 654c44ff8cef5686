import { failures } from '@fairlead/webhook/outcome'
import { z } from 'zod'
import { exchangeSchema, presentExchange } from './attempts.ts'
import { destinationParams } from './destinations.ts'
import { operation } from './operation.ts'
import { noQuery } from './query.ts'

const outcomes = ['delivered', ...Object.keys(failures)] as const

const test = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/destinations/{destination}/test',
  name: 'testDestination',
  tag: 'Settings',
  summary: 'Send a test to a destination, and see the whole exchange',
  description:
    'A worker posts a signed sample event of the type `fairlead.test` (`fairlead-trigger: test`) as every delivery is posted, and answers within 10 seconds, also of a destination that is paused. It is no event: no list, count or retry knows of it. The audit log says that it was made.',
  access: 'operate',
  params: destinationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'What was sent and what was answered, whatever that was.',
  answer: z
    .object({
      test: z.literal(true),
      outcome: z
        .enum(outcomes as unknown as [string, ...string[]])
        .meta({ description: 'How it ended.', example: 'delivered' }),
      status: z.int().nullable().meta({ description: 'HTTP status; null: there was no answer.' }),
      reason: z.string().nullable().meta({ description: 'A sentence about a failure.' }),
      durationMs: z.int(),
      eventId: z.string().meta({ description: 'Id of the sample event, which is in no list.' }),
      body: z.string().meta({ description: 'What was posted.' }),
      exchange: exchangeSchema
        .nullable()
        .meta({ description: 'Null: nothing could be sent, or it is no address.' }),
    })
    .meta({ id: 'DestinationTest' }),
  problems: ['conflict', 'unavailable'],
  async handle({ store, organization, params, change, write }) {
    const asked = { organizationId: organization.id, destination: params.destination, change }
    const done = await store.destinations.testDestination(asked, write)
    return {
      test: true as const,
      outcome: done.outcome,
      status: done.status || null,
      reason: done.reason || null,
      durationMs: done.durationMs,
      eventId: done.eventId,
      body: done.body,
      exchange: done.exchange ? presentExchange(done.exchange) : null,
    }
  },
})

export const testDestinationOperations = [test]
