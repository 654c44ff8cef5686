import type { Coupon, Interval, Plan } from '../attributes.ts'
import type { Terms } from '../draft.ts'
import { fromMinorUnits, shiftDecimal } from '../money.ts'
import {
  flagAt,
  idAt,
  integerAt,
  isObject,
  type Json,
  objectAt,
  requiredId,
  secondsAt,
  textAt,
  wordAt,
} from '../read.ts'
import { currencyAt, linksTo, moneyAt, type Reader } from './objects.ts'

const intervals: readonly Interval[] = ['day', 'week', 'month', 'year']

/** Ids of products, plans and coupons can be chosen and taken again: their creation tells one from the next. */
const incarnationOf = (object: Json): string => String(secondsAt(object, 'created') ?? '')

export const readProduct: Reader<'product'> = (object, deleted) => {
  const defaultPlan = idAt(object, 'default_price')
  return {
    kind: 'product',
    objectId: requiredId(object),
    incarnation: incarnationOf(object),
    attributes: {
      createdAt: secondsAt(object, 'created'),
      name: textAt(object, 'name'),
      active: flagAt(object, 'active'),
      defaultPlan,
      deleted,
    },
    complete: true,
    links: linksTo([['plan', defaultPlan]]),
    terms: [],
  }
}

/** A price, or a plan of the API before prices: one row for both, because both have one id. */
export const readPlan: Reader<'plan'> = (object, deleted) => {
  const fixed = termsOfPlan(object)
  const isPrice = object.object === 'price'
  return {
    kind: 'plan',
    objectId: requiredId(object),
    incarnation: incarnationOf(object),
    attributes: {
      ...fixed,
      active: flagAt(object, 'active'),
      nickname: textAt(object, 'nickname'),
      // Plans have neither, which says nothing about the price of the same id.
      ...(isPrice && {
        lookupKey: textAt(object, 'lookup_key'),
        tax: wordAt(object, 'tax_behavior', ['exclusive', 'inclusive', 'unspecified']),
      }),
      deleted,
    },
    complete: true,
    links: linksTo([['product', fixed.product ?? null]]),
    terms: [],
  }
}

/** What a price keeps for its life. */
function termsOfPlan(object: Json): Partial<Plan> {
  const isPrice = object.object === 'price'
  const recurring = isPrice ? objectAt(object, 'recurring') : object
  const transform = objectAt(object, isPrice ? 'transform_quantity' : 'transform_usage')
  const divideBy = transform && integerAt(transform, 'divide_by')
  const interval = recurring && wordAt(recurring, 'interval', intervals)
  return {
    createdAt: secondsAt(object, 'created'),
    product: idAt(object, 'product'),
    currency: currencyAt(object),
    unitAmount: unitAmountOf(object, isPrice ? 'unit_amount' : 'amount'),
    scheme: wordAt(object, 'billing_scheme', ['per_unit', 'tiered']),
    usage: recurring && wordAt(recurring, 'usage_type', ['licensed', 'metered']),
    interval,
    intervalCount: recurring && interval ? (integerAt(recurring, 'interval_count') ?? 1) : null,
    trialDays: recurring && integerAt(recurring, 'trial_period_days'),
    // Once it is one of these, it stays so.
    ...taxOf(object),
    transform: divideBy ? { divideBy, round: wordAt(transform, 'round', ['up', 'down']) ?? 'up' } : null,
  }
}

function taxOf(object: Json): Pick<Plan, 'tax'> | undefined {
  const tax = wordAt(object, 'tax_behavior', ['exclusive', 'inclusive'])
  return tax === null ? undefined : { tax }
}

function unitAmountOf(object: Json, name: string): string | null {
  const precise = textAt(object, `${name}_decimal`)
  if (precise !== null) return shiftDecimal(precise, 0)
  return object[name] === undefined || object[name] === null ? null : fromMinorUnits(object[name])
}

export const readCoupon: Reader<'coupon'> = (object, deleted) => ({
  kind: 'coupon',
  objectId: requiredId(object),
  incarnation: incarnationOf(object),
  attributes: { ...termsOfCoupon(object), name: textAt(object, 'name'), deleted },
  complete: true,
  links: [],
  terms: [],
})

function termsOfCoupon(object: Json): Partial<Coupon> {
  const percent = object.percent_off
  return {
    createdAt: secondsAt(object, 'created'),
    percentOff: typeof percent === 'number' ? shiftDecimal(String(percent), 0) : null,
    amountOff: moneyAt(object, 'amount_off'),
    currency: currencyAt(object),
    duration: wordAt(object, 'duration', ['forever', 'once', 'repeating']),
    durationMonths: integerAt(object, 'duration_in_months'),
  }
}

/** The coupon is within the discount before 2025-09-30, and named by `source` since. */
export const readDiscount: Reader<'discount'> = (object, deleted) => {
  const source = objectAt(object, 'source')
  const coupon = idAt(source ?? object, 'coupon')
  const [customer, subscription] = [idAt(object, 'customer'), idAt(object, 'subscription')]
  return {
    kind: 'discount',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      customer,
      subscription,
      coupon,
      startAt: secondsAt(object, 'start'),
      endAt: secondsAt(object, 'end'),
      deleted,
    },
    complete: true,
    links: linksTo([
      ['customer', customer],
      ['subscription', subscription],
      ['coupon', coupon],
    ]),
    terms: couponTerms(object),
  }
}

/** The terms of a price that another object holds, if it does. */
export function planTerms(value: unknown): Terms[] {
  if (!isObject(value)) return []
  const attributes = termsOfPlan(value)
  const objectId = requiredId(value)
  const incarnation = incarnationOf(value)
  return [{ kind: 'plan', objectId, incarnation, createdAt: attributes.createdAt ?? null, attributes }]
}

/** The terms of the coupon that a discount holds, if it does. */
export function couponTerms(discount: unknown): Terms[] {
  if (!isObject(discount)) return []
  const coupon = (objectAt(discount, 'source') ?? discount).coupon
  if (!isObject(coupon)) return []
  const attributes = termsOfCoupon(coupon)
  const objectId = requiredId(coupon)
  const incarnation = incarnationOf(coupon)
  return [{ kind: 'coupon', objectId, incarnation, createdAt: attributes.createdAt ?? null, attributes }]
}
