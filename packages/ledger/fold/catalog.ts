import { noStatus, type Rules, rulesOf } from './rules.ts'

export const product: Rules<'product'> = rulesOf({
  ...noStatus,
  blank: { createdAt: null, name: null, active: null, defaultPlan: null, deleted: false },
  setOnce: ['createdAt'],
  compared: ['active', 'deleted', 'name'],
})

export const plan: Rules<'plan'> = rulesOf({
  ...noStatus,
  blank: {
    createdAt: null,
    product: null,
    active: null,
    nickname: null,
    lookupKey: null,
    currency: null,
    unitAmount: null,
    scheme: null,
    usage: null,
    interval: null,
    intervalCount: null,
    trialDays: null,
    tax: null,
    transform: null,
    deleted: false,
  },
  setOnce: ['createdAt', 'currency', 'scheme', 'usage', 'interval', 'intervalCount', 'transform'],
  compared: ['active', 'deleted', 'unitAmount'],
})

export const coupon: Rules<'coupon'> = rulesOf({
  ...noStatus,
  blank: {
    createdAt: null,
    name: null,
    percentOff: null,
    amountOff: null,
    currency: null,
    duration: null,
    durationMonths: null,
    deleted: false,
  },
  setOnce: ['createdAt', 'percentOff', 'amountOff', 'currency', 'duration', 'durationMonths'],
  compared: ['deleted'],
  money: ['amountOff'],
})

export const discount: Rules<'discount'> = rulesOf({
  ...noStatus,
  blank: { customer: null, subscription: null, coupon: null, startAt: null, endAt: null, deleted: false },
  setOnce: ['coupon', 'startAt'],
  compared: ['deleted', 'endAt'],
})

export const customer: Rules<'customer'> = rulesOf({
  ...noStatus,
  blank: {
    createdAt: null,
    reference: null,
    currency: null,
    balance: null,
    delinquent: null,
    deleted: false,
    redacted: false,
  },
  setOnce: ['createdAt'],
  sticky: ['redacted'],
  compared: ['deleted', 'redacted', 'delinquent'],
  money: ['balance'],
})

/** Connected again after a disconnection: by order. */
export const account: Rules<'account'> = rulesOf({
  ...noStatus,
  blank: { status: 'unknown', chargesEnabled: null, currency: null },
  positions: { unknown: -1, authorized: 0, deauthorized: 1 },
  setOnce: [],
  compared: ['status'],
})
