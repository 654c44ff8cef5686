import { describe, expect, it } from 'vitest'
import { rowOf, sameBooks } from '../fixtures/orders.ts'
import { aPaypalSubscription, aPlan, day, dayMs, paypalEvent, paypalFacts } from '../fixtures/paypal.ts'
import { accessAt } from '../project/access.ts'

const booksOf = (...events: readonly unknown[]) => sameBooks(events.map(paypalFacts))

const activated = (at: string, billing = {}) =>
  paypalEvent('BILLING.SUBSCRIPTION.ACTIVATED', aPaypalSubscription(at, {}, billing))
const cancelled = (at: string, billing = {}) =>
  paypalEvent('BILLING.SUBSCRIPTION.CANCELLED', aPaypalSubscription(at, { status: 'CANCELLED' }, billing))
const created = paypalEvent('BILLING.PLAN.CREATED', aPlan('10.00', day(0)))
const priced = (price: string, at: string) =>
  paypalEvent('BILLING.PLAN.PRICING-CHANGE.ACTIVATED', aPlan(price, at))

describe('a new price of a plan, for all who are on it', () => {
  it('moves MRR when it comes into force, and leaves what MRR was before it', () => {
    const dearer = priced('15.00', day(31))
    const cheaper = priced('12.00', day(59))
    const books = booksOf(created, activated(day(9)), dearer, cheaper)
    expect(books.movements).toMatchObject([
      { kind: 'new', at: dayMs(9), after: 1000n },
      { kind: 'expansion', at: dayMs(31), after: 1500n, eventId: dearer.id, subscription: 'I-1' },
      { kind: 'contraction', at: dayMs(59), after: 1200n, eventId: cheaper.id },
    ])
    expect(books.incomplete).toEqual([])
  })

  it('moves nothing before the subscription began and after it ended', () => {
    const books = booksOf(
      created,
      priced('15.00', day(5)),
      activated(day(9)),
      cancelled(day(31)),
      priced('20.00', day(40)),
    )
    expect(books.movements.map(({ kind, at, before, after }) => [kind, at, before, after])).toEqual([
      ['new', dayMs(9), 0n, 1500n],
      ['churn', dayMs(31), 1500n, 0n],
    ])
  })

  it('counts from the beginning where no earlier price is known, and makes no movement of its own', () => {
    const books = booksOf(activated(day(9)), priced('15.00', day(31)))
    expect(books.movements).toMatchObject([{ kind: 'new', at: dayMs(9), after: 1500n }])
  })

  it('another name of a plan moves nothing', () => {
    const renamed = paypalEvent('BILLING.PLAN.UPDATED', {
      ...aPlan('10.00', day(31)),
      status: 'INACTIVE',
      name: 'Old',
    })
    expect(booksOf(created, activated(day(9)), renamed).movements).toHaveLength(1)
  })
})

describe('access by a cancelled subscription', () => {
  const grantsOf = (...events: readonly unknown[]) => booksOf(...events).access[0]!.grants

  it('an agreement of the first API that tells no time of its cancellation gives access until it was told, and not for ever', () => {
    const agreement = {
      id: 'I-1',
      agreement_details: { outstanding_balance: { value: '0.00', currency: 'USD' } },
      payer: { payer_info: { payer_id: 'PAYER1' } },
      start_date: day(0),
      state: 'Cancelled',
    }
    const grants = grantsOf(paypalEvent('BILLING.SUBSCRIPTION.CANCELLED', agreement, day(20)))
    expect(grants).toMatchObject([{ status: 'canceled', untilAt: dayMs(20), ends: true }])
    expect(accessAt(grants, dayMs(19))).toHaveLength(1)
    expect(accessAt(grants, dayMs(20))).toHaveLength(0)
  })

  it('goes to the end of the period that is paid, though the cancellation no longer tells it', () => {
    const events = [created, activated(day(9), { next_billing_time: day(40) }), cancelled(day(20))]
    const grants = grantsOf(...events)
    expect(accessAt(grants, dayMs(39))).toHaveLength(1)
    expect(accessAt(grants, dayMs(40))).toHaveLength(0)
    const books = booksOf(...events)
    expect(rowOf(books, 'subscription', 'I-1')).toMatchObject({
      periodStartAt: dayMs(0),
      periodEndAt: dayMs(40),
      endedAt: dayMs(20),
    })
    expect(books.movements.at(-1)).toMatchObject({ kind: 'churn', at: dayMs(20) })
  })

  it('goes to the end of the period that the cancellation itself tells', () => {
    expect(grantsOf(cancelled(day(20), { next_billing_time: day(40) }))).toMatchObject([
      { untilAt: dayMs(40) },
    ])
  })

  it('ends with the subscription where the period told last is over', () => {
    const grants = grantsOf(activated(day(9), { next_billing_time: day(40) }), cancelled(day(70)))
    expect(grants).toMatchObject([{ untilAt: dayMs(70) }])
  })

  it('ends with the subscription where its last payment failed, so that no period is paid', () => {
    const failed = { failed_payments_count: 1, next_billing_time: day(45) }
    const grants = grantsOf(
      activated(day(9), { next_billing_time: day(40) }),
      paypalEvent('BILLING.SUBSCRIPTION.PAYMENT.FAILED', aPaypalSubscription(day(40), {}, failed)),
      cancelled(day(42), { failed_payments_count: 1 }),
    )
    expect(grants).toMatchObject([{ untilAt: dayMs(42) }])
  })
})
