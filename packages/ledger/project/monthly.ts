import type { Interval, Subscription, SubscriptionItem } from '../attributes.ts'
import { lessPercent, minusToZero, over, plus, rounded, times, whole, zero } from '../fraction.ts'
import { parseRatio, type Ratio } from '../money.ts'
import type { CouponRow, CustomerRows, DiscountRow, InvoiceLineRow, PlanRow } from '../rows.ts'
import type { Prices } from './prices.ts'

/** Which discounts lower MRR. `forever`: only those without an end, as Stripe counts; a first-month coupon isn't a contraction. */
export type DiscountPolicy = 'forever' | 'all' | 'none'

/** The attributes of a subscription at a time, as its transitions hold them. */
export type SubscriptionState = Pick<
  Subscription,
  'status' | 'customer' | 'items' | 'discounts' | 'currency' | 'periodStartAt' | 'periodEndAt'
>

export interface Monthly {
  readonly amount: bigint
  readonly currency: string | null
  /** False where an item's price isn't known, or where a tax is within a price and no line tells how much. */
  readonly complete: boolean
}

/** What prices and discounts are looked up in. */
export interface Catalog extends Pick<CustomerRows, 'plans' | 'coupons' | 'discounts' | 'invoices'> {
  readonly prices: Prices
}

interface Price {
  readonly perInterval: Ratio
  readonly months: Ratio
  readonly exact: boolean
}

/**
 * The MRR of one subscription at a time: recurring, licensed items of one that is active or past due, by the month, after
 * discounts, before tax. Rounded once, half to even, to minor units, so that all sums of it are exact.
 */
export function monthlyOf(
  state: SubscriptionState,
  catalog: Catalog,
  at: number,
  policy: DiscountPolicy = 'forever',
): Monthly {
  if (state.status !== 'active' && state.status !== 'past_due') {
    return { amount: 0n, currency: state.currency, complete: true }
  }
  const prices = state.items.map(item => ({ item, price: priceOf(item, catalog, at) }))
  const applied = (ids: readonly string[]): Off[] => offsOf(ids, state, catalog, at, policy)
  let sum = zero
  let months: Ratio | null = null
  for (const { item, price } of prices) {
    if (price === 'none' || price === 'unknown') continue
    const off = applied(item.discounts)
    sum = plus(sum, over(lowered(price.perInterval, off), price.months))
    months ??= price.months
  }
  const whole = applied([...state.discounts, ...ofCustomer(state, catalog)])
  const amount = months === null ? zero : over(lowered(times(sum, months), whole), months)
  return {
    amount: rounded(amount),
    currency: state.currency,
    complete: prices.every(({ price }) => price === 'none' || (price !== 'unknown' && price.exact)),
  }
}

/** `none`: one-off or metered, never MRR. `unknown`: not told yet. */
function priceOf(item: SubscriptionItem, catalog: Catalog, at: number): Price | 'none' | 'unknown' {
  const quantity = BigInt(item.quantity ?? 1)
  if (item.inline) {
    const { unitAmount, interval, intervalCount } = item.inline
    return {
      perInterval: times(parseRatio(unitAmount), whole(quantity)),
      months: monthsOf(interval, intervalCount),
      exact: true,
    }
  }
  const plan = planAt(catalog.plans, item.plan, at)
  if (!plan || plan.scheme === null) return 'unknown'
  if (plan.interval === null || plan.usage === 'metered') return 'none'
  const months = monthsOf(plan.interval, plan.intervalCount ?? 1)
  const unitAmount = catalog.prices.unitAmountAt(plan, at)
  if (plan.scheme === 'tiered' || unitAmount === null) {
    const line = lineOf(item, catalog, at)
    return line ? { perInterval: whole(line.amount), months, exact: true } : 'unknown'
  }
  const gross = times(parseRatio(unitAmount), whole(transformed(quantity, plan)))
  if (plan.tax !== 'inclusive') return { perInterval: gross, months, exact: true }
  const line = lineOf(item, catalog, at)
  if (!line || line.amount <= 0n) return { perInterval: gross, months, exact: false }
  const net = { numerator: line.amount - line.tax, denominator: line.amount }
  return { perInterval: times(gross, net), months, exact: true }
}

