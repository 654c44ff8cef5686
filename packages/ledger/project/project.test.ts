import { describe, expect, it } from 'vitest'
import { booksInAnyOrder } from '../fixtures/orders.ts'
import {
  aCustomer,
  aLine,
  anInvoice,
  anItem,
  aPrice,
  aSubscription,
  paidFields,
  start,
  stripeEvent,
} from '../fixtures/stripe.ts'
import { accessAt } from './access.ts'

const month = 2_592_000

function priced(unit: string, fields: object = {}): Readonly<Record<string, unknown>> {
  return aPrice({ unit_amount: null, unit_amount_decimal: unit, ...fields })
}

function subscribed(fields: object = {}, items = [anItem()]) {
  return aSubscription({ items: { object: 'list', data: items, has_more: false }, ...fields })
}

function mrrOf(events: readonly unknown[]): bigint {
  return booksInAnyOrder(events).movements.reduce((sum, { after, before }) => sum + after - before, 0n)
}

function discounted(percent: number, duration: string) {
  return [
    stripeEvent('coupon.created', {
      id: 'c',
      object: 'coupon',
      created: start,
      duration,
      percent_off: percent,
    }),
    stripeEvent('customer.discount.created', {
      id: 'di_1',
      object: 'discount',
      customer: 'cus_1',
      source: { coupon: 'c', type: 'coupon' },
      start,
      subscription: 'sub_1',
    }),
  ]
}

describe('MRR of a subscription', () => {
  const yearly = { recurring: { interval: 'year', interval_count: 1, usage_type: 'licensed' } }

  it("Stripe's example: 100 monthly at 100 and 50 yearly at 600 are 12,500", () => {
    const cheap = anItem({ price: priced('10000'), quantity: 100 })
    const dear = anItem({ id: 'si_2', price: priced('60000', { id: 'price_2', ...yearly }), quantity: 50 })
    expect(mrrOf([stripeEvent('customer.subscription.created', subscribed({}, [cheap, dear]))])).toBe(
      1_250_000n,
    )
  })

  it.each([
    ['forever', 750n],
    ['once', 1000n],
    ['repeating', 1000n],
  ])("Stripe's example: a coupon of 25 %% that lasts %s leaves %i", (duration, left) => {
    const events = [
      ...discounted(25, duration),
      stripeEvent('customer.subscription.created', subscribed({ discounts: ['di_1'] })),
    ]
    expect(mrrOf(events)).toBe(left)
  })

  it.each([
    ['year', 1, '120000', 10_000n],
    ['month', 3, '30000', 10_000n],
    ['week', 1, '1000', 4_345n],
    ['day', 1, '100', 3_042n],
  ])('a price by %s × %i of %s is %i a month', (interval, count, unit, monthly) => {
    const recurring = { interval, interval_count: count, usage_type: 'licensed' }
    const items = [anItem({ price: priced(unit, { recurring }) })]
    expect(mrrOf([stripeEvent('customer.subscription.created', subscribed({}, items))])).toBe(monthly)
  })

  it.each(['trialing', 'incomplete', 'incomplete_expired', 'unpaid', 'paused', 'canceled'])(
    '%s counts 0',
    status => {
      expect(mrrOf([stripeEvent('customer.subscription.created', subscribed({ status }))])).toBe(0n)
    },
  )

  it('metered and one-off prices, prorations and taxes count nothing', () => {
    const metered = { recurring: { interval: 'month', interval_count: 1, usage_type: 'metered' } }
    const items = [
      anItem(),
      anItem({ id: 'si_2', price: priced('9900', { id: 'price_2', ...metered }) }),
      anItem({ id: 'si_3', price: priced('9900', { id: 'price_3', recurring: null }) }),
    ]
    const proration = aLine({ amount: -500 })
    expect(
      mrrOf([
        stripeEvent('customer.subscription.created', subscribed({}, items)),
        stripeEvent(
          'invoice.paid',
          anInvoice({ ...paidFields, lines: { data: [proration], has_more: false } }),
        ),
      ]),
    ).toBe(1000n)
  })

  it('a price with its tax within is counted without it, as the line of a whole period tells', () => {
    const items = [anItem({ price: priced('1190', { tax_behavior: 'inclusive' }) })]
    const created = stripeEvent('customer.subscription.created', subscribed({}, items))
    const line = aLine({ amount: 1190, taxes: [{ amount: 190 }] })
    const paid = stripeEvent(
      'invoice.paid',
      anInvoice({ ...paidFields, lines: { data: [line], has_more: false } }),
    )
    expect(booksInAnyOrder([created]).incomplete).toEqual(['sub_1'])
    expect(mrrOf([created, paid])).toBe(1000n)
    expect(booksInAnyOrder([created, paid]).incomplete).toEqual([])
  })

  it('quantities are divided before they are priced', () => {
    const transform = { transform_quantity: { divide_by: 10, round: 'up' } }
    const items = [anItem({ price: priced('1000', transform), quantity: 21 })]
    expect(mrrOf([stripeEvent('customer.subscription.created', subscribed({}, items))])).toBe(3000n)
  })

  it('a refund moves no MRR', () => {
    const refund = {
      id: 're_1',
      object: 'refund',
      amount: 1000,
      charge: 'ch_1',
      currency: 'usd',
      status: 'succeeded',
    }
    expect(
      mrrOf([
        stripeEvent('customer.subscription.created', subscribed()),
        stripeEvent('refund.created', refund),
      ]),
    ).toBe(1000n)
  })
})

