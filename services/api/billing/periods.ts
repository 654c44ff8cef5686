import type { Bridge } from '@fairlead/ledger/metrics/bridge'
import {
  arpa,
  arr,
  grossMrrChurn,
  grossRetention,
  lifetimeValue,
  netMrrChurn,
  netRetention,
  standardChurn,
  stripeChurn,
} from '@fairlead/ledger/metrics/figures'
import type { RevenuePeriod } from '@fairlead/wire/store/revenue'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { noParams, organizationParams } from '../query.ts'
import { presentTimeOf, timeText } from '../time.ts'
import {
  moneyOf,
  monthsQuery,
  mrrSchema,
  presentMrr,
  presentState,
  questionOf,
  shareText,
  stateFields,
} from './analytics-query.ts'
import { moneySchema } from './schemas.ts'

/** Churn, ARPA and lifetime value: formulas of packages/ledger/metrics over what the store counts by period. */

const head = {
  period: z.string().meta({ description: 'A month, or a day.', example: '2026-03' }),
  from: timeText.meta({ description: 'Later than the period’s first moment where `after` lies within it.' }),
  until: timeText.meta({ description: 'Exclusive; earlier than its end where `before` lies within it.' }),
  currency: z.string().meta({ example: 'USD' }),
}

const churnSchema = z
  .object({
    ...head,
    mrr: mrrSchema,
    subscribers: z.object({
      start: z.int(),
      end: z.int(),
      started: z.int().meta({ description: 'Times that a customer began, first or again.' }),
      stopped: z.int().meta({ description: 'Times that a customer stopped.' }),
    }),
    customerChurn: z.object({
      standard: shareText(
        'Customers of those at the start who stopped within the period, each once, of those at the start.',
      ),
      stripe: shareText(
        'As Stripe has it: times that a customer stopped in the 30 days before the period’s end, of the customers 30 days before it and those who began since.',
      ),
      left: z.int().meta({ description: 'Customers whom `standard` counts as gone.' }),
    }),
    revenueChurn: z.object({
      gross: shareText('(churn + contraction) / MRR at the start.'),
      net: shareText('(churn + contraction − expansion − reactivation) / MRR at the start. May be negative.'),
    }),
    revenueRetention: z.object({
      gross: shareText('1 − gross churn.'),
      net: shareText('1 − net churn without reactivation: who comes back was not retained.'),
    }),
  })
  .meta({ id: 'BillingChurn' })

const arpuSchema = z
  .object({
    ...head,
    mrr: moneySchema.meta({ description: 'When the period ended.' }),
    arr: moneySchema.meta({ description: '12 × MRR.' }),
    subscribers: z.int().meta({ description: 'Customers with recurring revenue then.' }),
    arpu: moneySchema.nullable().meta({
      description: 'MRR / subscribers, rounded half to even; ARPA is the same. Null: there is no subscriber.',
    }),
  })
  .meta({ id: 'BillingArpu' })

const ltvSchema = z
  .object({
    ...head,
    arpu: moneySchema.nullable().meta({ description: 'When the period ended.' }),
    customerChurn: shareText('Of the period, by the definition `standard`.'),
    ltv: moneySchema.nullable().meta({
      description:
        'ARPU / customer churn, in the length of the period. Null while nobody leaves: that is unknown, not 0.',
    }),
  })
  .meta({ id: 'BillingLtv' })

interface Figure<Row extends z.ZodObject> {
  /** The last part of its path. */
  readonly path: string
  readonly noun: string
  readonly summary: string
  readonly description: string
  readonly row: Row
  readonly present: (period: RevenuePeriod) => z.input<Row>
}

const presentHead = ({ period, from, until, currency }: RevenuePeriod) => ({
  period,
  from: presentTimeOf(from),
  until: presentTimeOf(until),
  currency,
})

const arpuOf = ({ mrrEnd, subscribersEnd, currency }: RevenuePeriod) => {
  const average = arpa(mrrEnd, Number(subscribersEnd))
  return average === null ? null : moneyOf(average, currency)
}

const standardOf = ({ left, subscribersStart }: RevenuePeriod) =>
  standardChurn({ left: Number(left), start: Number(subscribersStart) })

