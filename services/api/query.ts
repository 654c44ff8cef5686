import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type IdPrefix, parseId } from '@fairlead/webhook/id'
import { z } from 'zod'
import type { ZodOpenApiOverrideMetaContext } from 'zod-openapi'
import { readAddress } from './auth/address.ts'

/**
 * Parameters that several operations take. Text from outside is bounded and free of control characters here (Postgres
 * refuses U+0000 in text), so that nothing further in has to think of it.
 */

/** Items of a page: at most, and by default. */
export const maxPageSize = 500
export const defaultPageSize = 50

export const plainText = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .refine(text => text.isWellFormed(), 'is no well-formed Unicode')
    .regex(/^\P{Cc}*$/u, 'has control characters')
    .refine(text => text === '' || text.trim() !== '', 'is blank')

/** A page's size. A larger number than the most is taken as the most. */
export const limit = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, `a number from 1 to ${maxPageSize}`)
  .transform(text => Math.min(Number(text), maxPageSize))
  .optional()
  .meta({
    description: `How many at most: 1 to ${maxPageSize} (more is taken as ${maxPageSize}). Default ${defaultPageSize}.`,
    example: 20,
    // A query holds text only; a number is meant.
    override: ({ jsonSchema }: ZodOpenApiOverrideMetaContext) => {
      Object.assign(jsonSchema, { type: 'integer', minimum: 1 })
      delete jsonSchema.pattern
    },
  })

export const cursor = plainText(1000).optional().meta({
  description:
    "`next` of the page before. Opaque; good only with the same filters. A list that grows meanwhile doesn't move its pages.",
})

/** `2026-03-01` (00:00 UTC) or `2026-03-01T12:00:00Z`, from 1970 on. */
export const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform(text => new Date(text))
  .refine(date => date.getTime() >= 0 && date.getUTCFullYear() <= 9999, 'a time from 1970 to 9999')
  .transform(timestampFromDate)

/**
 * A time as `time` takes it, or as people say it: `-2h` (s, m, h, d ago), or seconds or milliseconds since 1970.
 */
export const since = z
  .string()
  .max(40)
  .transform((text, context) => {
    const read = readSince(text, Date.now())
    if (read) return timestampFromDate(read)
    context.addIssue('a time such as 2026-03-01, 2026-03-01T12:00:00Z, -2h (s, m, h, d) or 1772366400')
    return z.NEVER
  })
  .meta({ example: '-2h' })

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Undefined for text that names no time from 1970 to 9999. Pure. */
export function readSince(text: string, nowMs: number): Date | undefined {
  const [, ago, unit] = /^-(\d{1,6})([smhd])$/.exec(text) ?? []
  const ms =
    ago !== undefined
      ? nowMs - Number(ago) * unitMs[unit as keyof typeof unitMs]
      : /^\d{9,10}$/.test(text)
        ? Number(text) * 1_000
        : /^\d{12,13}$/.test(text)
          ? Number(text)
          : isoMs(text)
  const date = new Date(ms)
  return date.getTime() >= 0 && date.getUTCFullYear() <= 9999 ? date : undefined
}

function isoMs(text: string): number {
  const isTime = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).safeParse(text).success
  return isTime ? new Date(text).getTime() : Number.NaN
}

/** A text that can't be a slug or an id names nothing: `request.ts` answers 404, as for an unknown slug or id. */
const slug = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
  .meta({ description: "The organization's slug.", example: 'acme' })
export const id = (prefix: IdPrefix, description: string) =>
  z
    .string()
    .refine(text => parseId(prefix, text) !== undefined)
    .meta({ description, example: `${prefix}_01jd3k5t9vexqa7w2m8zr4c6hs` })

export const noParams = z.object({})
export const organizationParams = z.object({ slug })
export const eventId = z.string().refine(text => parseId('evt', text) !== undefined, "is no event's id")
export const attemptParams = z.object({
  slug,
  attempt: z
    .string()
    .regex(/^att_[0-9a-z]{26}-[1-9]\d{0,8}$/)
    .refine(text => parseId('dlv', `dlv_${text.slice(4, 30)}`) !== undefined)
    .meta({ description: "The attempt's id.", example: 'att_01jd3k5t9vexqa7w2m8zr4c6hs-1' }),
})
export const eventParams = z.object({ slug, event: id('evt', "The event's id.") })
export const deliveryParams = z.object({ slug, delivery: id('dlv', "The delivery's id.") })
export const replayParams = z.object({ slug, replay: id('rpl', "The Replay's id.") })
export const retryParams = z.object({ slug, retry: id('rty', "The retry's id.") })
export const rebuildParams = z.object({ slug, rebuild: id('rbd', "The rebuild's id.") })
export const issueParams = z.object({ slug, issue: id('iss', "The issue's id.") })
export const memberParams = z.object({ slug, member: id('mem', "The member's id.") })
export const invitationParams = z.object({ slug, invitation: id('inv', "The invitation's id.") })
export const ownInvitationParams = invitationParams.pick({ invitation: true })
export const sessionParams = z.object({
  session: z
    .string()
    .regex(/^ses_[0-9a-f]{24}$/)
    .meta({ description: "The session's id.", example: 'ses_4f0a93c1d27be85560aa1c42' }),
})
export const passkeyParams = z.object({
  passkey: z
    .string()
    .regex(/^pky_[0-9a-f]{24}$/)
    .meta({ description: "The passkey's id.", example: 'pky_4f0a93c1d27be85560aa1c42' }),
})
export const staffParams = z.object({
  email: z
    .string()
    .max(320)
    .refine(text => readAddress(text) !== undefined)
    .meta({ description: 'Of a person of the platform’s staff.', example: 'ada@example.com' }),
})
export const keyParams = z.object({ slug, key: id('key', "The key's id.") })
export const rejectionParams = z.object({
  slug,
  rejection: z
    .string()
    .regex(/^[1-9]\d{0,18}$/)
    .meta({ description: "The rejection's id.", example: '4711' }),
})
export const noQuery = z.strictObject({})

/** A page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last.' }),
  })
