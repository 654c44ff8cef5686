import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

/**
 * A message of DELIVERIES: a delivery that could not be finished at once, as a reference to its event. The body
 * stays in EVENTS (or, for the retry of a dead letter, in DEAD) and is read back by sequence.
 */
const schema = z.object({
  delivery: idSchema('dlv'),
  event: idSchema('evt'),
  organization: idSchema('org'),
  destination: idSchema('dst'),
  /** The source's name. */
  source: z.string(),
  /** Unix milliseconds, of the event. */
  receivedAt: z.number(),
  /** Where the body is. */
  stored: z.object({ stream: z.enum(['EVENTS', 'DEAD']), seq: z.number().int().positive() }),
  /** The number that the next attempt has, from 1. */
  attempt: z.number().int().positive(),
  /** Attempts already made under the retry schedule that is running; a retry by hand starts a new one at 0. */
  spent: z.number().int().nonnegative(),
  /** How many deliveries the event has. */
  of: z.number().int().positive().default(1),
  /** Goes after others with this key (a digest), and before those that come later; but waits no longer than this. */
  order: z.object({ key: z.string(), maxWaitSeconds: z.number().positive() }).optional(),
  /** Bytes of the event's body. */
  bytes: z.number().int().nonnegative().default(0),
  /** Why this delivery is made: by a route, by a person who asked for one event again, or by a Replay. */
  trigger: z.enum(['route', 'manual', 'replay']),
  replay: idSchema('rpl').optional(),
})

export type DeliveryReference = z.infer<typeof schema>

export function encodeDelivery(reference: DeliveryReference): string {
  return JSON.stringify(reference)
}

/** Throws a WireError `delivery_unreadable`. */
export function decodeDelivery(payload: Uint8Array): DeliveryReference {
  try {
    return schema.parse(
      JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()),
    )
  } catch (cause) {
    throw new WireError('delivery_unreadable', 'a message of DELIVERIES could not be read', { cause })
  }
}
