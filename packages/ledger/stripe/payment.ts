import type { DisputeStatus, PaymentIntentStatus } from '../attributes.ts'
import {
  flagAt,
  idAt,
  type Json,
  keptReference,
  listAt,
  objectAt,
  requiredId,
  secondsAt,
  textAt,
  wordAt,
} from '../read.ts'
import { currencyAt, linksTo, moneyAt, type Reader } from './objects.ts'

const intentStatuses: readonly PaymentIntentStatus[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'processing',
  'requires_capture',
  'canceled',
  'succeeded',
]

export const readPaymentIntent: Reader<'payment_intent'> = object => {
  const [customer, invoice, latestCharge] = [
    idAt(object, 'customer'),
    idAt(object, 'invoice'),
    latestChargeOf(object),
  ]
  const error = objectAt(object, 'last_payment_error')
  return {
    kind: 'payment_intent',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      customer,
      // Gone since 2025-03-31: absent says nothing.
      ...('invoice' in object && { invoice }),
      amount: moneyAt(object, 'amount'),
      amountReceived: moneyAt(object, 'amount_received'),
      currency: currencyAt(object),
      status: wordAt(object, 'status', intentStatuses) ?? 'unknown',
      latestCharge,
      failureCode: error && (textAt(error, 'decline_code') ?? textAt(error, 'code')),
      createdAt: secondsAt(object, 'created'),
      canceledAt: secondsAt(object, 'canceled_at'),
    },
    complete: true,
    links: linksTo([
      ['customer', customer],
      ['invoice', invoice],
      ['charge', latestCharge],
    ]),
    terms: [],
  }
}

/** A list of charges, the latest first, before 2022-11-15. */
function latestChargeOf(object: Json): string | null {
  const latest = idAt(object, 'latest_charge')
  if (latest !== null) return latest
  const [first] = listAt(objectAt(object, 'charges') ?? {}, 'data')
  return first ? requiredId(first) : null
}

export const readCharge: Reader<'charge'> = object => {
  const [customer, paymentIntent, invoice] = [
    idAt(object, 'customer'),
    idAt(object, 'payment_intent'),
    idAt(object, 'invoice'),
  ]
  const captured = flagAt(object, 'captured') ?? false
  const details = objectAt(object, 'payment_method_details')
  const refunds = objectAt(object, 'refunds')
  return {
    kind: 'charge',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      customer,
      paymentIntent,
      ...('invoice' in object && { invoice }),
      amount: moneyAt(object, 'amount'),
      amountCaptured: moneyAt(object, 'amount_captured') ?? (captured ? moneyAt(object, 'amount') : '0'),
      amountRefunded: moneyAt(object, 'amount_refunded'),
      captured,
      currency: currencyAt(object),
      status: wordAt(object, 'status', ['pending', 'failed', 'succeeded']) ?? 'unknown',
      failureCode: textAt(object, 'failure_code'),
      method: details && textAt(details, 'type'),
      disputed: flagAt(object, 'disputed') ?? false,
      createdAt: secondsAt(object, 'created'),
    },
    complete: true,
    links: linksTo([
      ['customer', customer],
      ['payment_intent', paymentIntent],
      ['invoice', invoice],
    ]),
    terms: [],
    // Within the charge before 2022-11-15, when refunds had few events of their own.
    embedded: listAt(refunds ?? {}, 'data').map(refund => readRefund(refund, false)),
  }
}

export const readRefund: Reader<'refund'> = object => {
  const [charge, paymentIntent] = [idAt(object, 'charge'), idAt(object, 'payment_intent')]
  return {
    kind: 'refund',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      charge,
      paymentIntent,
      order: null,
      amount: moneyAt(object, 'amount'),
      currency: currencyAt(object),
      status:
        wordAt(object, 'status', ['pending', 'requires_action', 'succeeded', 'failed', 'canceled']) ??
        'unknown',
      reason: textAt(object, 'reason'),
      failureReason: textAt(object, 'failure_reason'),
      createdAt: secondsAt(object, 'created'),
    },
    complete: true,
    links: linksTo([
      ['charge', charge],
      ['payment_intent', paymentIntent],
    ]),
    terms: [],
  }
}

const disputeStatuses: Readonly<Record<string, DisputeStatus>> = {
  warning_needs_response: 'warning',
  warning_under_review: 'warning',
  warning_closed: 'closed',
  prevented: 'closed',
  needs_response: 'needs_response',
  under_review: 'under_review',
  won: 'won',
  lost: 'lost',
}

export const readDispute: Reader<'dispute'> = object => {
  const [charge, paymentIntent] = [idAt(object, 'charge'), idAt(object, 'payment_intent')]
  const providerStatus = textAt(object, 'status')
  const evidence = objectAt(object, 'evidence_details')
  return {
    kind: 'dispute',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      charge,
      paymentIntent,
      order: null,
      amount: moneyAt(object, 'amount'),
      currency: currencyAt(object),
      status: disputeStatuses[providerStatus ?? ''] ?? 'unknown',
      providerStatus,
      reason: textAt(object, 'reason'),
      createdAt: secondsAt(object, 'created'),
      evidenceDueAt: evidence && secondsAt(evidence, 'due_by'),
    },
    complete: true,
    links: linksTo([
      ['charge', charge],
      ['payment_intent', paymentIntent],
    ]),
    terms: [],
  }
}

export const readCheckout: Reader<'checkout'> = object => {
  const [customer, subscription, paymentIntent, invoice] = [
    idAt(object, 'customer'),
    idAt(object, 'subscription'),
    idAt(object, 'payment_intent'),
    idAt(object, 'invoice'),
  ]
  return {
    kind: 'checkout',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      customer,
      subscription,
      paymentIntent,
      invoice,
      status: wordAt(object, 'status', ['open', 'complete', 'expired']) ?? 'unknown',
      paymentStatus: wordAt(object, 'payment_status', ['unpaid', 'paid', 'no_payment_required']) ?? 'unknown',
      reference: keptReference(textAt(object, 'client_reference_id')),
      amount: moneyAt(object, 'amount_total'),
      currency: currencyAt(object),
      createdAt: secondsAt(object, 'created'),
    },
    complete: true,
    links: linksTo([
      ['customer', customer],
      ['subscription', subscription],
      ['payment_intent', paymentIntent],
      ['invoice', invoice],
    ]),
    terms: [],
  }
}
