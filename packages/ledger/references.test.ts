import { describe, expect, it } from 'vitest'
import { openLedger, stripeFacts } from './fixtures/ledger.ts'
import { booksInAnyOrder, rowOf } from './fixtures/orders.ts'
import {
  aCharge,
  aCustomer,
  aDispute,
  anIntent,
  anInvoice,
  aPrice,
  aProduct,
  aRefund,
  aSubscription,
  start,
  stripeEvent,
} from './fixtures/stripe.ts'

const invoicePayment = {
  id: 'inpay_1',
  object: 'invoice_payment',
  amount_paid: 1000,
  created: start,
  currency: 'usd',
  invoice: 'in_1',
  payment: { type: 'payment_intent', payment_intent: 'pi_1' },
  status: 'paid',
}
const creditNote = {
  id: 'cn_1',
  object: 'credit_note',
  created: start,
  currency: 'usd',
  customer: 'cus_1',
  invoice: 'in_1',
  status: 'issued',
  total: 500,
}
const session = {
  id: 'cs_1',
  object: 'checkout.session',
  client_reference_id: 'user-7',
  created: start,
  customer: 'cus_1',
  invoice: 'in_1',
  payment_intent: 'pi_1',
  payment_status: 'paid',
  status: 'complete',
  subscription: 'sub_1',
}
const discount = {
  id: 'di_1',
  object: 'discount',
  customer: 'cus_1',
  source: { coupon: 'half', type: 'coupon' },
  start,
  subscription: 'sub_1',
}
const coupon = { id: 'half', object: 'coupon', created: start, duration: 'forever', percent_off: 50 }

const told = {
  product: stripeEvent('product.created', aProduct()),
  plan: stripeEvent('price.created', aPrice()),
  coupon: stripeEvent('coupon.created', coupon),
  customer: stripeEvent('customer.created', aCustomer()),
  subscription: stripeEvent('customer.subscription.created', aSubscription({ latest_invoice: 'in_1' })),
  invoice: stripeEvent('invoice.created', anInvoice()),
  payment_intent: stripeEvent('payment_intent.succeeded', anIntent()),
  charge: stripeEvent('charge.succeeded', aCharge()),
  refund: stripeEvent('refund.created', aRefund()),
  dispute: stripeEvent('charge.dispute.created', aDispute()),
  credit_note: stripeEvent('credit_note.created', creditNote),
  checkout: stripeEvent('checkout.session.completed', session),
  discount: stripeEvent('customer.discount.created', discount),
  invoice_payment: stripeEvent('invoice_payment.paid', invoicePayment),
} as const

type Told = keyof typeof told

/** Who names whom, and the named object's id. */
const pairs: readonly (readonly [Told, Told, string])[] = [
  ['plan', 'product', 'prod_1'],
  ['subscription', 'customer', 'cus_1'],
  ['subscription', 'invoice', 'in_1'],
  ['discount', 'customer', 'cus_1'],
  ['discount', 'coupon', 'half'],
  ['discount', 'subscription', 'sub_1'],
  ['invoice', 'customer', 'cus_1'],
  ['invoice', 'subscription', 'sub_1'],
  ['invoice', 'plan', 'price_1'],
  ['invoice_payment', 'invoice', 'in_1'],
  ['invoice_payment', 'payment_intent', 'pi_1'],
  ['payment_intent', 'customer', 'cus_1'],
  ['payment_intent', 'charge', 'ch_1'],
  ['charge', 'customer', 'cus_1'],
  ['charge', 'payment_intent', 'pi_1'],
  ['refund', 'charge', 'ch_1'],
  ['refund', 'payment_intent', 'pi_1'],
  ['dispute', 'charge', 'ch_1'],
  ['dispute', 'payment_intent', 'pi_1'],
  ['credit_note', 'invoice', 'in_1'],
  ['credit_note', 'customer', 'cus_1'],
  ['checkout', 'customer', 'cus_1'],
  ['checkout', 'subscription', 'sub_1'],
  ['checkout', 'invoice', 'in_1'],
  ['checkout', 'payment_intent', 'pi_1'],
]

