import type { Charge, DisputeStatus, RefundStatus } from '../attributes.ts'
import type { Draft } from '../draft.ts'
import { idAt, type Json, listAt, objectAt, requiredId, textAt, timeAt, wholeTextAt } from '../read.ts'
import type { Link } from '../rows.ts'
import { absoluteMoneyAt, moneyAt } from './money.ts'

/** Both APIs' words: a refund of the whole doesn't undo that the money was taken; refunds are objects of their own. */
const chargeStatuses: Readonly<Record<string, Charge['status']>> = {
  PENDING: 'pending',
  COMPLETED: 'succeeded',
  PARTIALLY_REFUNDED: 'succeeded',
  REFUNDED: 'succeeded',
  DENIED: 'failed',
  DECLINED: 'failed',
  FAILED: 'failed',
  REVERSED: 'reversed',
}

function wordOf(resource: Json): string {
  return (textAt(resource, 'status') ?? textAt(resource, 'state') ?? '').toUpperCase()
}

/** A sale of the first API, which names its subscription; or a capture of the second. */
export function readCharge(resource: Json, type: string): Draft<'charge'> {
  // Of a reversal it may be negative.
  const money = absoluteMoneyAt(resource, 'amount')
  const word = /\.REVERSED$/.test(type) ? 'REVERSED' : wordOf(resource)
  const status = chargeStatuses[word] ?? 'unknown'
  const subscription = idAt(resource, 'billing_agreement_id')
  const captured = status === 'succeeded' || status === 'reversed'
  return {
    kind: 'charge',
    objectId: requiredId(resource),
    incarnation: '',
    attributes: {
      subscription,
      amount: money?.amount ?? null,
      amountCaptured: captured ? (money?.amount ?? null) : '0',
      captured,
      currency: money?.currency ?? null,
      status,
      failureCode: status === 'failed' ? (textAt(resource, 'reason_code') ?? word.toLowerCase()) : null,
      method: 'paypal',
      createdAt: timeAt(resource, 'create_time'),
    },
    complete: true,
    links: subscription === null ? [] : [{ kind: 'subscription', id: subscription }],
    terms: [],
  }
}

const refundStatuses: Readonly<Record<string, RefundStatus>> = {
  PENDING: 'pending',
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'canceled',
}

/** What was paid back, or what a bank reversed: both name the sale or the capture. */
export function readRefund(resource: Json, type: string): Draft<'refund'> {
  const money = absoluteMoneyAt(resource, 'amount')
  const charge = chargeOf(resource)
  return {
    kind: 'refund',
    objectId: requiredId(resource),
    incarnation: '',
    attributes: {
      charge,
      amount: money?.amount ?? null,
      currency: money?.currency ?? null,
      status: refundStatuses[wordOf(resource)] ?? 'unknown',
      reason: /\.REVERSED$/.test(type) ? 'reversal' : textAt(resource, 'reason_code'),
      createdAt: timeAt(resource, 'create_time'),
    },
    complete: true,
    links: charge === null ? [] : [{ kind: 'charge', id: charge }],
    terms: [],
  }
}

/** A field of the first API; a link upwards in the second: `…/v2/payments/captures/ID`. */
export function chargeOf(resource: Json): string | null {
  const named = idAt(resource, 'sale_id') ?? idAt(resource, 'capture_id')
  if (named !== null) return named
  const up = listAt(resource, 'links').find(({ rel }) => rel === 'up')
  const href = up && wholeTextAt(up, 'href')
  return (href && /\/captures\/([A-Za-z0-9-]{1,64})$/.exec(href)?.[1]) || null
}

const outcomes: Readonly<Record<string, DisputeStatus>> = {
  RESOLVED_BUYER_FAVOUR: 'lost',
  ACCEPTED: 'lost',
  RESOLVED_SELLER_FAVOUR: 'won',
  DENIED: 'won',
  CANCELED_BY_BUYER: 'won',
  RESOLVED_WITH_PAYOUT: 'won',
  NONE: 'closed',
}
const disputeStatuses: Readonly<Record<string, DisputeStatus>> = {
  OPEN: 'needs_response',
  WAITING_FOR_SELLER_RESPONSE: 'needs_response',
  WAITING_FOR_BUYER_RESPONSE: 'needs_response',
  UNDER_REVIEW: 'under_review',
}

export function readDispute(resource: Json): Draft<'dispute'> {
  const money = moneyAt(resource, 'dispute_amount')
  const [transaction] = listAt(resource, 'disputed_transactions')
  const charge = transaction ? idAt(transaction, 'seller_transaction_id') : null
  const providerStatus = textAt(resource, 'status')
  const outcome = objectAt(resource, 'dispute_outcome')
  const links: Link[] = charge === null ? [] : [{ kind: 'charge', id: charge }]
  return {
    kind: 'dispute',
    objectId: requiredId(resource, 'dispute_id'),
    incarnation: '',
    attributes: {
      charge,
      amount: money?.amount ?? null,
      currency: money?.currency ?? null,
      status:
        providerStatus === 'RESOLVED'
          ? (outcomes[(outcome && textAt(outcome, 'outcome_code')) ?? 'NONE'] ?? 'closed')
          : (disputeStatuses[providerStatus ?? ''] ?? 'unknown'),
      providerStatus,
      reason: textAt(resource, 'reason'),
      createdAt: timeAt(resource, 'create_time'),
      evidenceDueAt: timeAt(resource, 'seller_response_due_date'),
    },
    complete: true,
    links,
    terms: [],
  }
}