describe("movements: ChartMogul's kinds", () => {
  const change = (seconds: number, fields: object, previous: object, id = 'sub_1') =>
    stripeEvent('customer.subscription.updated', subscribed({ id, ...fields }), {
      at: start + seconds,
      previous: { ...previous },
    })
  const end = (seconds: number, id = 'sub_1') =>
    stripeEvent(
      'customer.subscription.deleted',
      subscribed({ id, status: 'canceled', ended_at: start + seconds }),
      { at: start + seconds },
    )
  const quantity = (count: number) => ({
    items: { object: 'list', data: [anItem({ quantity: count })], has_more: false },
  })

  it('new, expansion, contraction, churn, reactivation', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', subscribed()),
      change(100, quantity(3), quantity(1)),
      change(200, quantity(2), quantity(3)),
      end(300),
      stripeEvent('customer.subscription.created', subscribed({ id: 'sub_2' }), { at: start + 400 }),
    ])
    expect(books.movements.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['new', 1000n],
      ['expansion', 2000n],
      ['contraction', 1000n],
      ['churn', 2000n],
      ['reactivation', 1000n],
    ])
  })

  it('one of two subscriptions that ends is a contraction', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', subscribed()),
      stripeEvent('customer.subscription.created', subscribed({ id: 'sub_2' }), { at: start + 10 }),
      end(300),
    ])
    expect(books.movements.map(({ kind }) => kind)).toEqual(['new', 'expansion', 'contraction'])
  })

  it('a trial that is cancelled was never new, and never churn', () => {
    const books = booksInAnyOrder([
      stripeEvent(
        'customer.subscription.created',
        subscribed({ status: 'trialing', trial_end: start + month }),
      ),
      end(500),
    ])
    expect(books.movements).toEqual([])
  })

  it('past due counts, and unpaid is churn at that moment', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', subscribed()),
      change(100, { status: 'past_due' }, { status: 'active' }),
      change(200, { status: 'unpaid' }, { status: 'past_due' }),
    ])
    expect(books.movements.map(({ kind, at }) => [kind, at])).toEqual([
      ['new', start * 1000],
      ['churn', (start + 200) * 1000],
    ])
  })

  it('a late event of the past moves the past, and leaves the end as it is', () => {
    const events = [
      stripeEvent('customer.subscription.created', subscribed()),
      change(100, quantity(3), quantity(1)),
      change(200, quantity(2), quantity(3)),
    ]
    const without = booksInAnyOrder([events[0], events[2]])
    const whole = booksInAnyOrder(events)
    const endOf = (books: typeof whole) => books.movements.at(-1)?.after
    expect(endOf(without)).toBe(endOf(whole))
    expect(without.movements).toHaveLength(2)
    expect(whole.movements).toHaveLength(3)
  })
})

describe('access', () => {
  const grantsOf = (fields: object) =>
    booksInAnyOrder([
      stripeEvent('customer.created', aCustomer()),
      stripeEvent('price.created', aPrice()),
      stripeEvent('customer.subscription.created', subscribed(fields)),
    ]).access[0]!.grants
  const at = (seconds: number) => (start + seconds) * 1000

  it('goes to the end of the period, and a day further where it will be renewed', () => {
    const grants = grantsOf({})
    expect(grants).toMatchObject([{ plan: 'price_1', product: 'prod_1', untilAt: at(month), ends: false }])
    expect(accessAt(grants, at(month - 1))).toHaveLength(1)
    expect(accessAt(grants, at(month + 3600))).toHaveLength(1)
    expect(accessAt(grants, at(month + 90_000))).toHaveLength(0)
  })

  it('a cancellation asked for ends access with the period, not when it was asked for, and without a day more', () => {
    const grants = grantsOf({ cancel_at_period_end: true, canceled_at: start + 60, cancel_at: start + month })
    expect(accessAt(grants, at(120))).toHaveLength(1)
    expect(accessAt(grants, at(month))).toHaveLength(0)
  })

  it('a subscription that ended gives no more, whatever its period says', () => {
    const grants = grantsOf({ status: 'canceled', ended_at: start + 500, canceled_at: start + 60 })
    expect(accessAt(grants, at(499))).toHaveLength(1)
    expect(accessAt(grants, at(500))).toHaveLength(0)
  })

  it.each([
    ['trialing', 1],
    ['active', 1],
    ['past_due', 1],
    ['unpaid', 0],
    ['paused', 0],
    ['incomplete', 0],
    ['incomplete_expired', 0],
  ])('%s: %i grants', (status, count) => {
    expect(accessAt(grantsOf({ status }), at(60))).toHaveLength(count)
  })

  it('a tenant may say that past due gives none', () => {
    expect(accessAt(grantsOf({ status: 'past_due' }), at(60), { graceMs: 0, pastDue: false })).toHaveLength(0)
  })
})
