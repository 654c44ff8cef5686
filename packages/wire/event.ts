import type { EventId, OrganizationId, SourceId } from '@fairlead/webhook/id'
import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

/**
 * An event as a message of EVENTS: the payload is the body as it was received, and one header holds all that is
 * known about it. One header rather than many: it is written and read once, and a consumer that asks for headers
 * only (the log) gets the whole of it.
 */
export const eventHeader = 'Fairlead-Event'

export interface EventMeta {
  readonly id: EventId
  readonly organization: OrganizationId
  /** The source's name, as in its URL. */
  readonly source: string
  readonly sourceId: SourceId
  readonly provider: string
  /** Of the organization's configuration when this was received: a worker that knows an older one waits for it. */
  readonly revision: number
  /** As the provider names it; empty where it can't be told. */
  readonly type: string
  /**
   * All types of a request that holds several things, `type` first; 2 to 32. Absent for one thing, and in events that
   * were stored before there was this field.
   */
  readonly types?: readonly string[] | undefined
  /** Unix milliseconds. */
  readonly receivedAt: number
  readonly method: string
  /** Path and query, as received. */
  readonly url: string
  /** Names and values in turn, in the order and case received (node's rawHeaders). */
  readonly headers: readonly string[]
  /** Bytes of the body. */
  readonly size: number
  /** Which of the source's secrets matched (its id in the configuration); absent where none is needed. */
  readonly secret?: string | undefined
}

const schema = z.object({
  id: idSchema('evt'),
  organization: idSchema('org'),
  source: z.string(),
  sourceId: idSchema('src'),
  provider: z.string(),
  revision: z.number().default(0),
  type: z.string(),
  types: z.array(z.string()).optional(),
  receivedAt: z.number(),
  method: z.string(),
  url: z.string(),
  headers: z.array(z.string()),
  size: z.number(),
  secret: z.string().optional(),
})

export function encodeEventMeta(meta: EventMeta): string {
  return JSON.stringify(meta)
}

/** Throws a WireError `event_unreadable`. */
export function decodeEventMeta(text: string | undefined): EventMeta {
  if (!text) throw new WireError('event_unreadable', `the message has no ${eventHeader} header`)
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new WireError('event_unreadable', `the ${eventHeader} header can't be read`, { cause })
  }
}
