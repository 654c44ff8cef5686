import { z } from 'zod'
import { modeSchema, presentMode } from '../mode.ts'
import { type Operation, operation } from '../operation.ts'
import { cursor, defaultPageSize, limit, noParams, organizationParams, pageOf } from '../query.ts'
import { presentTimeOf, timeText } from '../time.ts'
import { figuresQuery, moneyOf } from './analytics-query.ts'
import { moneySchema } from './schemas.ts'

const restatementSchema = z
  .object({
    day: z.iso.date().meta({ description: 'Of UTC.', example: '2026-02-10' }),
    currency: z.string().meta({ example: 'USD' }),
    mode: modeSchema,
    mrr: moneySchema.meta({
      description: 'Of the day’s movement of recurring revenue, and so of what each later day ended with.',
    }),
    paid: moneySchema,
    refunded: moneySchema,
    lost: moneySchema,
    firstAt: timeText.meta({ description: 'When the first change came after the day was closed.' }),
    lastAt: timeText,
  })
  .meta({
    id: 'BillingRestatement',
    description: 'By how much the figures of a day differ from those that it was closed with.',
  })

const restatementPage = pageOf(restatementSchema).meta({ id: 'BillingRestatementPage' })

/** What late events changed of days that were over. */
export function restatementsOf(own: boolean): Operation {
  return operation({
    method: 'get',
    path: own
      ? '/api/v1/analytics/restatements'
      : '/api/v1/organizations/{slug}/billing/analytics/restatements',
    name: own ? 'listOwnBillingRestatements' : 'listBillingRestatements',
    tag: 'Billing',
    summary: 'Days whose figures changed after they were closed, newest first',
    description:
      'A day is closed 24 hours after it ended (UTC). Figures are always computed from all events; where a late one changes a closed day, the difference stands here. Days that stand as they were closed are left out.',
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject({
      after: figuresQuery.after.meta({ description: 'Days from this time on. Default: all.' }),
      before: figuresQuery.before.meta({ description: 'Days before this time. Default: all.' }),
      currency: figuresQuery.currency,
      cursor,
      limit,
    }),
    status: 200,
    answerDescription: 'A page of days.',
    answer: restatementPage,
    problems: ['cursor_invalid'],
    async handle({ store, organization, query, signal }) {
      const { restatements, next } = await store.revenue.listRestatements(
        {
          organizationId: organization.id,
          ...(query.after && { after: query.after }),
          ...(query.before && { before: query.before }),
          currency: query.currency ?? '',
          cursor: query.cursor ?? '',
          limit: query.limit ?? defaultPageSize,
        },
        { signal },
      )
      return {
        items: restatements.map(({ day, currency, mode, mrr, paid, refunded, lost, firstAt, lastAt }) => ({
          day,
          currency,
          mode: presentMode(mode),
          mrr: moneyOf(mrr, currency),
          paid: moneyOf(paid, currency),
          refunded: moneyOf(refunded, currency),
          lost: moneyOf(lost, currency),
          firstAt: presentTimeOf(firstAt),
          lastAt: presentTimeOf(lastAt),
        })),
        next: next || null,
      }
    },
  })
}
