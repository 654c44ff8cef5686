import { describe, expect, it } from 'vitest'
import type { BillingEvent } from './facts.ts'
import { factsOf } from './facts-of.ts'
import { stripeFacts } from './fixtures/ledger.ts'
import { booksInAnyOrder, rowOf } from './fixtures/orders.ts'
import { aCharge, aCustomer, aRefund, aSubscription, start, stripeEvent } from './fixtures/stripe.ts'

const stripe = (body: unknown, rest: Partial<BillingEvent> = {}) =>
  factsOf({
    provider: 'stripe',
    type: 'x',
    sourceMode: 'live',
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    ...rest,
  })

describe('events that give no facts', () => {
  it.each([
    ['text that is no JSON', 'no', 'not_json'],
    ['JSON that is no object', '[]', 'not_json'],
    ['JSON that is nested too deep', `{"a":${'['.repeat(80)}${']'.repeat(80)}}`, 'not_json'],
    ['an event without a type', {}, 'shape'],
    ['an object of another kind than the type says', stripeEvent('invoice.paid', aSubscription()), 'shape'],
    ['an object without an id', stripeEvent('charge.succeeded', { object: 'charge' }), 'shape'],
    [
      'a currency of four letters',
      stripeEvent('charge.succeeded', aCharge({ currency: 'usdt' })),
      'currency',
    ],
    ['a fraction of a minor unit', stripeEvent('charge.succeeded', aCharge({ amount: 1.5 })), 'amount'],
    [
      'a version with partial before-images',
      stripeEvent('charge.succeeded', aCharge(), { api_version: '2016-07-06' }),
      'unsupported_version',
    ],
    ['a type that nobody knows', stripeEvent('wonder.created', {}), 'unknown_type'],
  ])('%s is quarantined', (_, body, reason) => {
    expect(stripe(body)).toMatchObject({ kind: 'quarantined', reason })
  })

  it.each([
    ['payout.paid', 'not_billing'],
    ['radar.early_fraud_warning.created', 'not_billing'],
    ['customer.source.created', 'not_billing'],
    ['issuing_card.created', 'not_billing'],
    ['invoice.upcoming', 'preview'],
  ])('%s is ignored', (type, reason) => {
    expect(stripe(stripeEvent(type, {}))).toEqual({ kind: 'ignored', reason })
  })

  it('a PayPal event whose links lead to the sandbox is no event of a live source', () => {
    const body = {
      id: 'WH-1',
      create_time: '2026-01-01T00:00:00Z',
      event_type: 'PAYMENT.SALE.COMPLETED',
      resource: { id: 'S1', state: 'completed', amount: { total: '1.00', currency: 'USD' } },
      links: [{ href: 'https://api.sandbox.paypal.com/v1/notifications', rel: 'self' }],
    }
    const event = { provider: 'paypal', type: '', body: Buffer.from(JSON.stringify(body)) } as const
    expect(factsOf({ ...event, sourceMode: 'live' })).toMatchObject({ reason: 'mode_mismatch' })
    expect(factsOf({ ...event, sourceMode: 'test' })).toMatchObject({ kind: 'facts' })
  })

  it.each(['unknown_word', null])(
    'a status that the provider calls %s is kept as unknown, and counted',
    status => {
      const books = booksInAnyOrder([stripeEvent('customer.subscription.created', aSubscription({ status }))])
      expect(rowOf(books, 'subscription', 'sub_1')).toMatchObject({
        status: 'unknown',
        providerStatus: status,
        anomalies: { unknown_status: 1 },
      })
    },
  )
})

