import { seeded } from '@fairlead/testbed/seeded'
import { describe, expect, it } from 'vitest'
import { openLedger, stripeFacts, textOf } from './fixtures/ledger.ts'
import { shuffled } from './fixtures/lives.ts'
import { rowOf } from './fixtures/orders.ts'
import { aCharge, anIntent, anInvoice, aSubscription, paidFields, stripeEvent } from './fixtures/stripe.ts'

const incomplete = aSubscription({ status: 'incomplete' })
const open = { status: 'open', number: 'N-1', amount_remaining: 1000 }

/** A start as Stripe tells it, all in one second. */
const events = [
  stripeEvent('customer.subscription.created', incomplete),
  stripeEvent(
    'customer.subscription.updated',
    { ...incomplete, latest_invoice: 'in_1' },
    { previous: { latest_invoice: null } },
  ),
  stripeEvent('customer.subscription.updated', aSubscription({ latest_invoice: 'in_1' }), {
    previous: { status: 'incomplete' },
  }),
  stripeEvent(
    'customer.subscription.updated',
    aSubscription({ latest_invoice: 'in_1', default_payment_method: 'pm_1' }),
    {
      previous: { default_payment_method: null },
    },
  ),
  stripeEvent('invoice.created', anInvoice()),
  stripeEvent('invoice.finalized', anInvoice(open)),
  stripeEvent('invoice.updated', anInvoice({ ...open, ...paidFields }), {
    previous: { status: 'open', amount_paid: 0, amount_remaining: 1000, attempt_count: 0 },
  }),
  stripeEvent('invoice.paid', anInvoice({ ...open, ...paidFields })),
  stripeEvent('invoice.payment_succeeded', anInvoice({ ...open, ...paidFields })),
  stripeEvent(
    'payment_intent.created',
    anIntent({ status: 'requires_payment_method', amount_received: 0, latest_charge: null }),
  ),
  stripeEvent('charge.succeeded', aCharge()),
  stripeEvent('payment_intent.succeeded', anIntent()),
]

describe('a whole start in one second', () => {
  it("has the right state in every one of 500 orders, though Stripe's event ids say nothing", () => {
    const random = seeded(8)
    const texts = new Set<string>()
    for (let order = 0; order < 500; order += 1) {
      const ledger = openLedger()
      // Ids of events in another order, too: they must decide nothing.
      const ids = shuffled(
        events.map(({ id }) => id),
        random,
      )
      const renamed = events.map((event, index) => ({ ...event, id: ids[index] }))
      ledger.apply(stripeFacts(shuffled(renamed, random)))
      const books = ledger.read()
      expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({
        status: 'active',
        latestInvoice: 'in_1',
        gaps: 0,
      })
      expect(rowOf(books, 'invoice', 'in_1')).toMatchObject({
        status: 'paid',
        amountPaid: 1000n,
        amountRemaining: 0n,
        gaps: 0,
      })
      expect(books.payments).toMatchObject([{ status: 'succeeded', captured: 1000n, attempts: 1 }])
      expect(books.movements).toMatchObject([{ kind: 'new', amount: 1000n }])
      texts.add(textOf({ ...books, rows: [], transitions: [], movements: [] }))
    }
    expect(texts.size).toBe(1)
  })

  it('an update that changes nothing that is kept stays where its state was', () => {
    const ledger = openLedger()
    ledger.apply(
      stripeFacts([
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
        stripeEvent(
          'customer.subscription.updated',
          aSubscription({ status: 'past_due', metadata: { a: 'b' } }),
          {
            previous: { metadata: { a: null } },
          },
        ),
        stripeEvent('customer.subscription.created', aSubscription({ status: 'active' })),
      ]),
    )
    expect(rowOf(ledger.read(), 'subscription', 'sub_1')).toMatchObject({
      status: 'active',
      latestInvoice: 'in_2',
      gaps: 0,
    })
  })

  it('more than twelve facts in one second are counted, and still the same in any order', () => {
    const random = seeded(9)
    const crowd = Array.from({ length: 15 }, (_, index) =>
      stripeEvent('customer.subscription.updated', aSubscription({ cancel_at: 1_800_000_000 + index }), {
        previous: { cancel_at: 1_800_000_000 + index - 1 },
      }),
    )
    const texts = Array.from({ length: 20 }, () => {
      const ledger = openLedger()
      ledger.apply(stripeFacts(shuffled(crowd, random)))
      return textOf(ledger.read())
    })
    expect(new Set(texts).size).toBe(1)
    expect(texts[0]).toContain('"crowded_instant":1')
  })

  it('an impossible step is recorded and not refused', () => {
    const ledger = openLedger()
    ledger.apply(
      stripeFacts([
        stripeEvent('customer.subscription.created', incomplete),
        stripeEvent('customer.subscription.updated', aSubscription({ status: 'past_due' }), {
          at: 1_767_225_700,
          previous: { status: 'active' },
        }),
      ]),
    )
    const books = ledger.read()
    expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({ status: 'past_due', gaps: 1 })
    expect(books.transitions.at(-1)).toMatchObject({ legal: false, gap: true, changes: ['status'] })
  })
})
