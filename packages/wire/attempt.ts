import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

/**
 * Messages of ATTEMPTS: what workers did, many records to a message (a JSON array), for the store to project.
 *
 * - `routed`: an event was matched; it has these deliveries (none: no route wanted it). Written when it can't be
 *   told from the attempt itself, that is, unless the event has one delivery and that was attempted at once.
 * - `attempted`: one attempt of a delivery and what follows from it.
 *
 * Records may come twice (a worker that dies between publishing and acknowledging); the event's id, the
 * destination and the attempt's number make them recognisable.
 */
const event = {
  organization: idSchema('org'),
  event: idSchema('evt'),
  /** Unix milliseconds, of the event. */
  receivedAt: z.number(),
  /** The event's sequence in EVENTS: the log has that event before it reads this record. */
  eventSeq: z.number().int().positive(),
}

/** What a lane can be besides well: cut down by 429 or while it recovers, or closed by its breaker. */
export const laneConditions = ['throttled', 'broken'] as const

const attempted = z.object({
  kind: z.literal('attempted'),
  ...event,
  delivery: idSchema('dlv'),
  destination: idSchema('dst'),
  /** How many deliveries the event has. */
  of: z.number().int().positive(),
  /** From 1. */
  number: z.number().int().positive(),
  trigger: z.enum(['route', 'manual', 'replay']),
  /** The Replay that this attempt is part of. */
  replay: idSchema('rpl').optional(),
  /** Unix milliseconds when the attempt began. */
  at: z.number(),
  durationMs: z.number().int().nonnegative(),
  /** One word of the closed list in `@fairlead/webhook/outcome`. */
  outcome: z.string(),
  /** HTTP status, where there was an answer. */
  status: z.number().int().optional(),
  /** A sentence for people, without secrets. At most 500 characters. */
  reason: z.string().optional(),
  /** How the destination's lane stood after the attempt; absent: well, or as far as it is known. */
  lane: z.enum(laneConditions).optional(),
  settlement: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('delivered') }),
    /** `at`: Unix milliseconds when the next attempt is due. */
    z.object({ kind: z.literal('retry'), at: z.number() }),
    z.object({ kind: z.literal('dead'), reason: z.string() }),
  ]),
})

const routed = z.object({ kind: z.literal('routed'), ...event, destinations: z.array(idSchema('dst')) })

const records = z.array(z.discriminatedUnion('kind', [attempted, routed]))

export type AttemptRecord = z.infer<typeof attempted>
export type RoutedRecord = z.infer<typeof routed>
export type LogRecord = AttemptRecord | RoutedRecord

export function encodeLogRecords(batch: readonly LogRecord[]): string {
  return JSON.stringify(batch)
}

/** Throws a WireError `attempts_unreadable`. */
export function decodeLogRecords(payload: Uint8Array): LogRecord[] {
  try {
    return records.parse(
      JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()),
    )
  } catch (cause) {
    throw new WireError('attempts_unreadable', 'a message of ATTEMPTS could not be read', { cause })
  }
}
