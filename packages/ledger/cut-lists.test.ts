import { describe, expect, it } from 'vitest'
import { booksInAnyOrder, rowOf } from './fixtures/orders.ts'
import {
  aLine,
  anInvoice,
  anItem,
  aPrice,
  aSubscription,
  paidFields,
  start,
  stripeEvent,
} from './fixtures/stripe.ts'

const items = Array.from({ length: 14 }, (_, index) =>
  anItem({
    id: `si_${index}`,
    price: aPrice({ id: `price_${index}`, unit_amount: 100, unit_amount_decimal: '100' }),
  }),
)
const lines = Array.from({ length: 25 }, (_, index) => aLine({ id: `il_${String(index).padStart(2, '0')}` }))
const list = (data: readonly unknown[], whole: boolean) => ({
  object: 'list',
  data: whole ? data : data.slice(0, 10),
  has_more: !whole,
})

describe('lists that Stripe cuts at ten', () => {
  const cut = [
    stripeEvent('customer.subscription.created', aSubscription({ items: list(items, false) })),
    stripeEvent('invoice.created', anInvoice({ lines: list(lines, false), status: 'open' })),
    stripeEvent('invoice.paid', anInvoice({ lines: list(lines, false), ...paidFields }), { at: start + 9 }),
  ]
  const fetched = [
    stripeEvent('fairlead.snapshot', aSubscription({ items: list(items, true) }), { at: start + 60 }),
    stripeEvent('fairlead.snapshot', anInvoice({ lines: list(lines, true), ...paidFields }), {
      at: start + 60,
    }),
  ]

  it('without a key, a subscription of 14 items and an invoice of 25 lines are incomplete, and so is MRR', () => {
    const books = booksInAnyOrder(cut)
    expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({ complete: false })
    expect(rowOf(books, 'invoice', 'in_1')).toMatchObject({ complete: false })
    expect(books.incomplete).toEqual(['sub_1'])
  })

  it('with what was fetched, they are whole', () => {
    const books = booksInAnyOrder([...cut, ...fetched])
    const subscription = rowOf(books, 'subscription', 'sub_1')
    expect(subscription.complete).toBe(true)
    expect(subscription.items).toHaveLength(14)
    expect(rowOf(books, 'invoice', 'in_1').lines).toHaveLength(25)
    expect(books.incomplete).toEqual([])
    expect(books.movements.reduce((sum, { after, before }) => sum + after - before, 0n)).toBe(1400n)
  })

  it('lines that were fetched stay when a later event of the paid invoice holds ten of them', () => {
    const books = booksInAnyOrder([
      ...cut,
      ...fetched,
      stripeEvent('invoice.updated', anInvoice({ lines: list(lines, false), ...paidFields, metadata: {} }), {
        at: start + 600,
        previous: { metadata: null },
      }),
    ])
    const invoice = rowOf(books, 'invoice', 'in_1')
    expect(invoice).toMatchObject({ complete: true })
    expect(invoice.lines).toHaveLength(25)
  })

  it('a thin event makes its object stale until a snapshot shows it', () => {
    const thin = {
      id: 'evt_thin',
      object: 'v2.core.event',
      type: 'v1.customer.subscription.updated',
      created: new Date((start + 100) * 1000).toISOString(),
      livemode: true,
      related_object: { id: 'sub_1', type: 'subscription', url: '/v1/subscriptions/sub_1' },
    }
    const created = stripeEvent('customer.subscription.created', aSubscription())
    expect(rowOf(booksInAnyOrder([thin]), 'subscription', 'sub_1')).toMatchObject({
      known: false,
      stale: true,
    })
    expect(rowOf(booksInAnyOrder([created, thin]), 'subscription', 'sub_1')).toMatchObject({
      known: true,
      stale: true,
    })
    const shown = stripeEvent('fairlead.snapshot', aSubscription({ status: 'past_due' }), { at: start + 101 })
    expect(rowOf(booksInAnyOrder([created, thin, shown]), 'subscription', 'sub_1')).toMatchObject({
      stale: false,
      status: 'past_due',
    })
  })

  it('a thin event and its snapshot event are one event', () => {
    const snapshot = stripeEvent('customer.subscription.updated', aSubscription(), {
      at: start + 100,
      previous: {},
    })
    const thin = {
      id: 'evt_other',
      object: 'v2.core.event',
      type: 'v1.customer.subscription.updated',
      created: new Date((start + 100) * 1000 + 400).toISOString(),
      livemode: true,
      related_object: { id: 'sub_1', type: 'subscription' },
      snapshot_event: snapshot.id,
    }
    expect(rowOf(booksInAnyOrder([snapshot, thin]), 'subscription', 'sub_1').stale).toBe(false)
  })
})
