import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

/**
 * A message of DEAD: a delivery that used up its attempts. The payload is the event's body, the header
 * `Fairlead-Event` is the event's own (`event.ts`), so that it outlives EVENTS; this header says which delivery died. Published
 * with a `Nats-Msg-Id` of delivery and attempt, because a worker may publish it twice.
 */
export const deadHeader = 'Fairlead-Dead'

const schema = z.object({
  delivery: idSchema('dlv'),
  destination: idSchema('dst'),
  /** The event's sequence in EVENTS, as in `attempt.ts`. */
  eventSeq: z.number().int().positive(),
  /** The number of the last attempt, from 1. */
  attempt: z.number().int().positive(),
  /** Unix milliseconds when it died. */
  at: z.number(),
  /** A word of the closed list of settlements' reasons. */
  reason: z.string(),
})

export type DeadMeta = z.infer<typeof schema>

export function encodeDeadMeta(meta: DeadMeta): string {
  return JSON.stringify(meta)
}

/** Throws a WireError `dead_unreadable`. */
export function decodeDeadMeta(text: string | undefined): DeadMeta {
  if (!text) throw new WireError('dead_unreadable', `the message has no ${deadHeader} header`)
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new WireError('dead_unreadable', `the ${deadHeader} header can't be read`, { cause })
  }
}
