import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

/**
 * A message of REJECTIONS: a request that failed verification. The payload is its body, or the part of it that is
 * kept; this header says the rest.
 */
export const rejectionHeader = 'Fairlead-Rejection'

const schema = z.object({
  organization: idSchema('org'),
  /** The source's name. */
  source: z.string(),
  provider: z.string(),
  /** Unix milliseconds. */
  receivedAt: z.number(),
  /** One word of `RejectionReason`. */
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
