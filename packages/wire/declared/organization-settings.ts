import { z } from 'zod'
import { countedByReceivers, integer, rateLimit } from './field.ts'

export const apiVersion = 'fairlead.dev/v1alpha1'

/** What an organization is beside its slug and its parts, as a resource, a file and a request of the API declare it. */
export const organizationSettings = {
  displayName: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('As people read it. At most 100 characters. Default: the slug.'),
  plan: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe(
      'What the organization has booked, for people and reports; sets no limit by itself. At most 63 characters.',
    ),
  webhookLimit: integer(1, 1_000_000_000_000, 'events')
    .optional()
    .describe(
      'Accepted events in a calendar month (UTC); further ones are refused with 429. Default: no limit.',
    ),
  weight: integer(1, 100, 'parts')
    .default(1)
    .describe(
      'Its part of the attempts that workers make at one time when they run short, to the parts of other organizations. Parts, 1 to 100. Default: 1.',
    ),
  active: z
    .boolean()
    .default(true)
    .describe('False: requests are refused with 403, deliveries under way end. Default: true.'),
  retentionDays: integer(1, 365, 'days')
    .default(7)
    .describe(
      "How long the log keeps events and attempts. Days, 1 to 365. Default: 7. Bodies are kept as long as the platform's stream keeps them.",
    ),
  rateLimit: rateLimit('all sources together', countedByReceivers).optional(),
  ledger: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          'True: every accepted event of a source of stripe, paypal or shopify also goes into the ledger. False: none does, and what the ledger has stays. Default: false.',
        ),
    })
    .default({ enabled: false })
    .describe('Plans, customers, subscriptions, invoices and payments, kept from billing events.'),
}
