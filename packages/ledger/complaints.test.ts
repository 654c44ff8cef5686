import { describe, expect, it } from 'vitest'
import { openLedger, stripeFacts, textOf } from './fixtures/ledger.ts'
import { booksInAnyOrder, rowOf } from './fixtures/orders.ts'
import {
  aCharge,
  aCustomer,
  aDispute,
  aLine,
  anIntent,
  anInvoice,
  anItem,
  aPrice,
  aRefund,
  aSubscription,
  paidFields,
  start,
  stripeEvent,
} from './fixtures/stripe.ts'

/*
 * What users of other ledgers complained of in public, each as a test. The names are those of the repositories and threads.
 */

describe('stripe/sync-engine#268, pay-rails/pay#282 and their like: order within a second', () => {
  it('stripe/sync-engine#268: trial_will_end of the same second does not bring the trial back', () => {
    const trial = { status: 'trialing', trial_start: start, trial_end: start + 600 }
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription(trial)),
      stripeEvent('customer.subscription.trial_will_end', aSubscription(trial), { at: start + 600 }),
      stripeEvent('customer.subscription.updated', aSubscription({ ...trial, status: 'active' }), {
        at: start + 600,
        previous: { status: 'trialing' },
      }),
    ])
    expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({ status: 'active', gaps: 0 })
  })

  it('laravel/cashier-stripe#1201, pay-rails/pay#282, stripe/stripe-cli#418: created after updated does not leave it incomplete', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.updated', aSubscription(), { previous: { status: 'incomplete' } }),
      stripeEvent('customer.subscription.created', aSubscription({ status: 'incomplete' })),
    ])
    expect(rowOf(books, 'subscription', 'sub_1').status).toBe('active')
  })

  it('a subscription that falls back within a second follows its before-images, not the rank of its status', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription({ status: 'incomplete' })),
      stripeEvent('customer.subscription.updated', aSubscription({ status: 'active' }), {
        previous: { status: 'incomplete' },
      }),
      stripeEvent('customer.subscription.updated', aSubscription({ status: 'past_due' }), {
        previous: { status: 'active' },
      }),
      stripeEvent(
        'customer.subscription.updated',
        aSubscription({ status: 'active', latest_invoice: 'in_2' }),
        {
          previous: { status: 'past_due', latest_invoice: null },
        },
      ),
    ])
    expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({
      status: 'active',
      latestInvoice: 'in_2',
      gaps: 0,
    })
  })
})

describe('PostHog/posthog#98651: a paid invoice stays open', () => {
  it('PostHog/posthog#98651: a paid invoice stays paid whatever of its second comes last', () => {
    const open = { status: 'open', number: 'N-1' }
    const books = booksInAnyOrder([
      stripeEvent('invoice.created', anInvoice()),
      stripeEvent('invoice.finalized', anInvoice(open)),
      stripeEvent('invoice.updated', anInvoice({ ...open, ...paidFields }), { previous: { status: 'open' } }),
      stripeEvent('invoice.paid', anInvoice({ ...open, ...paidFields })),
      stripeEvent('invoice.payment_succeeded', anInvoice({ ...open, ...paidFields })),
    ])
    expect(rowOf(books, 'invoice', 'in_1')).toMatchObject({
      status: 'paid',
      amountRemaining: 0n,
      anomalies: {},
    })
  })

  it('PostHog/posthog#98651: a stale redelivery of a later second does not reopen it', () => {
    const books = booksInAnyOrder([
      stripeEvent('invoice.paid', anInvoice(paidFields)),
      stripeEvent('invoice.sent', anInvoice({ status: 'open' }), { at: start + 9 }),
    ])
    expect(rowOf(books, 'invoice', 'in_1')).toMatchObject({ status: 'paid', anomalies: { behind: 1 } })
  })

  it('getlago/lago-api#5630: a charge that succeeded is not failed by a failure told later', () => {
    const books = booksInAnyOrder([
      stripeEvent('charge.succeeded', aCharge()),
      stripeEvent('charge.failed', aCharge({ status: 'failed', captured: false }), { at: start + 1 }),
    ])
    expect(rowOf(books, 'charge', 'ch_1').status).toBe('succeeded')
    expect(books.payments[0]).toMatchObject({ status: 'succeeded', captured: 1000n })
  })
})

