import { type Fact, formOf } from '@fairlead/ledger/facts'
import { factsOf } from '@fairlead/ledger/facts-of'
import { fold } from '@fairlead/ledger/fold/fold'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { eventId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpLedger } from './fixtures/record-life.ts'
import { stripeLife } from './fixtures/stripe-life.ts'
import { termsText } from './links.ts'

const opened = new AsyncDisposableStack()
let store: TestStore

beforeAll(async () => {
  store = opened.use(await startTestStore())
})
afterAll(() => opened.disposeAsync())

async function anOrganization(slug: string): Promise<OrganizationId> {
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
  })
  return organization!.id as OrganizationId
}

function factsOfBody(provider: 'stripe' | 'paypal', body: unknown): readonly Fact[] {
  const read = factsOf({ provider, type: '', body: Buffer.from(JSON.stringify(body)), sourceMode: 'live' })
  if (read.kind !== 'facts') throw new Error(`read as ${JSON.stringify(read)}`)
  return read.facts
}

/** Records events of PayPal, each in a request of its own; a list of events in one. */
async function record(
  organizationId: OrganizationId,
  requests: readonly ({ readonly id: string } | readonly { readonly id: string }[])[],
) {
  for (const request of requests) {
    const events = [request].flat().map(event => {
      const facts = factsOfBody('paypal', event).map(({ personal, ...fact }) => ({
        json: JSON.stringify(fact),
        personalJson: personal ? JSON.stringify(personal) : '',
      }))
      const of = { source: 'paypal', provider: 'paypal', type: '', mode: 'live' }
      return { ...of, eventId: eventId(organizationId, 'paypal', { id: event.id }), facts }
    })
    await store.client.ledger.recordFacts({ organizationId, events })
  }
}

const dayAt = (day: number): string => new Date(Date.UTC(2026, 0, day)).toISOString()

function paypal(id: string, event_type: string, day: number, resource: object) {
  const at = dayAt(day)
  return { id, event_type, create_time: at, resource: { ...resource, update_time: at } }
}

function plan(id: string, day: number, price: string) {
  const type = id === 'WH-created' ? 'CREATED' : 'PRICING-CHANGE.ACTIVATED'
  return paypal(id, `BILLING.PLAN.${type}`, day, {
    id: 'P-1',
    status: 'ACTIVE',
    billing_cycles: [
      {
        tenure_type: 'REGULAR',
        frequency: { interval_unit: 'MONTH', interval_count: 1 },
        pricing_scheme: { fixed_price: { value: price, currency_code: 'USD' } },
      },
    ],
  })
}

const activated = paypal('WH-activated', 'BILLING.SUBSCRIPTION.ACTIVATED', 10, {
  id: 'I-1',
  plan_id: 'P-1',
  status: 'ACTIVE',
  subscriber: { payer_id: 'PAYER1' },
  billing_info: { outstanding_balance: { value: '0', currency_code: 'USD' } },
})

test("a plan's price of the past that is told late moves the revenue of then, as if it had come in time", async () => {
  const [created, dearer, cheaper] = [
    plan('WH-created', 1, '10.00'),
    plan('WH-dearer', 20, '15.00'),
    plan('WH-cheaper', 30, '12.00'),
  ]
  const inTime = await anOrganization('in-time')
  await record(inTime, [created, activated, dearer, cheaper])
  const movements = await store.query(
    'select kind, after from ledger_mrr_movements where organization_id = $1 order by at_ms',
    [toUuid(inTime)],
  )
  expect(movements).toEqual([
    { kind: 'new', after: '1000' },
    { kind: 'expansion', after: '1500' },
    { kind: 'contraction', after: '1200' },
  ])
  const late = await anOrganization('late')
  await record(late, [activated, cheaper, created, dearer])
  expect(await dumpLedger(store, late)).toBe(await dumpLedger(store, inTime))
})

test('the first event of a price does not count as a change of the terms that its subscriptions told', () => {
  const termsOf = (tax: string): string[] => {
    const text = JSON.stringify(stripeLife({ name: 'terms' })).replaceAll('"exclusive"', JSON.stringify(tax))
    const facts = (JSON.parse(text) as unknown[]).flatMap(event => factsOfBody('stripe', event))
    const whole = facts.filter(({ kind, objectId }) => kind === 'plan' && objectId === 'price_s_terms')
    const alone = whole.filter(fact => formOf(fact) === 'terms')
    expect(alone.length).toBeLessThan(whole.filter(fact => formOf(fact) !== 'mention').length)
    return [alone, whole].map(some => termsText({ ...fold('plan', some).rows.at(-1)! }, null))
  }
  const [alone, whole] = termsOf('unspecified')
  expect(whole).toBe(alone)
  expect(termsOf('exclusive')).toEqual([alone, alone])
  const [inclusive] = termsOf('inclusive')
  expect(inclusive).not.toBe(alone)
})

