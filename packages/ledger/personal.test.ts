import { expect, it } from 'vitest'
import type { Fact } from './facts.ts'
import { factsOfEvent, stripeFacts } from './fixtures/ledger.ts'
import { aPaypalSubscription, day, paypalEvent, paypalFacts } from './fixtures/paypal.ts'
import { aCustomer, aSubscription, stripeEvent } from './fixtures/stripe.ts'

/** What rows are made of. Personal data stands beside it. */
const attributesIn = (facts: readonly Fact[]): string =>
  JSON.stringify(facts.map(({ after, before, objectId }) => ({ after, before, objectId })))

it('the note of a refund, in which merchants name buyers, is in no fact', () => {
  const body = {
    id: 1,
    created_at: '2026-01-01T00:00:00Z',
    note: 'Ann Smith called',
    order_id: 7,
    transactions: [{ amount: '5.00', currency: 'USD', kind: 'refund', status: 'success' }],
  }
  const facts = factsOfEvent({ provider: 'shopify', type: 'refunds/create', sourceMode: 'live', body })
  expect(attributesIn(facts)).not.toContain('Ann')
  expect(facts[0]!.after).toMatchObject({ amount: '500', reason: null })
})

const address = 'ann@customer.example'
const metadata = { customer_id: address, reference: address }

it.each([
  ['customer', stripeEvent('customer.created', aCustomer({ metadata }))],
  ['subscription', stripeEvent('customer.subscription.created', aSubscription({ metadata }))],
  [
    'checkout',
    stripeEvent('checkout.session.completed', {
      id: 'cs_1',
      object: 'checkout.session',
      client_reference_id: address,
      status: 'complete',
    }),
  ],
])("a mail address as Stripe's reference of a %s is in no fact", (_kind, event) => {
  const facts = stripeFacts([event])
  expect(attributesIn(facts)).not.toContain('@')
  expect(facts[0]!.after).toMatchObject({ reference: null })
})

it('a mail address does not hide the reference beside it', () => {
  const [fact] = stripeFacts([
    stripeEvent('customer.created', aCustomer({ metadata: { ...metadata, user_id: 'user-7' } })),
  ])
  expect(fact!.after).toMatchObject({ reference: 'user-7' })
})

it("a mail address as PayPal's custom_id is in no fact", () => {
  const facts = paypalFacts(
    paypalEvent('BILLING.SUBSCRIPTION.CREATED', aPaypalSubscription(day(0), { custom_id: address })),
  )
  expect(attributesIn(facts)).not.toContain('@')
})
