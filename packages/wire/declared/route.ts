import { z } from 'zod'
import { integer } from './field.ts'
import { type Rule, ruled } from './rule.ts'

const orderRules: readonly Rule<{ readonly pointer?: unknown; readonly header?: unknown }>[] = [
  {
    cel: 'has(self.pointer) != has(self.header)',
    message: 'give either pointer or header',
    faults: key => ((key.pointer === undefined) !== (key.header === undefined) ? [] : [[]]),
  },
]

const order = z
  .strictObject({
    key: ruled(
      z.strictObject({
        pointer: z
          .string()
          .max(256)
          .regex(/^(\/[^\s/]*)+$/, 'must be a JSON pointer such as /data/object/customer')
          .optional()
          .describe('A JSON pointer into the body (RFC 6901), up to 1 MiB of it. At most 256 characters.'),
        header: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .describe('Name of a request header. At most 128 characters.'),
      }),
      orderRules,
      'Where the key is. An event without it is in no order.',
    ),
    maxWaitSeconds: integer(1, 86_400, 'seconds')
      .default(300)
      .describe(
        'A delivery that has waited so long for the one before goes all the same. Seconds, 1 to 86400. Default: 300.',
      ),
  })
  .describe(
    'Deliveries to one destination with the same key go one after the other, each when the one before has ended. Default: no order.',
  )

export const route = z
  .strictObject({
    source: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[-a-z0-9*]+$/, 'must be the name of a source; * stands for any run of characters')
      .describe('Name of a source; * stands for any run of characters.'),
    eventTypes: z
      .array(z.string().min(1).max(256))
      .min(1, 'give at least one, "*" for all')
      .max(100, 'at most 100 are allowed')
      .default(['*'])
      .meta({
        description:
          'Types as the provider names them; * stands for any run of characters; an event matches if any does. At most 100. Default: all.',
        'x-kubernetes-list-type': 'atomic',
      }),
    destinations: z
      .array(z.string().min(1).max(63))
      .min(1, 'name at least one destination')
      .max(20, 'at most 20 are allowed')
      .meta({ description: 'Names of destinations, 1 to 20.', 'x-kubernetes-list-type': 'atomic' }),
    order: order.optional(),
  })
  .describe('Which events of a source go to which destinations.')

export type RouteSpec = z.output<typeof route>
