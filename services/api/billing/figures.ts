import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import type { LedgerDay } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { noParams, organizationParams } from '../query.ts'
import {
  figuresQuery,
  moneyOf,
  mrrSchema,
  presentMrr,
  presentState,
  questionOf,
  stateFields,
} from './analytics-query.ts'
import { moneySchema } from './schemas.ts'

const daySchema = z
  .object({
    day: z.iso.date().meta({ example: '2026-03-01' }),
    currency: z.string().meta({ example: 'USD' }),
    mrr: mrrSchema,
    subscribers: z.int().meta({ description: 'Customers with recurring revenue when the day ended.' }),
    customersStarted: z.int().meta({ description: 'Customers who began, first or again.' }),
    customersChurned: z.int(),
    paid: moneySchema,
    refunded: moneySchema,
    lost: moneySchema.meta({
      description:
        'Disputes that were opened on this day and lost, and what reversed payments of this day lost beyond their disputes.',
    }),
    paymentsFailed: z.int().meta({ description: 'Payments of this day that have not succeeded since.' }),
  })
  .meta({ id: 'BillingDay' })

const daysSchema = z.object({ days: z.array(daySchema), ...stateFields }).meta({ id: 'BillingDays' })

const dayMs = 86_400_000

/** Revenue by day. */
export function figuresOf(own?: string): Operation {
  return operation({
    method: 'get',
    path: own ?? '/api/v1/organizations/{slug}/billing/analytics/days',
    name: own ? 'listOwnBillingDays' : 'listBillingDays',
    tag: 'Billing',
    summary: 'Recurring revenue and payments by day and currency',
    description:
      'Computed from the rows as they are now, each currency for itself: nothing is converted unless `convert` asks for it. Recurring revenue counts subscriptions that are active or past due, without trials, metered prices, taxes, one-off lines and prorations. Days without a change are left out. Without `mode` the figures are of live data, but for a test key.',
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject(figuresQuery),
    status: 200,
    answerDescription: 'The days.',
    answer: daysSchema,
    problems: ['rate_missing'],
    async handle({ store, organization, query, signal }) {
      const nowMs = Date.now()
      const asked = questionOf(organization.id, query, nowMs)
      const monthAgo = timestampFromMs(Math.max(0, timestampMs(asked.before) - 30 * dayMs))
      const found = await store.ledger.readLedgerFigures({ after: monthAgo, ...asked }, { signal })
      return { days: found.days.map(presentDay), ...presentState(found, nowMs) }
    },
  })
}

function presentDay(day: LedgerDay): z.input<typeof daySchema> {
  const { currency } = day
  return {
    day: day.day,
    currency,
    mrr: presentMrr(day),
    subscribers: Number(day.subscribers),
    customersStarted: Number(day.customersStarted),
    customersChurned: Number(day.customersChurned),
    paid: moneyOf(day.paid, currency),
    refunded: moneyOf(day.refunded, currency),
    lost: moneyOf(day.lost, currency),
    paymentsFailed: Number(day.paymentsFailed),
  }
}