describe('texts of a stranger', () => {
  const reasonOf = (failure_reason: string) =>
    stripeFacts([stripeEvent('refund.failed', aRefund({ failure_reason }))])[0]?.after

  it('are kept to 1,024 characters, cut between two, so that a count of objects in memory bounds their bytes', () => {
    expect(reasonOf('x'.repeat(1_000_000))).toMatchObject({ failureReason: 'x'.repeat(1_024) })
    expect(reasonOf(`${'x'.repeat(1_022)}😀😀`)).toMatchObject({ failureReason: `${'x'.repeat(1_022)}😀` })
    expect(reasonOf(`${'x'.repeat(1_023)}😀`)).toMatchObject({ failureReason: 'x'.repeat(1_023) })
  })

  it('are never cut where they are an id, which would be the id of something else', () => {
    const long = `ch_${'x'.repeat(2_000)}`
    expect(stripe(stripeEvent('charge.succeeded', aCharge({ id: long })))).toMatchObject({ reason: 'shape' })
    const href = `https://api.paypal.com/${'x'.repeat(970)}/payments/captures/${'C'.repeat(30)}`
    const resource = {
      id: 'R1',
      status: 'COMPLETED',
      create_time: '2026-01-01T00:00:00Z',
      amount: { value: '1.00', currency_code: 'USD' },
    }
    const body = {
      id: 'WH-2',
      create_time: '2026-01-01T00:00:00Z',
      event_type: 'PAYMENT.CAPTURE.REFUNDED',
      resource: { ...resource, links: [{ rel: 'up', href }] },
      links: [{ href: 'https://api.paypal.com/v1/notifications', rel: 'self' }],
    }
    const event = { provider: 'paypal', type: '', body: Buffer.from(JSON.stringify(body)) } as const
    const found = factsOf({ ...event, sourceMode: 'live' })
    expect(found).toMatchObject({ facts: [{ after: { charge: 'C'.repeat(30) } }, { kind: 'charge' }] })
  })
})

describe('whose an event is', () => {
  it("a test event on a live source is a test fact, and a connected account's is its own", () => {
    const [fact] = stripeFacts([
      stripeEvent('customer.created', aCustomer(), { livemode: false, account: 'acct_7' }),
    ])
    expect(fact).toMatchObject({ mode: 'test', account: 'acct_7' })
  })

  it('connecting and disconnecting an account is its status, by order', () => {
    const application = { id: 'ca_1', object: 'application' }
    const books = booksInAnyOrder([
      stripeEvent('account.application.authorized', application, { account: 'acct_7' }),
      stripeEvent('account.application.deauthorized', application, { account: 'acct_7', at: start + 60 }),
    ])
    expect(books.rows).toMatchObject([{ kind: 'account', id: 'acct_7', status: 'deauthorized' }])
  })
})

describe('personal data', () => {
  it('is in no attribute, before-image or digest of a fact', () => {
    const changed = stripeEvent(
      'customer.updated',
      aCustomer({ email: 'secret@example.com', phone: '+49 1' }),
      {
        previous: { email: 'old@example.com' },
      },
    )
    const [fact] = stripeFacts([changed])
    const { personal, ...rest } = fact!
    expect(JSON.stringify(rest)).not.toMatch(/example\.com|\+49/)
    expect(personal).toEqual({
      after: { email: 'secret@example.com', name: 'One', phone: '+49 1', country: null },
      before: { email: 'old@example.com' },
    })
    const [same] = stripeFacts([{ ...changed, data: { object: aCustomer({ email: null }) } }])
    const [other] = stripeFacts([{ ...changed, data: { object: aCustomer({ email: 'x@example.com' }) } }])
    expect(same!.digest).toBe(other!.digest)
  })

  it('two changes of an address within a second follow their before-images', () => {
    const books = booksInAnyOrder([
      stripeEvent('customer.created', aCustomer({ email: 'z@example.com' })),
      stripeEvent('customer.updated', aCustomer({ email: 'm@example.com' }), {
        previous: { email: 'z@example.com' },
      }),
      stripeEvent('customer.updated', aCustomer({ email: 'a@example.com' }), {
        previous: { email: 'm@example.com' },
      }),
    ])
    expect(books.personal).toMatchObject([{ email: 'a@example.com' }])
  })
})
