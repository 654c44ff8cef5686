import { monthAfter } from '@fairlead/ledger/metrics/calendar'
import { cohortShares } from '@fairlead/ledger/metrics/cohorts'
import type { RevenueCohort } from '@fairlead/wire/store/revenue'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { noParams, organizationParams } from '../query.ts'
import { moneyOf, monthsQuery, presentState, questionOf, shareText, stateFields } from './analytics-query.ts'
import { moneySchema } from './schemas.ts'

const cohortSchema = z
  .object({
    month: z.string().meta({ description: 'Of the first recurring revenue.', example: '2026-03' }),
    currency: z.string().meta({ example: 'USD' }),
    size: z.int(),
    months: z
      .array(
        z.object({
          month: z.string(),
          active: z.int().meta({ description: 'Members with recurring revenue at its end.' }),
          retention: shareText('active / size.'),
          mrr: moneySchema.meta({ description: 'Their recurring revenue at its end.' }),
          netRetention: shareText('mrr, of that at the end of the first month. May be above 1.'),
        }),
      )
      .meta({ description: 'From the first month on. Months that are not over are left out.' }),
  })
  .meta({ id: 'BillingCohort' })

const cohortsSchema = z
  .object({ cohorts: z.array(cohortSchema), ...stateFields })
  .meta({ id: 'BillingCohorts' })

/** Retention of customers by the month in which they began. */
export function cohortsOf(own: boolean): Operation {
  return operation({
    method: 'get',
    path: own ? '/api/v1/analytics/cohorts' : '/api/v1/organizations/{slug}/billing/analytics/cohorts',
    name: own ? 'listOwnBillingCohorts' : 'listBillingCohorts',
    tag: 'Billing',
    summary: 'Customers by the month of their first recurring revenue, and what became of them',
    description:
      'A customer who leaves and comes back stays in the first cohort. `after` and `before` choose the cohorts; their months go on until now. Without `mode` the figures are of live data, but for a test key.',
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject({
      ...monthsQuery,
      months: z
        .string()
        .regex(/^([1-9]|[12]\d|3[0-6])$/, 'a number from 1 to 36')
        .transform(Number)
        .optional()
        .meta({ description: 'Months after the first: 1 to 36. Default 12.', example: '12' }),
    }),
    status: 200,
    answerDescription: 'The cohorts, by currency and month.',
    answer: cohortsSchema,
    problems: ['rate_missing'],
    async handle({ store, organization, query, signal }) {
      const nowMs = Date.now()
      const question = questionOf(organization.id, query, nowMs)
      const found = await store.revenue.readCohorts({ question, months: query.months ?? 0 }, { signal })
      return { cohorts: found.cohorts.map(presentCohort), ...presentState(found.state, nowMs) }
    },
  })
}

function presentCohort({ month, currency, size, months }: RevenueCohort): z.input<typeof cohortSchema> {
  const cells = months.map(({ active, mrr }) => ({ active: Number(active), mrr }))
  const { retention, netMrr } = cohortShares(Number(size), cells)
  return {
    month,
    currency,
    size: Number(size),
    months: cells.map(({ active, mrr }, index) => ({
      month: monthAfter(month, index),
      active,
      retention: retention[index] ?? null,
      mrr: moneyOf(mrr, currency),
      netRetention: netMrr[index] ?? null,
    })),
  }
}
