import { describe, expect, it } from 'vitest'
import { booksInAnyOrder, rowOf, sameBooks } from '../fixtures/orders.ts'
import { aSale, day, paypalEvent, paypalFacts } from '../fixtures/paypal.ts'
import { aCharge, aDispute, anIntent, aRefund, start, stripeEvent } from '../fixtures/stripe.ts'

const taken = [
  stripeEvent('payment_intent.succeeded', anIntent()),
  stripeEvent('charge.succeeded', aCharge()),
]
const paymentOf = (...events: readonly unknown[]) => booksInAnyOrder([...taken, ...events]).payments[0]

describe('amounts of another currency than the payment', () => {
  it('a refund in another currency is not added to those of the payment, and makes it incomplete', () => {
    const payment = paymentOf(
      stripeEvent('refund.created', aRefund()),
      stripeEvent('refund.created', aRefund({ id: 're_2', amount: 900, currency: 'eur' })),
    )
    expect(payment).toMatchObject({ refunded: 300n, status: 'partially_refunded', complete: false })
  })

  it('a dispute in another currency is not added to those of the payment, and makes it incomplete', () => {
    const lost = { status: 'lost', currency: 'jpy' }
    expect(paymentOf(stripeEvent('charge.dispute.closed', aDispute(lost)))).toMatchObject({
      disputedLost: 0n,
      complete: false,
    })
  })

  it('those that failed or were won count nothing, so that the payment is complete', () => {
    const payment = paymentOf(
      stripeEvent('refund.failed', aRefund({ status: 'failed', currency: 'eur' })),
      stripeEvent('charge.dispute.closed', aDispute({ status: 'won', currency: 'eur' })),
    )
    expect(payment).toMatchObject({ refunded: 0n, disputedOpen: 0n, complete: true, status: 'succeeded' })
  })

  it('refunds of two currencies before their payment are not added', () => {
    const books = booksInAnyOrder([
      stripeEvent('refund.created', aRefund()),
      stripeEvent('refund.created', aRefund({ id: 're_2', amount: 900, currency: 'eur' })),
    ])
    expect(books.payments).toMatchObject([{ refunded: 900n, complete: false }])
  })
})

describe('refunds of which the charge alone tells', () => {
  const back = (amount: number, seconds = 10, before = 0) =>
    stripeEvent('charge.refunded', aCharge({ amount_refunded: amount }), {
      at: start + seconds,
      previous: { amount_refunded: before },
    })

  it('a payment is incomplete until refund events tell as much as its charge', () => {
    expect(paymentOf(back(300))).toMatchObject({ refunded: 0n, complete: false })
    const first = stripeEvent('refund.created', aRefund(), { at: start + 10 })
    expect(paymentOf(back(300), first)).toMatchObject({ refunded: 300n, complete: true })
    expect(paymentOf(back(300), back(500, 20, 300), first)).toMatchObject({ refunded: 300n, complete: false })
  })

  it('a refund that failed is not missing, whether the charge is told anew or not', () => {
    const failed = stripeEvent('refund.failed', aRefund({ status: 'failed' }), { at: start + 60 })
    expect(paymentOf(back(300), failed)).toMatchObject({ refunded: 0n, complete: true })
    const fallen = stripeEvent('charge.updated', aCharge(), {
      at: start + 60,
      previous: { amount_refunded: 300 },
    })
    expect(paymentOf(back(300), fallen)).toMatchObject({ refunded: 0n, complete: true })
  })
})

describe('a reversed payment', () => {
  const completed = paypalEvent('PAYMENT.SALE.COMPLETED', aSale())
  const reversed = paypalEvent(
    'PAYMENT.SALE.REVERSED',
    aSale({ amount: { total: '-19.00', currency: 'USD' }, state: 'reversed', update_time: day(9) }),
  )
  const paymentOfSale = (...events: readonly unknown[]) =>
    sameBooks([completed, reversed, ...events].map(paypalFacts)).payments[0]

  it('is lost in full, so that paid, refunded and lost come to nothing', () => {
    expect(paymentOfSale()).toMatchObject({
      status: 'reversed',
      captured: 1900n,
      refunded: 0n,
      disputedLost: 1900n,
    })
  })

  it('is lost but for what was refunded before', () => {
    const refund = paypalEvent('PAYMENT.SALE.REFUNDED', {
      ...aSale({ id: 'RE1', amount: { total: '-5.00', currency: 'USD' }, update_time: day(5) }),
      sale_id: 'SALE1',
    })
    expect(paymentOfSale(refund)).toMatchObject({ refunded: 500n, disputedLost: 1400n })
  })

  it('is lost once where a dispute tells of the same money', () => {
    const lost = paypalEvent('CUSTOMER.DISPUTE.RESOLVED', {
      dispute_id: 'PP-D-1',
      create_time: day(3),
      dispute_amount: { value: '19.00', currency_code: 'USD' },
      dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' },
      disputed_transactions: [{ seller_transaction_id: 'SALE1' }],
      status: 'RESOLVED',
      update_time: day(9),
    })
    expect(paymentOfSale(lost)).toMatchObject({ disputedLost: 1900n, complete: true })
  })

  it('told with a negative amount does not change what was taken', () => {
    const alone = sameBooks([paypalFacts(reversed)])
    expect(rowOf(alone, 'charge', 'SALE1')).toMatchObject({ amount: 1900n, amountCaptured: 1900n })
    expect(rowOf(sameBooks([completed, reversed].map(paypalFacts)), 'charge', 'SALE1').anomalies).toEqual({})
  })
})