test('a reversed sale is lost in the figures of the day that it was paid, but for what its disputes tell', async () => {
  const sale = (id: string, type: string, state: string, total: string) =>
    paypal(`WH-${id}-${type}`, `PAYMENT.SALE.${type}`, 5, {
      id,
      state,
      amount: { total, currency: 'USD' },
      create_time: dayAt(5),
    })
  const reversed = (id: string) => [
    sale(id, 'COMPLETED', 'completed', '19.00'),
    sale(id, 'REVERSED', 'reversed', '-19.00'),
  ]
  const dispute = paypal('WH-dispute', 'CUSTOMER.DISPUTE.RESOLVED', 9, {
    dispute_id: 'PP-D-1',
    create_time: dayAt(7),
    dispute_amount: { value: '19.00', currency_code: 'USD' },
    dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' },
    disputed_transactions: [{ seller_transaction_id: 'SALE2' }],
    status: 'RESOLVED',
  })
  const organizationId = await anOrganization('reversed')
  await record(organizationId, [...reversed('SALE1'), ...reversed('SALE2'), dispute])
  const { days } = await store.client.ledger.readLedgerFigures({
    organizationId,
    after: { seconds: BigInt(Date.UTC(2026, 0, 1) / 1000) },
    before: { seconds: BigInt(Date.UTC(2026, 1, 1) / 1000) },
  })
  expect(days.map(({ day, paid, refunded, lost }) => [day, paid, refunded, lost])).toEqual([
    ['2026-01-05', 3800n, 0n, 1900n],
    ['2026-01-07', 0n, 0n, 1900n],
  ])
})

test('a reversal that comes after its day was closed is told as restated, in whatever order sale and dispute come, and a rebuild tells nothing', async () => {
  const sale = (type: string, state: string, total: string) =>
    paypal(`WH-late-${type}`, `PAYMENT.SALE.${type}`, 5, {
      id: 'SALE3',
      state,
      amount: { total, currency: 'USD' },
      create_time: dayAt(5),
    })
  const [completed, reversed] = [
    sale('COMPLETED', 'completed', '19.00'),
    sale('REVERSED', 'reversed', '-19.00'),
  ]
  const dispute = paypal('WH-late-dispute', 'CUSTOMER.DISPUTE.RESOLVED', 9, {
    dispute_id: 'PP-D-3',
    create_time: dayAt(7),
    dispute_amount: { value: '5.00', currency_code: 'USD' },
    dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' },
    disputed_transactions: [{ seller_transaction_id: 'SALE3' }],
    status: 'RESOLVED',
  })
  const lostOf = async (organizationId: OrganizationId) =>
    (await store.client.revenue.listRestatements({ organizationId })).restatements
      .toSorted((a, b) => (a.day < b.day ? -1 : 1))
      .map(({ day, lost }) => [day, lost])
  const beyondDispute = [
    ['2026-01-05', 1400n],
    ['2026-01-07', 500n],
  ]
  const reversedFirst = await anOrganization('reversed-first')
  await record(reversedFirst, [completed])
  await record(reversedFirst, [reversed])
  expect(await lostOf(reversedFirst)).toEqual([['2026-01-05', 1900n]])
  await record(reversedFirst, [dispute])
  expect(await lostOf(reversedFirst)).toEqual(beyondDispute)
  const disputedFirst = await anOrganization('disputed-first')
  await record(disputedFirst, [dispute])
  await record(disputedFirst, [completed])
  await record(disputedFirst, [reversed])
  expect(await lostOf(disputedFirst)).toEqual(beyondDispute)
  const { days } = await store.client.ledger.readLedgerFigures({
    organizationId: disputedFirst,
    after: { seconds: BigInt(Date.UTC(2026, 0, 1) / 1000) },
    before: { seconds: BigInt(Date.UTC(2026, 1, 1) / 1000) },
  })
  expect(days.map(({ day, lost }) => [day, lost])).toEqual(beyondDispute)
  await store.query('delete from ledger_restatements where organization_id = $1', [toUuid(disputedFirst)])
  const change = { actorId: 'test', requestSha256: new Uint8Array(32) }
  await store.client.ledger.rebuildLedger({ organizationId: disputedFirst, change })
  expect(await lostOf(disputedFirst)).toEqual([])
})

test("a refund that comes together with the subscription of an earlier sale is its customer's, as the sale is", async () => {
  const amount = { total: '19.00', currency: 'USD' }
  const sale = paypal('WH-sale', 'PAYMENT.SALE.COMPLETED', 11, {
    id: 'SALE9',
    state: 'completed',
    amount,
    billing_agreement_id: 'I-1',
    create_time: dayAt(11),
  })
  const refund = (id: string) =>
    paypal(`WH-${id}`, 'PAYMENT.SALE.REFUNDED', 12, {
      id,
      sale_id: 'SALE9',
      state: 'completed',
      amount: { total: '5.00', currency: 'USD' },
      create_time: dayAt(12),
    })
  const [apart, together] = [await anOrganization('apart'), await anOrganization('together')]
  await record(apart, [activated, sale, refund('RE1'), refund('RE2')])
  // The first one names the sale, which later ones so leave alone.
  await record(together, [sale, refund('RE1'), [refund('RE2'), activated]])
  expect(await dumpLedger(store, together)).toBe(await dumpLedger(store, apart))
})
