import { type Rules, rulesOf } from './rules.ts'

/** `requires_action` and `requires_payment_method` go both ways; `succeeded` and `canceled` are final. */
export const paymentIntent: Rules<'payment_intent'> = rulesOf({
  blank: {
    customer: null,
    invoice: null,
    amount: null,
    amountReceived: null,
    currency: null,
    status: 'unknown',
    latestCharge: null,
    failureCode: null,
    createdAt: null,
    canceledAt: null,
  },
  positions: {
    unknown: -1,
    requires_payment_method: 0,
    requires_confirmation: 1,
    requires_action: 2,
    processing: 3,
    requires_capture: 4,
    canceled: 5,
    succeeded: 5,
  },
  ends: ['canceled', 'succeeded'],
  lattice: false,
  tie: 'first',
  setOnce: ['createdAt', 'currency', 'canceledAt'],
  greatest: ['amountReceived'],
  compared: ['status', 'latestCharge'],
  legal: null,
  money: ['amount', 'amountReceived'],
})

/** Success stays, even if a failure is told later. A reversal (PayPal) takes it back. */
export const charge: Rules<'charge'> = rulesOf({
  blank: {
    customer: null,
    paymentIntent: null,
    invoice: null,
    subscription: null,
    amount: null,
    amountCaptured: null,
    captured: false,
    currency: null,
    status: 'unknown',
    failureCode: null,
    method: null,
    disputed: false,
    createdAt: null,
  },
  positions: { unknown: -1, pending: 0, failed: 1, succeeded: 2, reversed: 3 },
  ends: ['failed', 'succeeded', 'reversed'],
  lattice: true,
  tie: 'first',
  setOnce: ['createdAt', 'currency', 'amount'],
  greatest: ['amountCaptured'],
  sticky: ['captured', 'disputed'],
  compared: ['status', 'captured', 'disputed'],
  legal: {
    unknown: ['pending', 'failed', 'succeeded', 'reversed'],
    pending: ['failed', 'succeeded', 'reversed'],
    failed: [],
    succeeded: ['reversed'],
    reversed: [],
  },
  money: ['amount', 'amountCaptured'],
})

/** A refund that succeeded can still fail, up to 30 days later: the money is back in the books then. */
export const refund: Rules<'refund'> = rulesOf({
  blank: {
    charge: null,
    paymentIntent: null,
    order: null,
    amount: null,
    currency: null,
    status: 'unknown',
    reason: null,
    failureReason: null,
    createdAt: null,
  },
  positions: { unknown: -1, pending: 0, requires_action: 1, succeeded: 2, failed: 3, canceled: 3 },
  ends: ['failed', 'canceled'],
  lattice: true,
  tie: 'first',
  setOnce: ['createdAt', 'amount', 'currency'],
  compared: ['status'],
  legal: null,
  money: ['amount'],
})

/** Which of won and lost counts is told by order: a bank can decide again. */
export const dispute: Rules<'dispute'> = rulesOf({
  blank: {
    charge: null,
    paymentIntent: null,
    order: null,
    amount: null,
    currency: null,
    status: 'unknown',
    providerStatus: null,
    reason: null,
    createdAt: null,
    evidenceDueAt: null,
  },
  positions: { unknown: -1, warning: 0, needs_response: 1, under_review: 2, won: 3, lost: 3, closed: 3 },
  ends: [],
  lattice: true,
  tie: 'last',
  setOnce: ['createdAt', 'currency'],
  compared: ['status'],
  legal: null,
  money: ['amount'],
})

/** An edit moves the status of an order both ways. */
export const order: Rules<'order'> = rulesOf({
  blank: {
    customer: null,
    number: null,
    status: 'unknown',
    amount: null,
    currency: null,
    createdAt: null,
    processedAt: null,
    canceledAt: null,
    deleted: false,
  },
  positions: {
    unknown: -1,
    pending: 0,
    authorized: 1,
    partially_paid: 2,
    paid: 3,
    partially_refunded: 4,
    refunded: 5,
    voided: 6,
  },
  ends: [],
  lattice: false,
  tie: 'last',
  setOnce: ['createdAt', 'canceledAt', 'currency'],
  compared: ['status', 'deleted', 'canceledAt'],
  legal: null,
  money: ['amount'],
})
