import { failures } from '@fairlead/webhook/outcome'
import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

/**
 * A test of a destination: the store asks, one of the workers sends a sample event and answers with the whole exchange. A
 * request and its reply in core NATS, kept nowhere, so that no test is ever counted or delivered again
 * (docs/adr/0041).
 */
export const destinationTestSubject = 'destination-tests'

/** One of the workers takes a test. */
export const destinationTestQueue = 'workers'

/** How long a worker may take, ms: a destination's own time counts if it is shorter. */
export const destinationTestMs = 10_000

/** Type, provider and source of the sample event: no source of a tenant has such a name. */
export const testType = 'fairlead.test'
export const testProvider = 'fairlead'
export const testSource = 'fairlead.test'

const requestSchema = z.object({
  organization: idSchema('org'),
  destination: idSchema('dst'),
  /** Of the configuration that is to be tested: a worker that knows an older one waits for it. */
  revision: z.number(),
  event: idSchema('evt'),
  source: z.string(),
  sourceId: idSchema('src'),
  delivery: idSchema('dlv'),
  /** The sample's body, JSON. */
  body: z.string().max(4096),
})
export type DestinationTest = z.infer<typeof requestSchema>

const answerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('sent'),
    outcome: z.enum(['delivered', ...(Object.keys(failures) as (keyof typeof failures)[])]),
    status: z.number().optional(),
    reason: z.string().optional(),
    durationMs: z.number(),
    /** As `exchange.ts` has it; absent: nothing could be sent. */
    exchange: z.unknown().optional(),
  }),
  /** This worker makes as many tests at one time as it may. */
  z.object({ kind: z.literal('busy') }),
  /** No such destination is in force: it was deleted, or is not active. */
  z.object({ kind: z.literal('absent') }),
])
export type DestinationTestAnswer = z.infer<typeof answerSchema>

export const decodeDestinationTest = (payload: Uint8Array): DestinationTest => decode(requestSchema, payload)
export const decodeDestinationTestAnswer = (payload: Uint8Array): DestinationTestAnswer =>
  decode(answerSchema, payload)

/** Throws a WireError `delivery_unreadable`. */
function decode<Schema extends z.ZodType>(schema: Schema, payload: Uint8Array): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(payload)))
  } catch (cause) {
    throw new WireError('delivery_unreadable', "a test of a destination can't be read", { cause })
  }
}
