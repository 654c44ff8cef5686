import { z } from 'zod'

/** Part of URLs, subjects and file names: a DNS label. */
export const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
export const labelRule =
  'must be lower-case letters, digits and dashes, at most 63, and begin and end with a letter or digit'

/** A DNS label with a description of its own. */
export const name = (description: string) =>
  z
    .string()
    .max(63, labelRule)
    .regex(new RegExp(`^${label}$`), labelRule)
    .meta({ description })

/** A whole number of this unit, within these bounds. */
export const integer = (least: number, most: number, unit: string) =>
  z
    .int(`must be a whole number of ${unit}`)
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`)

/** Where a secret is. */
export const secretRef = z
  .strictObject({
    name: z.string().min(1).max(253).describe("Name of a Secret in this Organization's namespace."),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[-._a-zA-Z0-9]+$/, 'must be a key of a Secret: letters, digits, dots, dashes and underscores')
      .describe('Key in that Secret.'),
  })
  .describe('Where the secret is; it never stands in this resource itself.')

/** A token bucket. @param whose ends the sentence "Limit for …" @param note sentences that follow it */
export const rateLimit = (whose: string, note = '') =>
  z
    .strictObject({
      perSecond: integer(1, 100_000, 'events a second').describe('Events a second, on average. 1 to 100000.'),
      burst: integer(1, 1_000_000, 'events')
        .optional()
        .describe('Events at once after a quiet time. 1 to 1000000. Default: twice perSecond.'),
    })
    .describe(`Limit for ${whose}. ${note}Default: no limit.`)

/** For limits of what comes in. */
export const countedByReceivers =
  'Each receiver counts for itself: three of them let three times as much through. '

export type SecretRef = z.output<typeof secretRef>