const churn: Figure<typeof churnSchema> = {
  path: 'churn',
  noun: 'Churn',
  summary: 'Churn and retention by period and currency',
  description:
    'Customer churn by both usual definitions, and revenue churn, gross and net. A customer who ends one of two subscriptions is contraction, no churn.',
  row: churnSchema,
  present: period => {
    const bridge = bridgeOf(period)
    return {
      ...presentHead(period),
      mrr: presentMrr(period),
      subscribers: {
        start: Number(period.subscribersStart),
        end: Number(period.subscribersEnd),
        started: Number(period.started),
        stopped: Number(period.stopped),
      },
      customerChurn: {
        standard: standardOf(period),
        stripe: stripeChurn({
          active: Number(period.active30DaysBefore),
          started: Number(period.startedIn30Days),
          stopped: Number(period.stoppedIn30Days),
        }),
        left: Number(period.left),
      },
      revenueChurn: { gross: grossMrrChurn(bridge), net: netMrrChurn(bridge) },
      revenueRetention: { gross: grossRetention(bridge), net: netRetention(bridge) },
    }
  },
}

const arpu: Figure<typeof arpuSchema> = {
  path: 'arpu',
  noun: 'Arpu',
  summary: 'Average recurring revenue of a customer by period and currency',
  description: 'ARPU, which is ARPA here: a subscriber is a customer with recurring revenue.',
  row: arpuSchema,
  present: period => ({
    ...presentHead(period),
    mrr: moneyOf(period.mrrEnd, period.currency),
    arr: moneyOf(arr(period.mrrEnd), period.currency),
    subscribers: Number(period.subscribersEnd),
    arpu: arpuOf(period),
  }),
}

const ltv: Figure<typeof ltvSchema> = {
  path: 'ltv',
  noun: 'Ltv',
  summary: 'Lifetime value of a customer by period and currency',
  description: 'What a customer brings before leaving, were the period’s churn to stay as it is.',
  row: ltvSchema,
  present: period => {
    const { mrrEnd, subscribersEnd, subscribersStart, left, currency } = period
    const value = lifetimeValue(arpa(mrrEnd, Number(subscribersEnd)), Number(left), Number(subscribersStart))
    return {
      ...presentHead(period),
      arpu: arpuOf(period),
      customerChurn: standardOf(period),
      ltv: value === null ? null : moneyOf(value, currency),
    }
  },
}

function bridgeOf(period: RevenuePeriod): Bridge {
  return {
    period: period.period,
    currency: period.currency,
    start: period.mrrStart,
    new: period.mrrNew,
    reactivation: period.mrrReactivation,
    expansion: period.mrrExpansion,
    contraction: period.mrrContraction,
    churn: period.mrrChurn,
    fx: period.mrrFx,
    end: period.mrrEnd,
  }
}

function operationsOf<Row extends z.ZodObject>(figure: Figure<Row>): { named: Operation; own: Operation } {
  const { noun, row } = figure
  const answer = z.object({ periods: z.array(row), ...stateFields }).meta({ id: `Billing${noun}Periods` })
  return { named: operationOf(figure, answer, false), own: operationOf(figure, answer, true) }
}

function operationOf<Row extends z.ZodObject>(
  figure: Figure<Row>,
  answer: z.ZodType,
  own: boolean,
): Operation {
  const { path, noun, summary, description, present } = figure
  return operation({
    method: 'get',
    path: own ? `/api/v1/analytics/${path}` : `/api/v1/organizations/{slug}/billing/analytics/${path}`,
    name: own ? `listOwnBilling${noun}` : `listBilling${noun}`,
    tag: 'Billing',
    summary,
    description: `${description} Without \`mode\` the figures are of live data, but for a test key.`,
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject({
      ...monthsQuery,
      period: z.enum(['month', 'day']).optional().meta({ description: 'Default: month.' }),
    }),
    status: 200,
    answerDescription: 'The periods, by currency and time.',
    answer,
    problems: ['rate_missing'],
    async handle({ store, organization, query, signal }) {
      const nowMs = Date.now()
      const question = questionOf(organization.id, query, nowMs)
      const byMonth = query.period !== 'day'
      const found = await store.revenue.readPeriods({ question, byMonth }, { signal })
      return { periods: found.periods.map(present), ...presentState(found.state, nowMs) } as never
    },
  })
}

/** Under the path that names the organization, and under that of its keys. */
const operations = [operationsOf(churn), operationsOf(arpu), operationsOf(ltv)]

export const periodsOf = (own: boolean): Operation[] => operations.map(of => (own ? of.own : of.named))
