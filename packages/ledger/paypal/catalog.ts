import type { InlinePrice, Interval } from '../attributes.ts'
import type { Draft } from '../draft.ts'
import { flagAt, idAt, integerAt, type Json, listAt, objectAt, requiredId, textAt, timeAt } from '../read.ts'
import { moneyAt } from './money.ts'

const intervals: Readonly<Record<string, Interval>> = {
  DAY: 'day',
  WEEK: 'week',
  MONTH: 'month',
  YEAR: 'year',
}
const daysOf: Readonly<Record<Interval, number>> = { day: 1, week: 7, month: 30, year: 365 }

export function readProduct(resource: Json): Draft<'product'> {
  return {
    kind: 'product',
    objectId: requiredId(resource),
    incarnation: '',
    attributes: {
      name: textAt(resource, 'name'),
      createdAt: timeAt(resource, 'create_time'),
      active: true,
      deleted: false,
    },
    complete: true,
    links: [],
    terms: [],
  }
}

/** A billing plan. Its price is that of the regular cycle; trial cycles count days. */
export function readPlan(resource: Json): Draft<'plan'> {
  const product = idAt(resource, 'product_id')
  const regular = regularPriceOf(resource)
  const taxes = objectAt(resource, 'taxes')
  const inclusive = taxes && flagAt(taxes, 'inclusive')
  const status = textAt(resource, 'status')
  return {
    kind: 'plan',
    objectId: requiredId(resource),
    incarnation: '',
    attributes: {
      createdAt: timeAt(resource, 'create_time'),
      product,
      active: status === null ? null : status === 'ACTIVE',
      nickname: textAt(resource, 'name'),
      currency: regular?.currency ?? null,
      unitAmount: regular?.unitAmount ?? null,
      scheme: regular ? 'per_unit' : 'tiered',
      usage: 'licensed',
      interval: regular?.interval ?? null,
      intervalCount: regular?.intervalCount ?? null,
      trialDays: trialDaysOf(resource),
      tax: inclusive === null ? 'unspecified' : inclusive ? 'inclusive' : 'exclusive',
      deleted: false,
    },
    complete: true,
    links: product === null ? [] : [{ kind: 'product', id: product }],
    terms: [],
  }
}

/** The price of the regular cycle; null where it has tiers, or where the plan isn't told. */
export function regularPriceOf(plan: Json): InlinePrice | null {
  const cycle = listAt(plan, 'billing_cycles').find(({ tenure_type }) => tenure_type === 'REGULAR')
  const scheme = cycle && objectAt(cycle, 'pricing_scheme')
  const price = scheme && moneyAt(scheme, 'fixed_price')
  const frequency = cycle && frequencyOf(cycle)
  if (!price || !frequency) return null
  return { unitAmount: price.amount, currency: price.currency, ...frequency }
}

function frequencyOf(cycle: Json): { interval: Interval; intervalCount: number } | null {
  const frequency = objectAt(cycle, 'frequency')
  const interval = frequency && intervals[textAt(frequency, 'interval_unit') ?? '']
  return interval ? { interval, intervalCount: integerAt(frequency, 'interval_count') ?? 1 } : null
}

function trialDaysOf(plan: Json): number | null {
  const trials = listAt(plan, 'billing_cycles').filter(({ tenure_type }) => tenure_type === 'TRIAL')
  if (trials.length === 0) return null
  return trials.reduce((days, cycle) => {
    const frequency = frequencyOf(cycle)
    const cycles = integerAt(cycle, 'total_cycles') ?? 1
    return days + (frequency ? daysOf[frequency.interval] * frequency.intervalCount * cycles : 0)
  }, 0)
}