describe('laravel/cashier-stripe#1632, langfuse/langfuse#17388 and their like: what has ended', () => {
  const ended = { status: 'canceled', ended_at: start + 60, canceled_at: start + 60 }

  it('laravel/cashier-stripe#1632, #1714, #1567: a reason given after the end does not take the end away', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent('customer.subscription.deleted', aSubscription(ended), { at: start + 60 }),
      stripeEvent(
        'customer.subscription.updated',
        aSubscription({ ...ended, ended_at: null, canceled_at: null }),
        {
          at: start + 90,
          previous: { cancellation_details: { feedback: null } },
        },
      ),
    ])
    expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({
      status: 'canceled',
      endedAt: (start + 60) * 1000,
      canceledAt: (start + 60) * 1000,
    })
  })

  it('langfuse/langfuse#17388, decocms/studio#5156: a late active does not revive a cancelled plan', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent('customer.subscription.deleted', aSubscription(ended), { at: start + 60 }),
      stripeEvent('customer.subscription.updated', aSubscription(), {
        at: start + 61,
        previous: { status: 'past_due' },
      }),
    ])
    const row = rowOf(books, 'subscription', 'sub_1')
    expect(row).toMatchObject({ status: 'canceled', anomalies: { behind: 1 } })
    expect(books.transitions.find(({ legal }) => !legal)).toMatchObject({
      at: (start + 61) * 1000,
      gap: true,
    })
    expect(books.movements.map(({ kind }) => kind)).toEqual(['new', 'churn'])
  })

  it('langfuse/langfuse#17388: an invoice paid after the end does not revive the subscription', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.deleted', aSubscription(ended), { at: start + 60 }),
      stripeEvent('invoice.paid', anInvoice(paidFields), { at: start + 70 }),
    ])
    expect(rowOf(books, 'subscription', 'sub_1').status).toBe('canceled')
    expect(rowOf(books, 'invoice', 'in_1').status).toBe('paid')
  })
})

describe('stripe/sync-engine#99, #169, dj-stripe#1052 and their like: what is not there', () => {
  it('stripe/sync-engine#99, #169: an invoice of an unknown customer, subscription and price is kept, and they get placeholders', () => {
    const books = booksInAnyOrder([stripeEvent('invoice.paid', anInvoice(paidFields))])
    expect(rowOf(books, 'customer', 'cus_1')).toMatchObject({ known: false, createdAt: null })
    expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({ known: false, status: 'unknown' })
    expect(rowOf(books, 'plan', 'price_1')).toMatchObject({ known: false })
  })

  it('dj-stripe/dj-stripe#2196, better-auth#2087, stripe-mock#1275: period and subscription are found in both homes', () => {
    const later = [
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent('invoice.created', anInvoice()),
    ]
    const { current_period_start, current_period_end, ...item } = anItem()
    const { parent: _, total_taxes: __, ...invoice } = anInvoice()
    const earlier = [
      stripeEvent(
        'customer.subscription.created',
        aSubscription({ current_period_start, current_period_end, items: { data: [item], has_more: false } }),
        { api_version: '2022-11-15' },
      ),
      stripeEvent(
        'invoice.created',
        { ...invoice, subscription: 'sub_1', tax: null },
        { api_version: '2022-11-15' },
      ),
    ]
    for (const events of [later, earlier]) {
      const books = booksInAnyOrder(events)
      expect(rowOf(books, 'subscription', 'sub_1').periodEndAt).toBe((start + 2_592_000) * 1000)
      expect(rowOf(books, 'invoice', 'in_1').subscription).toBe('sub_1')
    }
  })

  it('dj-stripe/dj-stripe#1052, laravel/cashier-stripe#476, airbytehq/airbyte#85087: ten lines of 25 do not pass for all', () => {
    const data = Array.from({ length: 10 }, (_, index) => aLine({ id: `il_${index}` }))
    const books = booksInAnyOrder([
      stripeEvent('invoice.created', anInvoice({ lines: { object: 'list', data, has_more: true } })),
    ])
    expect(rowOf(books, 'invoice', 'in_1')).toMatchObject({ complete: false })
  })

  it('dj-stripe/dj-stripe#1284: a tiered price without its tiers makes MRR incomplete, and not 0', () => {
    const price = aPrice({ billing_scheme: 'tiered', unit_amount: null, unit_amount_decimal: null })
    const subscription = aSubscription({ items: { data: [anItem({ price })], has_more: false } })
    const alone = booksInAnyOrder([stripeEvent('customer.subscription.created', subscription)])
    expect(alone.incomplete).toEqual(['sub_1'])
    const billed = booksInAnyOrder([
      stripeEvent('customer.subscription.created', subscription),
      stripeEvent('invoice.paid', anInvoice(paidFields)),
    ])
    expect(billed.incomplete).toEqual([])
    expect(billed.movements).toMatchObject([{ kind: 'new', amount: 1000n }])
  })

  it('stripe/sync-engine#171, #265: a deletion is seen, and an update told later does not bring the row back', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.created', aCustomer()),
      stripeEvent('customer.deleted', aCustomer(), { at: start + 5 }),
      stripeEvent('customer.updated', aCustomer({ balance: 5 }), { at: start + 6, previous: { balance: 0 } }),
    ])
    expect(rowOf(books, 'customer', 'cus_1')).toMatchObject({ deleted: true, deletedAt: (start + 5) * 1000 })
  })
})

