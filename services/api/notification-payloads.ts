import { modes } from '@fairlead/wire/mode'
import type { BillingNoticeType, NoticeType } from '@fairlead/wire/notice'
import { z } from 'zod'
import { timeText } from './time.ts'

/**
 * What Fairlead itself sends to an organization's destination: the bodies, by type, as the document's `webhooks` tell them.
 * The store makes them (`services/store/notifications`); a test reads what arrives by these schemas.
 */

const destination = {
  destinationId: z.string().meta({ example: 'dst_01jd3k5t9vexqa7w2m8zr4c6hs' }),
  destination: z.string().meta({ description: 'Its name.', example: 'billing' }),
}
const issue = z.object({
  issueId: z.string().meta({ example: 'iss_01jd3k5t9vexqa7w2m8zr4c6hs' }),
  kind: z.enum(['delivery', 'refusal']),
  subjectId: z.string().meta({ description: 'The destination or the source.' }),
  subject: z.string().nullable().meta({ description: 'Its name; null: it is gone.' }),
  cause: z.string().meta({ example: 'destination_failed' }),
  mode: z.enum(modes).meta({ description: 'Whether live or test data is concerned.' }),
  status: z.int().nullable().meta({ description: 'Of HTTP; null where there is none.' }),
  failures: z.int(),
  firstSeenAt: timeText,
  lastSeenAt: timeText,
})

/** Type → when it is sent, and its `data`. */
export const noticePayloads = {
  'destination.failing': [
    'Every attempt at a destination has failed for 5 minutes.',
    z.object({ ...destination, failingSince: timeText, lastError: z.string().nullable() }),
  ],
  'destination.recovered': [
    'A destination that was told as failing took a delivery again.',
    z.object({ ...destination, failingSince: timeText, recoveredAt: timeText }),
  ],
  'destination.paused': [
    'A destination gets nothing any more: it answered 410, has failed for five days, or a member asked.',
    z.object({ ...destination, reason: z.enum(['gone', 'failing', 'asked']), since: timeText }),
  ],
  'source.silent': [
    'A source has had no event for as long as `silentAfterSeconds` of the setting says. Once for each silence.',
    z.object({
      sourceId: z.string(),
      source: z.string(),
      lastEventAt: timeText.nullable(),
      silentAfterSeconds: z.int(),
    }),
  ],
  'quota.near': [
    'A part of the month’s events is used up: at 80 and at 100 percent.',
    z.object({
      month: z.string().meta({ example: '2030-01' }),
      percent: z.int().meta({ example: 80 }),
      accepted: z.int(),
      limit: z.int(),
    }),
  ],
  'issue.opened': ['Something fails, or is refused, for a reason that is new.', issue],
  'issue.regressed': ['A resolved issue came again.', issue],
  'issue.resolved': ['An issue was resolved, by a member or by recovery.', issue],
  'key.expiring': [
    'An API key ends within 7 days.',
    z.object({ keyId: z.string(), name: z.string(), expiresAt: timeText }),
  ],
  'ledger.restated': [
    'Late events changed figures of days that were closed. Once for each hour in which any did, when it is over.',
    z.object({
      mode: z.enum(modes),
      since: timeText.meta({ description: 'The hour in which they came.' }),
      days: z.int().meta({ description: 'How many days and currencies changed.' }),
      firstDay: z.iso.date().meta({ description: 'Of UTC.' }),
      lastDay: z.iso.date(),
      currencies: z.array(z.string()),
    }),
  ],
} as const satisfies Readonly<Record<NoticeType, readonly [sentAt: string, data: z.ZodType]>>

/** The whole body of a type. */
export const noticeBody = (type: NoticeType) =>
  z.object({
    type: z.literal(type),
    timestamp: timeText.meta({ description: 'When it was noticed.' }),
    organization: z.string().meta({ description: 'Its slug.', example: 'acme' }),
    data: noticePayloads[type][1],
  })

const billingObject = z
  .looseObject({
    object: z.enum(['customer', 'subscription', 'invoice', 'payment']),
    provider: z.string().meta({ example: 'stripe' }),
    account: z.string().meta({ description: "The connected account; empty: the source's own." }),
    mode: z.enum(modes),
    id: z.string().meta({ description: "The provider's id.", example: 'sub_1MowQVLkdIwHu7ix' }),
    previousStatus: z
      .string()
      .nullable()
      .meta({ description: 'The state that was told before; null: none was.' }),
  })
  .meta({
    description:
      'The row as it stands two seconds after the change, with field names of the API. Amounts are whole minor units as text, times milliseconds since 1970. No personal data.',
  })

/** The whole body of a type of the ledger: the steps of one second are told as the one in which they end. */
export const billingNoticeBody = (type: BillingNoticeType) =>
  z.object({
    type: z.literal(type),
    timestamp: timeText.meta({ description: 'When it was told.' }),
    organization: z.string().meta({ description: 'Its slug.', example: 'acme' }),
    data: billingObject,
  })
