import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import type { LedgerDay } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { noParams, organizationParams, plainText, since } from '../query.ts'
import { presentTime, timeText } from '../time.ts'
import { money, moneySchema } from './schemas.ts'

const daySchema = z
  .object({
    day: z.iso.date().meta({ example: '2026-03-01' }),
    currency: z.string().meta({ example: 'USD' }),
    mrr: z
      .object({
        start: moneySchema,
        new: moneySchema,
        reactivation: moneySchema,
        expansion: moneySchema,
        contraction: moneySchema,
        churn: moneySchema,
        end: moneySchema,
      })
      .meta({
        description:
          'Monthly recurring revenue: start + new + reactivation + expansion − contraction − churn = end, to the minor unit.',
      }),
    subscribers: z.int().meta({ description: 'Customers with recurring revenue when the day ended.' }),
    customersStarted: z.int().meta({ description: 'Customers who began, first or again.' }),
    customersChurned: z.int(),
    paid: moneySchema,
    refunded: moneySchema,
    lost: moneySchema.meta({ description: 'Disputes that were opened on this day and lost.' }),
    paymentsFailed: z.int().meta({ description: 'Payments of this day that have not succeeded since.' }),
  })
  .meta({ id: 'BillingDay' })

const daysSchema = z
  .object({
    days: z.array(daySchema),
    asOf: timeText,
    dataThrough: timeText.nullable().meta({ description: 'The newest event that the ledger knows.' }),
    incomplete: z.int().meta({
      description:
        'Subscriptions whose items the provider cut short: their revenue is not known for certain.',
    }),
    restatedAt: timeText.nullable().meta({
      description:
        'When a fact of this time last came more than a day late: figures of days that had passed may have changed then.',
    }),
  })
  .meta({ id: 'BillingDays' })

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
      'Computed from the rows as they are now, each currency for itself: nothing is converted. Recurring revenue counts subscriptions that are active or past due, without trials, metered prices, taxes, one-off lines and prorations. Days without a change are left out. Without `mode` the figures are of live data, but for a test key.',
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject({
      after: since.optional().meta({ description: 'From this time on. Default: 30 days before `before`.' }),
      before: since.optional().meta({ description: 'Default: now.' }),
      timeZone: plainText(64)
        .optional()
        .meta({ description: 'Days begin as they do there. Default UTC.', example: 'Europe/Berlin' }),
      currency: z
        .string()
        .regex(/^[A-Za-z]{3}$/)
        .optional()
        .meta({ description: 'Default: each.' }),
    }),
    status: 200,
    answerDescription: 'The days.',
    answer: daysSchema,
    problems: [],
    async handle({ store, organization, query, signal }) {
      const nowMs = Date.now()
      const before = query.before ?? timestampFromMs(nowMs)
      const found = await store.ledger.readLedgerFigures(
        {
          organizationId: organization.id,
          after: query.after ?? timestampFromMs(Math.max(0, timestampMs(before) - 30 * dayMs)),
          before,
          timeZone: query.timeZone ?? '',
          currency: query.currency?.toUpperCase() ?? '',
        },
        { signal },
      )
      return {
        days: found.days.map(presentDay),
        asOf: new Date(nowMs).toISOString(),
        dataThrough: presentTime(found.dataThrough),
        incomplete: Number(found.incomplete),
        restatedAt: presentTime(found.restatedAt),
      }
    },
  })
}

function presentDay(day: LedgerDay): z.input<typeof daySchema> {
  const { currency } = day
  const of = (amount: bigint): z.input<typeof moneySchema> => {
    const shown = money(String(amount), currency)
    if (!shown) throw new TypeError('the store answered without a currency')
    return shown
  }
  return {
    day: day.day,
    currency,
    mrr: {
      start: of(day.mrrStart),
      new: of(day.mrrNew),
      reactivation: of(day.mrrReactivation),
      expansion: of(day.mrrExpansion),
      contraction: of(day.mrrContraction),
      churn: of(day.mrrChurn),
      end: of(day.mrrEnd),
    },
    subscribers: Number(day.subscribers),
    customersStarted: Number(day.customersStarted),
    customersChurned: Number(day.customersChurned),
    paid: of(day.paid),
    refunded: of(day.refunded),
    lost: of(day.lost),
    paymentsFailed: Number(day.paymentsFailed),
  }
}