/** Of several plans that had one id in turn: the newest that was there at the time. */
function planAt(plans: readonly PlanRow[], id: string | null, at: number): PlanRow | undefined {
  return newestAt(
    plans.filter(plan => plan.id === id && plan.known),
    at,
  )
}

function newestAt<R extends { readonly createdAt: number | null }>(
  rows: readonly R[],
  at: number,
): R | undefined {
  const byAge = rows.toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0))
  return byAge.findLast(({ createdAt }) => (createdAt ?? 0) <= at) ?? byAge[0]
}

/** A month is a twelfth of a year, and a year has 365 days. */
export function monthsOf(interval: Interval, count: number): Ratio {
  const n = BigInt(count)
  switch (interval) {
    case 'month':
      return whole(n)
    case 'year':
      return whole(12n * n)
    case 'week':
      return { numerator: 84n * n, denominator: 365n }
    case 'day':
      return { numerator: 12n * n, denominator: 365n }
    default:
      return interval satisfies never
  }
}

function transformed(quantity: bigint, { transform }: PlanRow): bigint {
  if (!transform) return quantity
  const divisor = BigInt(transform.divideBy)
  return transform.round === 'up' ? (quantity + divisor - 1n) / divisor : quantity / divisor
}

/** The latest line of an item for a whole period, begun by a time: what tiers and taxes came to. */
function lineOf(item: SubscriptionItem, { invoices }: Catalog, at: number): InvoiceLineRow | undefined {
  return invoices
    .filter(({ status }) => status === 'open' || status === 'paid' || status === 'uncollectible')
    .flatMap(({ lines }) => lines)
    .filter(line => line.subscriptionItem === item.id && !line.proration && (line.periodStartAt ?? 0) <= at)
    .toSorted((a, b) => (a.periodStartAt ?? 0) - (b.periodStartAt ?? 0) || (a.id < b.id ? -1 : 1))
    .at(-1)
}

/** A coupon in force. */
type Off = Pick<CouponRow, 'percentOff' | 'amountOff'>

/** In Stripe's order; never below 0. */
function lowered(amount: Ratio, offs: readonly Off[]): Ratio {
  return offs.reduce((left, { percentOff, amountOff }) => {
    if (percentOff !== null) return times(left, lessPercent(percentOff))
    return amountOff === null ? left : minusToZero(left, whole(amountOff))
  }, amount)
}

function offsOf(
  ids: readonly string[],
  state: SubscriptionState,
  { discounts, coupons }: Catalog,
  at: number,
  policy: DiscountPolicy,
): Off[] {
  if (policy === 'none') return []
  return ids.flatMap(id => {
    const discount = discounts.find(row => row.id === id)
    if (!discount || !isInForce(discount, at)) return []
    const coupon = newestAt(
      coupons.filter(row => row.id === discount.coupon && row.known),
      discount.startAt ?? at,
    )
    return coupon && counts(coupon, discount, state, policy) ? [coupon] : []
  })
}

function isInForce({ startAt, endAt, deletedAt, deleted }: DiscountRow, at: number): boolean {
  if (startAt !== null && at < startAt) return false
  if (endAt !== null && at >= endAt) return false
  return !deleted || (deletedAt !== null && at < deletedAt)
}

/** `once` lasts for the period in which it began. */
function counts(
  { duration }: CouponRow,
  { startAt }: DiscountRow,
  { periodStartAt, periodEndAt }: SubscriptionState,
  policy: DiscountPolicy,
): boolean {
  if (policy === 'forever') return duration === 'forever'
  if (duration !== 'once' || startAt === null) return true
  return (
    (periodEndAt === null || startAt < periodEndAt) && (periodStartAt === null || startAt >= periodStartAt)
  )
}

/** A customer's own discounts lower the subscriptions that have none. */
function ofCustomer(state: SubscriptionState, { discounts }: Catalog): string[] {
  if (state.discounts.length > 0) return []
  return discounts
    .filter(row => row.subscription === null && row.customer !== null && row.customer === state.customer)
    .map(({ id }) => id)
    .toSorted()
}
