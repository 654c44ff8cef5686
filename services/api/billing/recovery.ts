import { recoveryRate } from '@fairlead/ledger/metrics/recovery'
import type { RecoveryMonth } from '@fairlead/wire/store/revenue'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { noParams, organizationParams } from '../query.ts'
import { presentTimeOf, timeText } from '../time.ts'
import { moneyOf, monthsQuery, presentState, questionOf, shareText, stateFields } from './analytics-query.ts'
import { moneySchema } from './schemas.ts'

const monthSchema = z
  .object({
    month: z.string().meta({ description: 'In which the invoices were finalized.', example: '2026-03' }),
    from: timeText,
    until: timeText.meta({ description: 'Exclusive.' }),
    currency: z.string().meta({ example: 'USD' }),
    failed: z.int().meta({ description: 'Invoices whose first payment failed. Void ones are left out.' }),
    recovered: z.int().meta({ description: 'Of these: paid within the time allowed.' }),
    pending: z.int().meta({ description: 'Of these: open, and still within it.' }),
    rate: shareText('recovered / (failed − pending).'),
    recoveredAmount: moneySchema,
  })
  .meta({ id: 'BillingRecoveryMonth' })

const recoverySchema = z
  .object({ months: z.array(monthSchema), ...stateFields })
  .meta({ id: 'BillingRecovery' })

/** What became of payments that failed. */
export function recoveryOf(own: boolean): Operation {
  return operation({
    method: 'get',
    path: own ? '/api/v1/analytics/recovery' : '/api/v1/organizations/{slug}/billing/analytics/recovery',
    name: own ? 'listOwnBillingRecovery' : 'listBillingRecovery',
    tag: 'Billing',
    summary: 'Recovery of failed payments by month and currency',
    description:
      'By invoice and not by event: an invoice whose payment failed four times is one. Months without a failure are left out. Without `mode` the figures are of live data, but for a test key.',
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject({
      ...monthsQuery,
      withinDays: z
        .string()
        .regex(/^([1-9]|[1-8]\d|90)$/, 'a number from 1 to 90')
        .transform(Number)
        .optional()
        .meta({
          description:
            'How long after its invoice a payment may come to count as recovered: 1 to 90. Default 30.',
          example: '30',
        }),
    }),
    status: 200,
    answerDescription: 'The months.',
    answer: recoverySchema,
    problems: ['rate_missing'],
    async handle({ store, organization, query, signal }) {
      const nowMs = Date.now()
      const question = questionOf(organization.id, query, nowMs)
      const asked = { question, withinDays: query.withinDays ?? 0 }
      const found = await store.revenue.readRecovery(asked, { signal })
      return { months: found.months.map(presentMonth), ...presentState(found.state, nowMs) }
    },
  })
}

function presentMonth(row: RecoveryMonth): z.input<typeof monthSchema> {
  const counts = {
    failed: Number(row.failed),
    recovered: Number(row.recovered),
    pending: Number(row.pending),
  }
  return {
    month: row.month,
    from: presentTimeOf(row.from),
    until: presentTimeOf(row.until),
    currency: row.currency,
    ...counts,
    rate: recoveryRate(counts),
    recoveredAmount: moneyOf(row.recoveredAmount, row.currency),
  }
}
