import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { LedgerResource } from '@fairlead/wire/store/ledger'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpLedger, recordEvents } from './fixtures/record-life.ts'
import { type StripeEvent, stripeLife } from './fixtures/stripe-life.ts'
import { derivedTables, keptTables } from './rebuild.ts'

const opened = new AsyncDisposableStack()
let store: TestStore
let count = 0

beforeAll(async () => {
  store = opened.use(await startTestStore())
})
afterAll(() => opened.disposeAsync())

async function anOrganization(): Promise<OrganizationId> {
  const slug = `acme-${++count}`
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
  })
  return organization!.id as OrganizationId
}

/** Seeded, so that a failure can be had again. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items]
  let state = seed
  for (let i = result.length - 1; i > 0; i--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    const j = state % (i + 1)
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}

const rowOf = async (organizationId: OrganizationId, resource: LedgerResource, id: string) =>
  await store.client.ledger.getLedgerRow({ organizationId, resource, id })

test('a life in any order, with repeats and side by side, ends in the same rows', async () => {
  const life = stripeLife({ name: 'any' })
  const inOrder = await anOrganization()
  await recordEvents(store, inOrder, life)
  const expected = await dumpLedger(store, inOrder)
  for (const seed of [1, 2, 3, 4]) {
    const organization = await anOrganization()
    const events = shuffled([...life, ...life.slice(0, 8), ...life.slice(3, 9)], seed)
    await recordEvents(store, organization, events, { size: seed, atOnce: seed > 2 })
    expect(await dumpLedger(store, organization), `seed ${seed}`).toBe(expected)
  }
})

test('events that were lost and come after the end change the rows to what they would have been', async () => {
  const life = stripeLife({ name: 'lost' })
  const whole = await anOrganization()
  await recordEvents(store, whole, life)
  const organization = await anOrganization()
  const isLost = (_: StripeEvent, index: number) => index % 4 === 1
  await recordEvents(
    store,
    organization,
    life.filter((event, index) => !isLost(event, index)),
  )
  await recordEvents(store, organization, life.filter(isLost))
  expect(await dumpLedger(store, organization)).toBe(await dumpLedger(store, whole))
})

test('a rebuild gives the same rows byte by byte, and tells nobody', async () => {
  const organization = await anOrganization()
  await recordEvents(store, organization, stripeLife({ name: 'again' }))
  await store.query('update ledger_outbox set due_at = null where organization_id = $1', [
    toUuid(organization),
  ])
  const before = await dumpLedger(store, organization)
  const { objects } = await store.client.ledger.rebuildLedger({
    organizationId: organization,
    change: { actorId: 'test', requestSha256: new Uint8Array(32) },
  })
  expect(objects).toBeGreaterThan(8n)
  expect(await dumpLedger(store, organization)).toBe(before)
  const due = await store.query(
    'select from ledger_outbox where organization_id = $1 and due_at is not null',
    [toUuid(organization)],
  )
  expect(due).toEqual([])
})

test('a further fact writes its own change of a long history and no other, and digests where an earlier version wrote none', async () => {
  const organization = await anOrganization()
  const life = stripeLife({ name: 'long' })
  const last = life.findLast(({ type }) => type === 'customer.subscription.deleted')!
  await recordEvents(
    store,
    organization,
    life.filter(event => event !== last),
  )
  const history = () =>
    store.query(
      `select position, xmin::text as writer, digest is not null as digested from ledger_transitions
       where organization_id = $1 and kind = 'subscription' order by position`,
      [toUuid(organization)],
    )
  const before = await history()
  await store.query('update ledger_transitions set digest = null where organization_id = $1 and kind = $2', [
    toUuid(organization),
    'invoice',
  ])
  await recordEvents(store, organization, [last])
  const after = await history()
  expect(before.length).toBeGreaterThan(1)
  expect(after.slice(0, before.length)).toEqual(before)
  expect(after).toHaveLength(before.length + 1)
  await store.query('update ledger_transitions set digest = null where organization_id = $1', [
    toUuid(organization),
  ])
  await recordEvents(store, organization, [{ ...last, id: 'evt_long_again', created: last.created + 1 }])
  expect((await history()).every(({ digested }) => digested)).toBe(true)
  const whole = await dumpLedger(store, organization)
  const change = { actorId: 'test', requestSha256: new Uint8Array(32) }
  await store.client.ledger.rebuildLedger({ organizationId: organization, change })
  const undigested = await store.query(
    'select from ledger_transitions where organization_id = $1 and digest is null',
    [toUuid(organization)],
  )
  expect(undigested).toEqual([])
  expect(whole).toContain('sub_long')
  // The rebuild writes digests where there were none, and nothing else.
  const rowsOf = (dump: string) =>
    dump
      .replaceAll(/"digest": (?:null|"[^"]*")/g, '"digest"')
      .split('\n')
      .toSorted()
  expect(rowsOf(await dumpLedger(store, organization))).toEqual(rowsOf(whole))
})

test('a refund that comes before its charge, and that before its intent, is counted in the payment', async () => {
  const organization = await anOrganization()
  const life = stripeLife({ name: 'refund' })
  const find = (type: string) => life.filter(event => event.type === type)
  // Whose the charge is, its intent alone tells.
  const charges = find('charge.succeeded').map(event => ({
    ...event,
    data: { object: { ...event.data.object, customer: null } },
  }))
  for (const events of [find('refund.created'), charges, find('payment_intent.succeeded')])
    await recordEvents(store, organization, events)
  const { row, parts } = await rowOf(organization, LedgerResource.PAYMENTS, 'pi_refund')
  expect(row?.fields).toMatchObject({
    customer: 'cus_refund',
    amount: '1999',
    refunded: '500',
    status: 'partially_refunded',
  })
  expect(parts.refunds?.items).toMatchObject([{ id: 're_refund', amount: '500' }])
  const payments = await store.query('select id from ledger_payments where organization_id = $1', [
    toUuid(organization),
  ])
  expect(payments).toEqual([{ id: 'pi_refund' }])
})

test('what a customer may use ends with the subscription, and revenue moves by what was booked', async () => {
  const organization = await anOrganization()
  await recordEvents(store, organization, stripeLife({ name: 'money' }))
  const movements = await store.query(
    'select kind, amount, before, after from ledger_mrr_movements where organization_id = $1 order by at_ms',
    [toUuid(organization)],
  )
  expect(movements).toEqual([
    { kind: 'new', amount: '1999', before: '0', after: '1999' },
    { kind: 'expansion', amount: '2901', before: '1999', after: '4900' },
    { kind: 'churn', amount: '4900', before: '4900', after: '0' },
  ])
  const { grants } = await store.client.ledger.getLedgerAccess({
    organizationId: organization,
    customer: 'cus_money',
  })
  expect(grants).toMatchObject([
    { subscription: 'sub_money', status: 'canceled', product: 'prod_money', ends: true },
  ])
  const day = 86_400_000
  const start = Date.UTC(2026, 1, 1)
  const { days } = await store.client.ledger.readLedgerFigures({
    organizationId: organization,
    after: { seconds: BigInt(start / 1000) },
    before: { seconds: BigInt((start + 90 * day) / 1000) },
  })
  expect(days.map(({ mrrStart, mrrEnd }) => [mrrStart, mrrEnd])).toEqual([
    [0n, 1999n],
    [1999n, 1999n],
    [1999n, 4900n],
    [4900n, 0n],
  ])
  for (const { mrrStart, mrrNew, mrrReactivation, mrrExpansion, mrrContraction, mrrChurn, mrrEnd } of days)
    expect(mrrStart + mrrNew + mrrReactivation + mrrExpansion - mrrContraction - mrrChurn).toBe(mrrEnd)
  expect(days.reduce((sum, { paid, refunded }) => sum + paid - refunded, 0n)).toBe(1499n)
})

test('the price of a plan that comes after its subscription is counted', async () => {
  const organization = await anOrganization()
  const life = stripeLife({ name: 'late' })
  const bare = life.map(event =>
    event.type.startsWith('customer.subscription')
      ? {
          ...event,
          data: JSON.parse(
            JSON.stringify(event.data).replaceAll(
              /"unit_amount(_decimal)?":("\d+"|\d+)/g,
              '"unit_amount$1":null',
            ),
          ),
        }
      : event,
  )
  const isPrice = ({ type }: StripeEvent) => type === 'price.created'
  await recordEvents(
    store,
    organization,
    bare.filter(event => !isPrice(event)),
  )
  await recordEvents(store, organization, life.filter(isPrice))
  const movements = await store.query(
    'select kind, amount from ledger_mrr_movements where organization_id = $1 order by at_ms',
    [toUuid(organization)],
  )
  expect(movements.map(({ kind }) => kind)).toEqual(['new', 'expansion', 'churn'])
})

test('erased personal data comes back neither by a late event nor by a rebuild, and figures stay', async () => {
  const organization = await anOrganization()
  const life = stripeLife({ name: 'gone' })
  await recordEvents(store, organization, life)
  const figures = () =>
    store.query('select * from ledger_mrr_movements where organization_id = $1 order by at_ms', [
      toUuid(organization),
    ])
  const before = await figures()
  const change = { actorId: 'test', requestSha256: new Uint8Array(32) }
  await store.client.ledger.redactLedgerCustomer({
    organizationId: organization,
    customer: 'cus_gone',
    change,
  })
  const [customer] = life.filter(({ type }) => type === 'customer.created')
  await recordEvents(store, organization, [
    { ...customer!, id: 'evt_late', type: 'customer.updated', created: customer!.created + 60 },
  ])
  await store.client.ledger.rebuildLedger({ organizationId: organization, change })
  const { row } = await rowOf(organization, LedgerResource.CUSTOMERS, 'cus_gone')
  expect(row?.fields).toMatchObject({ email: null, name: null, redacted: true })
  for (const table of [...derivedTables, ...keptTables]) {
    const rows = await store.query(
      `select 1 from ${table} t where organization_id = $1 and to_jsonb(t)::text like '%gone@customer%'`,
      [toUuid(organization)],
    )
    expect(rows, table).toEqual([])
  }
  expect(await figures()).toEqual(before)
})

test('a text that Postgres does not take is kept without what it refuses, and stops no batch', async () => {
  const organization = await anOrganization()
  const life = stripeLife({ name: 'nul' })
  const [customer] = life.filter(({ type }) => type === 'customer.created')
  const named = { ...customer!, data: { object: { ...customer!.data.object, name: 'a\u0000b\ud800' } } }
  await recordEvents(store, organization, [named, ...life.filter(event => event !== customer)])
  const { row } = await rowOf(organization, LedgerResource.CUSTOMERS, 'cus_nul')
  expect(row?.fields).toMatchObject({ name: 'a\ufffdb\ufffd' })
})

test('why a row is as it is: its facts, with the events of ours that brought them, by pages', async () => {
  const organization = await anOrganization()
  const life = stripeLife({ name: 'why' })
  await recordEvents(store, organization, life)
  const row = { organizationId: organization, resource: LedgerResource.SUBSCRIPTIONS, id: 'sub_why' }
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const page = await store.client.ledger.listLedgerFacts({ row, cursor, limit: 2 })
    seen.push(...page.facts.map(({ fact }) => fact!.eventId))
    for (const { fact, fairleadEvent } of page.facts)
      if (fact!.eventId !== 'mention') expect(fairleadEvent).toMatch(/^evt_/)
    if (!page.next) break
    cursor = page.next
  }
  const told = life.flatMap(({ id, data }) => (data.object.id === 'sub_why' ? [id] : []))
  expect(seen.filter(id => id !== 'mention').toSorted()).toEqual(told.toSorted())
})

test('lists go through every row once, newest first, in pages', async () => {
  const organization = await anOrganization()
  for (const name of ['p1', 'p2', 'p3'])
    await recordEvents(store, organization, stripeLife({ name }), { size: 20 })
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const page = await store.client.ledger.listLedgerRows({
      organizationId: organization,
      resource: LedgerResource.PLANS,
      cursor,
      limit: 4,
    })
    seen.push(...page.rows.map(({ id }) => id))
    if (!page.next) break
    cursor = page.next
  }
  expect(seen.toSorted()).toEqual(
    ['p1', 'p2', 'p3'].flatMap(name => [`price_l_${name}`, `price_s_${name}`]).toSorted(),
  )
  const found = await store.client.ledger.listLedgerRows({
    organizationId: organization,
    resource: LedgerResource.CUSTOMERS,
    text: 'P2@customer',
  })
  expect(found.rows.map(({ id }) => id)).toEqual(['cus_p2'])
})