describe('an object is named before it is told', () => {
  it.each(pairs)('%s before its %s: a placeholder, then filled', (from, to, id) => {
    const ledger = openLedger()
    ledger.apply(stripeFacts([told[from]]))
    expect(rowOf(ledger.read(), to, id)).toMatchObject({ known: false, headEventId: null, firstSeenAt: null })
    ledger.apply(stripeFacts([told[to]]))
    expect(rowOf(ledger.read(), to, id)).toMatchObject({ known: true, gaps: 0, firstSeenAt: start * 1000 })
  })

  it('all of them in any order give the same books, with one payment of one customer', () => {
    const books = booksInAnyOrder(Object.values(told))
    expect(books.payments).toMatchObject([
      {
        id: 'pi_1',
        customer: 'cus_1',
        invoice: 'in_1',
        subscription: 'sub_1',
        refunded: 300n,
        status: 'disputed',
      },
    ])
    expect(books.movements).toMatchObject([{ kind: 'new', amount: 1000n }])
    expect(rowOf(books, 'checkout', 'cs_1').reference).toBe('user-7')
  })

  it('a price that a subscription holds is known by its terms, before it is told', () => {
    const ledger = openLedger()
    ledger.apply(stripeFacts([told.subscription]))
    expect(rowOf(ledger.read(), 'plan', 'price_1')).toMatchObject({
      known: true,
      unitAmount: '1000',
      active: null,
    })
    expect(ledger.read().movements).toMatchObject([{ amount: 1000n }])
  })

  it('a refund of a payment that nobody told of is a payment without a customer', () => {
    const books = booksInAnyOrder([told.refund])
    expect(books.payments).toMatchObject([{ id: 'pi_1', known: false, customer: null, refunded: 300n }])
  })
})

describe('deleted and made again', () => {
  it('a plan id deleted and taken again has two rows, and the new one is in force', () => {
    const later = { created: start + 500, unit_amount: 2000, unit_amount_decimal: '2000' }
    const books = booksInAnyOrder([
      stripeEvent('price.created', aPrice({ id: 'gold' })),
      stripeEvent('price.deleted', aPrice({ id: 'gold' }), { at: start + 60 }),
      stripeEvent('price.created', aPrice({ id: 'gold', ...later }), { at: start + 500 }),
      stripeEvent('price.updated', aPrice({ id: 'gold', nickname: 'late' }), {
        at: start + 600,
        previous: { nickname: null },
      }),
    ])
    const plans = books.rows.filter(({ kind }) => kind === 'plan')
    expect(plans).toMatchObject([
      { incarnation: String(start * 1000), deleted: true, unitAmount: '1000' },
      { incarnation: String((start + 500) * 1000), deleted: false, unitAmount: '2000' },
    ])
  })

  it('a subscription keeps the price that its plan id had when it began', () => {
    const later = { created: start + 5000, unit_amount: 2000, unit_amount_decimal: '2000' }
    const books = booksInAnyOrder([
      stripeEvent('price.created', aPrice()),
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent('price.deleted', aPrice(), { at: start + 60 }),
      stripeEvent('price.created', aPrice(later), { at: start + 5000 }),
    ])
    expect(books.movements).toMatchObject([{ kind: 'new', amount: 1000n }])
  })

  it('only a draft invoice is deleted, and stays so', () => {
    const books = booksInAnyOrder([
      stripeEvent('invoice.created', anInvoice()),
      stripeEvent('invoice.deleted', anInvoice(), { at: start + 5 }),
      stripeEvent('invoice.updated', anInvoice({ total: 5 }), { at: start + 9, previous: { total: 1000 } }),
    ])
    expect(rowOf(books, 'invoice', 'in_1')).toMatchObject({ deleted: true, total: 1000n })
  })
})
