import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { modes } from './mode.ts'
import { WireError } from './wire-error.ts'

/**
 * A message of REJECTIONS: a request that failed verification. The payload is its body, or the part of it that is
 * kept; this header holds the rest.
 */
export const rejectionHeader = 'Fairlead-Rejection'

/** A body larger than this is left out of the record: anyone can post there. */
export const maxKeptBytes = 256 * 1024

/** What is kept of one source, of refused requests and of swallowed repeats each; the oldest go first. */
export const keptOfSource = { messages: 1_000, bytes: 64 * 1024 ** 2, hours: 72 } as const

/** The event that a swallowed repeat was taken for, and the fields that it would have had as an event of its own. */
const repeatOf = z.object({
  event: idSchema('evt'),
  sourceId: idSchema('src'),
  revision: z.number(),
  type: z.string(),
  types: z.array(z.string()).optional(),
  /** Which of the source's secrets matched. */
  secret: z.string().optional(),
})

export type RepeatOf = z.infer<typeof repeatOf>

const schema = z.object({
  organization: idSchema('org'),
  /** The source's name. */
  source: z.string(),
  provider: z.string(),
  /** Unix milliseconds. */
  receivedAt: z.number(),
  /** One word of `RejectionReason`, or `repeat_differs`. */
  reason: z.string(),
  /** A sentence for people, without secrets. */
  detail: z.string().optional(),
  method: z.string(),
  /** Path and query, as received. */
  url: z.string(),
  /** Names and values in turn, in the order and case received (node's rawHeaders). */
  headers: z.array(z.string()).readonly(),
  /** Bytes of the body as received; the payload may hold fewer. */
  size: z.number().int().nonnegative(),
  /** A secret that the provider handed over in this request, sealed (`sealContext.offeredSecret`); nowhere else in it. */
  offered: z.string().optional(),
  /** Public URLs that the signature was checked over, without their query; absent where the provider signs no URL. */
  publicUrls: z.array(z.string()).optional(),
  /** Only with the reason `repeat_differs`: it verified. */
  repeats: repeatOf.optional(),
  /** Of its source, when this was received. Absent: live. */
  mode: z.enum(modes).optional(),
})

export type RejectionMeta = z.infer<typeof schema>

export function encodeRejectionMeta(meta: RejectionMeta): string {
  return JSON.stringify(meta)
}

/** Throws a WireError `rejection_unreadable`. */
export function decodeRejectionMeta(text: string | undefined): RejectionMeta {
  if (!text) throw new WireError('rejection_unreadable', `the message has no ${rejectionHeader} header`)
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new WireError('rejection_unreadable', `the ${rejectionHeader} header can't be read`, { cause })
  }
}