describe('pay-rails/pay#371, dj-stripe#429 and their like: twice, at once, elsewhere', () => {
  it('pay-rails/pay#371, dj-stripe#429, #1239, #1570, cashier-stripe#1678, #1773: one event in two deliveries is one row and one change', () => {
    const created = stripeEvent('customer.subscription.created', aSubscription())
    const once = openLedger()
    once.apply(stripeFacts([created]))
    const often = openLedger()
    often.apply(stripeFacts([created, created]))
    often.apply(stripeFacts([created]))
    expect(textOf(often.read())).toBe(textOf(once.read()))
    expect(often.read().transitions).toHaveLength(1)
  })

  it('stripe/sync-engine#332, sync-engine-fork#330, dj-stripe#1281, #1213: accounts and modes do not meet', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.created', aCustomer(), { account: 'acct_1' }),
      stripeEvent('customer.created', aCustomer({ name: 'Two' }), { account: 'acct_2' }),
      stripeEvent('customer.deleted', aCustomer(), { account: 'acct_1', livemode: false }),
    ])
    const customers = books.rows.filter(({ kind }) => kind === 'customer')
    expect(customers.map(({ account, mode, deletedAt }) => [account, mode, deletedAt !== null])).toEqual([
      ['acct_1', 'live', false],
      ['acct_1', 'test', true],
      ['acct_2', 'live', false],
    ])
  })

  it('sync-engine-fork#215, sync-engine#111: facts alone give the books again, without asking the provider', () => {
    const facts = stripeFacts([
      stripeEvent('customer.subscription.created', aSubscription({ status: 'incomplete' })),
      stripeEvent('invoice.paid', anInvoice(paidFields)),
      stripeEvent('charge.succeeded', aCharge()),
    ])
    const ledger = openLedger()
    ledger.apply(facts)
    const stored = JSON.parse(JSON.stringify(facts))
    const rebuilt = openLedger()
    rebuilt.apply(stored)
    expect(textOf(rebuilt.read())).toBe(textOf(ledger.read()))
  })

  it('useautumn/autumn#3145: a cancellation a second after a change of our own counts', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent('customer.subscription.updated', aSubscription({ cancel_at_period_end: true }), {
        at: start + 1,
        previous: { cancel_at_period_end: false },
      }),
    ])
    expect(rowOf(books, 'subscription', 'sub_1').cancelAtPeriodEnd).toBe(true)
  })
})

