import { paypalLife } from '@fairlead/testbed/billing/paypal-life'
import { shopifyLife } from '@fairlead/testbed/billing/shopify-life'
import { seeded } from '@fairlead/testbed/seeded'
import { describe, expect, it } from 'vitest'
import { factsOf } from './facts-of.ts'
import { factsOfEvent, openLedger, textOf } from './fixtures/ledger.ts'
import { batched, shuffled } from './fixtures/lives.ts'
import { rowOf } from './fixtures/orders.ts'
import { fromDecimal } from './money.ts'

const seeds = Array.from({ length: 10 }, (_, index) => index + 301)
const minor = (currency: string, text: string): bigint => BigInt(fromDecimal(currency, text))

describe('whole lives at PayPal', () => {
  it.each(seeds)('life %i has the right books in any order, with repeats', seed => {
    const random = seeded(seed)
    const life = paypalLife(random, `p${seed}`, 8)
    const facts = life.events.flatMap(body =>
      factsOfEvent({ provider: 'paypal', type: '', sourceMode: 'live', body }),
    )
    const ledger = openLedger()
    ledger.apply(facts)
    const books = ledger.read()
    const row = rowOf(books, 'subscription', life.subscription)
    expect(row).toMatchObject({ status: life.status, customer: `PAYER${life.subscription}`, anomalies: {} })
    for (const sale of life.sales) {
      const taken = minor(life.currency, sale.amount)
      const back = sale.refunds.reduce((sum, amount) => sum + minor(life.currency, amount), 0n)
      expect(books.payments.find(({ id }) => id === sale.id)).toMatchObject({
        captured: taken,
        refunded: back,
        disputedLost: sale.dispute === 'lost' ? taken : 0n,
        customer: `PAYER${life.subscription}`,
        subscription: life.subscription,
        status: sale.dispute === 'lost' ? 'lost' : back > 0n ? 'partially_refunded' : 'succeeded',
      })
    }
    const counts = life.status === 'active' || life.status === 'past_due'
    const told = books.movements.reduce((sum, { after, before }) => sum + after - before, 0n)
    expect(told).toBe(counts ? minor(life.currency, life.price) : 0n)
    const again = openLedger()
    for (const batch of batched(shuffled([...facts, ...facts], random), random)) again.apply(batch)
    expect(textOf(again.read())).toBe(textOf(books))
  })
})

describe('whole lives at Shopify', () => {
  const factsOfLife = (seed: number) => {
    const random = seeded(seed)
    const life = shopifyLife(random, seed, 5)
    const facts = life.events.map(({ topic, body }) =>
      factsOfEvent({ provider: 'shopify', type: topic, sourceMode: 'live', body }),
    )
    return { life, facts, random }
  }

  it.each(seeds)('life %i has the right books in any order, with repeats', seed => {
    const { life, facts, random } = factsOfLife(seed)
    const ledger = openLedger()
    ledger.apply(facts.flat())
    const books = ledger.read()
    for (const order of life.orders) {
      const total = minor(order.currency, order.total)
      const back = order.refunds.reduce((sum, amount) => sum + minor(order.currency, amount), 0n)
      expect(books.payments.find(({ id }) => id === order.id)).toMatchObject({
        amount: total,
        currency: order.currency,
        captured: order.paid ? total : 0n,
        refunded: back,
        status: !order.paid ? 'pending' : back > 0n ? 'partially_refunded' : 'succeeded',
      })
      expect(rowOf(books, 'order', order.id).deleted).toBe(order.deleted)
    }
    const app = rowOf(books, 'subscription', `gid://shopify/AppSubscription/${seed}`)
    expect(app).toMatchObject({ status: life.appStatus, anomalies: {}, complete: true })
    const mrr = books.movements.reduce((sum, { after, before }) => sum + after - before, 0n)
    expect(mrr).toBe(life.appStatus === 'active' ? 2900n : 0n)
    expect(rowOf(books, 'customer', String(9_000_000 + seed)).deleted).toBe(life.deletedCustomer)
    const again = openLedger()
    for (const batch of batched(shuffled([...facts, ...facts], random), random)) again.apply(batch.flat())
    expect(textOf(again.read())).toBe(textOf(books))
  })

  it('a body replayed under another topic of its shape, with another event id, time or shop in its headers, changes nothing', () => {
    const { life, facts } = factsOfLife(1)
    const ledger = openLedger()
    ledger.apply(facts.flat())
    const before = textOf(ledger.read())
    for (const { topic, body } of life.events.filter(
      event => event.topic.startsWith('orders/') && 'total_price' in event.body,
    )) {
      const other = topic === 'orders/create' ? 'orders/updated' : 'orders/create'
      ledger.apply(factsOfEvent({ provider: 'shopify', type: other, sourceMode: 'live', body }))
    }
    expect(textOf(ledger.read())).toBe(before)
  })

  it.each([
    'orders/delete',
    'customers/update',
    'refunds/create',
    'customers/delete',
    'customers/redact',
    'app/uninstalled',
  ])('the body of an order under %s is quarantined', topic => {
    const { life } = factsOfLife(1)
    const { body } = life.events.find(event => event.topic === 'orders/create')!
    const event = {
      provider: 'shopify',
      type: topic,
      sourceMode: 'live',
      body: Buffer.from(JSON.stringify(body)),
    } as const
    expect(factsOf(event)).toMatchObject({ kind: 'quarantined', reason: 'shape' })
  })

  it('a customer who is to be forgotten has no personal data, whatever comes before or after', () => {
    const customer = { id: 7, email: 'a@example.com', first_name: 'A', last_name: 'B', phone: null }
    const tell = (topic: string, body: unknown) =>
      factsOfEvent({ provider: 'shopify', type: topic, sourceMode: 'live', body })
    const created = tell('customers/create', {
      ...customer,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    })
    const redacted = tell('customers/redact', { shop_id: 1, customer: { id: 7 }, orders_to_redact: [] })
    const updated = tell('customers/update', {
      ...customer,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-03-01T00:00:00Z',
    })
    for (const order of [
      [created, redacted, updated],
      [updated, redacted, created],
      [redacted, updated, created],
    ]) {
      const ledger = openLedger()
      for (const facts of order) ledger.apply(facts)
      const books = ledger.read()
      expect(books.personal).toMatchObject([{ customer: '7', email: null, name: null, redacted: true }])
      expect(
        JSON.stringify(books.rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
      ).not.toContain('example.com')
    }
  })
})
