import type { DisputeStatus, Order, RefundStatus } from '../attributes.ts'
import type { Draft } from '../draft.ts'
import { type Amount, absolute, amountOf, currencyCode, fromDecimal } from '../money.ts'
import { idAt, type Json, listAt, objectAt, requiredId, ShapeError, textAt, timeAt, wordAt } from '../read.ts'

const orderStatuses: readonly Order['status'][] = [
  'pending',
  'authorized',
  'partially_paid',
  'paid',
  'partially_refunded',
  'refunded',
  'voided',
]

export function readOrder(body: Json): Draft<'order'> {
  if (!('financial_status' in body) || !('updated_at' in body)) throw new ShapeError('the body is no order')
  const customer = idAt(objectAt(body, 'customer') ?? {}, 'id')
  const total = totalOf(body)
  return {
    kind: 'order',
    objectId: requiredId(body),
    incarnation: '',
    attributes: {
      customer,
      number: textAt(body, 'name'),
      status: wordAt(body, 'financial_status', orderStatuses) ?? 'unknown',
      amount: total.amount,
      currency: total.currency,
      createdAt: timeAt(body, 'created_at'),
      processedAt: timeAt(body, 'processed_at'),
      canceledAt: timeAt(body, 'cancelled_at'),
      deleted: false,
    },
    complete: true,
    links: customer === null ? [] : [{ kind: 'customer', id: customer }],
    terms: [],
    embedded: listAt(body, 'refunds').map(readRefund),
  }
}

/** As the buyer paid it: in the buyer's currency, before refunds. */
function totalOf(body: Json): { amount: Amount; currency: string } {
  const paid = objectAt(body, 'total_price_set', 'presentment_money')
  const currency = currencyCode(paid ? paid.currency_code : body.currency)
  return { amount: fromDecimal(currency, paid ? paid.amount : body.total_price), currency }
}

/** The body of a deletion has an id and nothing else, so that no other body passes for one. */
export function readDeletedOrder(body: Json): Draft<'order'> {
  if (Object.keys(body).join() !== 'id') throw new ShapeError('the body of a deletion has an id alone')
  return {
    kind: 'order',
    objectId: requiredId(body),
    incarnation: '',
    attributes: { deleted: true },
    complete: true,
    links: [],
    terms: [],
  }
}

const transactionStatuses: Readonly<Record<string, RefundStatus>> = {
  success: 'succeeded',
  pending: 'pending',
  failure: 'failed',
  error: 'failed',
}

/** A refund, by its own event or within its order: its money is the sum of its transactions that pay back. */
export function readRefund(body: Json): Draft<'refund'> {
  const order = idAt(body, 'order_id')
  if (order === null || !('transactions' in body)) throw new ShapeError('the body is no refund')
  const paidBack = listAt(body, 'transactions').filter(({ kind }) => kind === 'refund')
  const [first] = paidBack
  const currency = first ? currencyCode(first.currency) : null
  const amounts = paidBack.map(part => BigInt(absolute(fromDecimal(currency!, part.amount))))
  if (paidBack.some(part => part.currency !== first?.currency)) {
    throw new ShapeError('the transactions of a refund have several currencies')
  }
  return {
    kind: 'refund',
    objectId: requiredId(body),
    incarnation: '',
    attributes: {
      order,
      amount: amountOf(amounts.reduce((sum, amount) => sum + amount, 0n)),
      currency,
      status: refundStatusOf(paidBack.map(({ status }) => transactionStatuses[String(status)] ?? 'unknown')),
      // A note is free text of the merchant, which may name the buyer.
      reason: null,
      createdAt: timeAt(body, 'created_at'),
    },
    complete: true,
    links: [{ kind: 'order', id: order }],
    terms: [],
  }
}

/** Goods taken back without money are a refund of 0, which succeeded. */
function refundStatusOf(parts: readonly RefundStatus[]): RefundStatus {
  const worst: readonly RefundStatus[] = ['unknown', 'pending', 'failed']
  return worst.find(status => parts.includes(status)) ?? 'succeeded'
}

const disputeStatuses: Readonly<Record<string, DisputeStatus>> = {
  needs_response: 'needs_response',
  under_review: 'under_review',
  won: 'won',
  lost: 'lost',
  accepted: 'lost',
  charge_refunded: 'closed',
}

export function readDispute(body: Json): Draft<'dispute'> {
  const order = idAt(body, 'order_id')
  const providerStatus = textAt(body, 'status')
  if (!('evidence_due_by' in body) || providerStatus === null) throw new ShapeError('the body is no dispute')
  const currency = currencyCode(body.currency)
  return {
    kind: 'dispute',
    objectId: requiredId(body),
    incarnation: '',
    attributes: {
      order,
      amount: absolute(fromDecimal(currency, body.amount)),
      currency,
      status: disputeStatuses[providerStatus] ?? 'unknown',
      providerStatus,
      reason: textAt(body, 'reason'),
      createdAt: timeAt(body, 'initiated_at'),
      evidenceDueAt: timeAt(body, 'evidence_due_by'),
    },
    complete: true,
    links: order === null ? [] : [{ kind: 'order', id: order }],
    terms: [],
  }
}