describe('killbill-adyen-plugin#1, lago-api#6444 and their like: money back', () => {
  const paid = [
    stripeEvent('payment_intent.succeeded', anIntent()),
    stripeEvent('charge.succeeded', aCharge()),
  ]

  it('killbill/killbill-adyen-plugin#1: a refund that succeeded and then failed gives the money back in the books', () => {
    const books = booksInAnyOrder([
      ...paid,
      stripeEvent('refund.created', aRefund({ status: 'pending' })),
      stripeEvent('refund.updated', aRefund(), { previous: { status: 'pending' } }),
      stripeEvent('refund.failed', aRefund({ status: 'failed' }), { at: start + 86_400 }),
    ])
    expect(rowOf(books, 'refund', 're_1').status).toBe('failed')
    expect(books.payments).toMatchObject([{ status: 'succeeded', refunded: 0n }])
  })

  it('pay-rails/pay#625, polarsource/polar#8086, killbill#573, #625: a second refund does not overwrite the first', () => {
    const books = booksInAnyOrder([
      ...paid,
      stripeEvent('refund.created', aRefund()),
      stripeEvent('refund.created', aRefund({ id: 're_2', amount: 200 })),
      stripeEvent('refund.created', aRefund({ id: 're_3', amount: 100 })),
    ])
    expect(books.payments).toMatchObject([{ status: 'partially_refunded', refunded: 600n }])
  })

  it('getlago/lago-api#6444: of two disputes one is won and one still open, so the payment is disputed', () => {
    const books = booksInAnyOrder([
      ...paid,
      stripeEvent('charge.dispute.created', aDispute({ amount: 400 })),
      stripeEvent('charge.dispute.created', aDispute({ id: 'dp_2', amount: 600 })),
      stripeEvent('charge.dispute.closed', aDispute({ amount: 400, status: 'won' }), { at: start + 9 }),
    ])
    expect(books.payments).toMatchObject([{ status: 'disputed', disputedOpen: 600n, disputedLost: 0n }])
  })
})

describe('polarsource/polar#7634, #8222, #5337: what counts', () => {
  it('polarsource/polar#8222: a first-month coupon is no contraction and no expansion', () => {
    const coupon = { id: 'once', object: 'coupon', created: start, duration: 'once', percent_off: 50 }
    const discount = {
      id: 'di_1',
      object: 'discount',
      customer: 'cus_1',
      subscription: 'sub_1',
      source: { coupon: 'once', type: 'coupon' },
      start,
      end: null,
    }
    const books = booksInAnyOrder([
      stripeEvent('coupon.created', coupon),
      stripeEvent('customer.discount.created', discount),
      stripeEvent('customer.subscription.created', aSubscription({ discounts: ['di_1'] })),
      stripeEvent('customer.subscription.updated', aSubscription({ discounts: [] }), {
        at: start + 2_592_000,
        previous: { discounts: ['di_1'] },
      }),
    ])
    expect(books.movements).toMatchObject([{ kind: 'new', amount: 1000n }])
  })

  it('polarsource/polar#7634: a cancellation asked for is no churn until the subscription ends', () => {
    const asked = { cancel_at_period_end: true, canceled_at: start + 60 }
    const end = start + 2_592_000
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent('customer.subscription.updated', aSubscription(asked), {
        at: start + 60,
        previous: { cancel_at_period_end: false, canceled_at: null },
      }),
      stripeEvent(
        'customer.subscription.deleted',
        aSubscription({ ...asked, status: 'canceled', ended_at: end }),
        {
          at: end,
        },
      ),
    ])
    expect(books.movements.map(({ kind, at }) => [kind, at])).toEqual([
      ['new', start * 1000],
      ['churn', end * 1000],
    ])
  })

  it('polarsource/polar#5337: an upgrade does not change what MRR was before it', () => {
    const dear = anItem({ price: aPrice({ id: 'price_2', unit_amount: 5000, unit_amount_decimal: '5000' }) })
    const books = booksInAnyOrder([
      stripeEvent('customer.subscription.created', aSubscription()),
      stripeEvent(
        'customer.subscription.updated',
        aSubscription({ items: { data: [dear], has_more: false } }),
        {
          at: start + 5_000_000,
          previous: { items: { data: [anItem()] } },
        },
      ),
    ])
    expect(books.movements).toMatchObject([
      { kind: 'new', at: start * 1000, after: 1000n },
      { kind: 'expansion', at: (start + 5_000_000) * 1000, amount: 4000n },
    ])
  })
})
