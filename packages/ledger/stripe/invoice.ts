import type { InvoiceLine } from '../attributes.ts'
import { currencyCode, fromMinorUnits } from '../money.ts'
import {
  flagAt,
  idAt,
  integerAt,
  type Json,
  listAt,
  objectAt,
  requiredId,
  secondsAt,
  textAt,
  wordAt,
} from '../read.ts'
import { currencyAt, linksTo, moneyAt, type Reader, sumOf } from './objects.ts'

const invoiceStatuses = ['draft', 'open', 'uncollectible', 'paid', 'void'] as const

export const readInvoice: Reader<'invoice'> = (object, deleted) => {
  const list = objectAt(object, 'lines') ?? {}
  const customer = idAt(object, 'customer')
  const subscription = subscriptionOf(object)
  const currency = currencyAt(object)
  const lines = listAt(list, 'data')
    .map(line => readLine(line, currency))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return {
    kind: 'invoice',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      customer,
      subscription,
      number: textAt(object, 'number'),
      status: wordAt(object, 'status', invoiceStatuses) ?? 'unknown',
      reason: textAt(object, 'billing_reason'),
      currency,
      ...amountsOf(object),
      ...timesOf(object),
      attemptCount: integerAt(object, 'attempt_count'),
      deleted,
      lines,
    },
    complete: flagAt(list, 'has_more') !== true,
    links: [
      ...linksTo([
        ['customer', customer],
        ['subscription', subscription],
        ['payment_intent', idAt(object, 'payment_intent')],
        ['charge', idAt(object, 'charge')],
      ]),
      ...lines.flatMap(({ plan }) => linksTo([['plan', plan]])),
    ],
    terms: [],
  }
}

/** `subscription` before 2025-03-31, `parent` since. */
function subscriptionOf(object: Json): string | null {
  const details = objectAt(object, 'parent', 'subscription_details')
  return (details && idAt(details, 'subscription')) ?? idAt(object, 'subscription')
}

function amountsOf(object: Json) {
  return {
    subtotal: moneyAt(object, 'subtotal'),
    discount: sumOf(listAt(object, 'total_discount_amounts')),
    // One number before 2025-03-31, where null is none.
    tax:
      object.total_taxes === undefined
        ? (moneyAt(object, 'tax') ?? '0')
        : sumOf(listAt(object, 'total_taxes')),
    total: moneyAt(object, 'total'),
    amountDue: moneyAt(object, 'amount_due'),
    amountPaid: moneyAt(object, 'amount_paid'),
    amountRemaining: moneyAt(object, 'amount_remaining'),
  } as const
}

function timesOf(object: Json) {
  const steps = objectAt(object, 'status_transitions') ?? {}
  return {
    nextAttemptAt: secondsAt(object, 'next_payment_attempt'),
    dueAt: secondsAt(object, 'due_date'),
    createdAt: secondsAt(object, 'created'),
    finalizedAt: secondsAt(steps, 'finalized_at'),
    paidAt: secondsAt(steps, 'paid_at'),
    voidedAt: secondsAt(steps, 'voided_at'),
    uncollectibleAt: secondsAt(steps, 'marked_uncollectible_at'),
    periodStartAt: secondsAt(object, 'period_start'),
    periodEndAt: secondsAt(object, 'period_end'),
  }
}

function readLine(line: Json, currencyOfInvoice: string | null): InvoiceLine {
  const period = objectAt(line, 'period') ?? {}
  const details =
    objectAt(line, 'parent', 'subscription_item_details') ?? objectAt(line, 'parent', 'invoice_item_details')
  return {
    id: requiredId(line),
    plan: planOf(line),
    subscription: (details && idAt(details, 'subscription')) ?? idAt(line, 'subscription'),
    subscriptionItem: (details && idAt(details, 'subscription_item')) ?? idAt(line, 'subscription_item'),
    quantity: integerAt(line, 'quantity'),
    amount: fromMinorUnits(line.amount),
    currency: currencyAt(line) ?? currencyCode(currencyOfInvoice),
    proration: (details && flagAt(details, 'proration')) ?? flagAt(line, 'proration') ?? false,
    periodStartAt: secondsAt(period, 'start'),
    periodEndAt: secondsAt(period, 'end'),
    tax: sumOf(listAt(line, line.taxes === undefined ? 'tax_amounts' : 'taxes')),
    discount: sumOf(listAt(line, 'discount_amounts')),
  }
}

/** `pricing.price_details.price` since 2025-03-31; the price, or the plan, within the line before. */
function planOf(line: Json): string | null {
  const details = objectAt(line, 'pricing', 'price_details')
  return (details && idAt(details, 'price')) ?? idAt(line, 'price') ?? idAt(line, 'plan')
}

export const readInvoicePayment: Reader<'invoice_payment'> = object => {
  const payment = objectAt(object, 'payment') ?? {}
  const [invoice, paymentIntent, charge] = [
    idAt(object, 'invoice'),
    idAt(payment, 'payment_intent'),
    idAt(payment, 'charge'),
  ]
  return {
    kind: 'invoice_payment',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      invoice,
      paymentIntent,
      charge,
      status: wordAt(object, 'status', ['open', 'paid', 'canceled']) ?? 'unknown',
      amountPaid: moneyAt(object, 'amount_paid'),
      currency: currencyAt(object),
      createdAt: secondsAt(object, 'created'),
    },
    complete: true,
    links: linksTo([
      ['invoice', invoice],
      ['payment_intent', paymentIntent],
      ['charge', charge],
    ]),
    terms: [],
  }
}

export const readCreditNote: Reader<'credit_note'> = object => {
  const [invoice, customer] = [idAt(object, 'invoice'), idAt(object, 'customer')]
  return {
    kind: 'credit_note',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      invoice,
      customer,
      number: textAt(object, 'number'),
      amount: moneyAt(object, 'total') ?? moneyAt(object, 'amount'),
      currency: currencyAt(object),
      status: wordAt(object, 'status', ['issued', 'void']) ?? 'unknown',
      reason: textAt(object, 'reason'),
      createdAt: secondsAt(object, 'created'),
      voidedAt: secondsAt(object, 'voided_at'),
    },
    complete: true,
    links: linksTo([
      ['invoice', invoice],
      ['customer', customer],
    ]),
    terms: [],
  }
}
