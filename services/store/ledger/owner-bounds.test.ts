import { aCharge, anIntent, aRefund, aSubscription, stripeEvent } from '@fairlead/ledger/fixtures/stripe'
import type { Row } from '@fairlead/ledger/rows'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { LedgerResource } from '@fairlead/wire/store/ledger'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../scope.ts'
import { dumpLedger, recordEvents } from './fixtures/record-life.ts'
import type { StripeEvent } from './fixtures/stripe-life.ts'
import { findOwners } from './owners.ts'
import { type PaymentSeed, readPaymentParts } from './payment-parts.ts'
import type { Place } from './place.ts'
import { projectPaymentsOf } from './project-payments.ts'
import { readOwned } from './read-owned.ts'

/* A customer who stands for many, such as a shop's walk-in customer, fills no store's memory. */

const opened = new AsyncDisposableStack()
let store: TestStore
let db: Db

beforeAll(async () => {
  store = opened.use(await startTestStore())
  const query = async (text: string, values: unknown[]) => ({ rows: await store.query(text, values) })
  db = { query } as unknown as Db
})
afterAll(() => opened.disposeAsync())

const owner = 'customer:cus_walk_in'
const customer = 'cus_walk_in'
const event = (type: string, object: object, at?: number) =>
  stripeEvent(type, { ...object }, at === undefined ? {} : { at }) as unknown as StripeEvent
const charge = (id: string) =>
  event('charge.succeeded', aCharge({ id: `ch_${id}`, payment_intent: null, customer }))
const refund = (id: string, of: string) =>
  event('refund.created', aRefund({ id: `re_${id}`, charge: `ch_${of}`, payment_intent: null, amount: 1 }))
const seed = (id: string): PaymentSeed => ({ owner, kind: 'charge', id: `ch_${id}` })

async function recorded(slug: string, events: readonly StripeEvent[], size = 100): Promise<Place> {
  const { organization: applied } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
  })
  const organization = applied!.id as OrganizationId
  await recordEvents(store, organization, events, { size })
  return { organization, provider: 'stripe', account: '', mode: 'live' }
}

async function readAll(place: Place, seeds: readonly PaymentSeed[], most?: number) {
  const found: { ids: string[]; cut: boolean }[] = []
  for await (const { reached, cut } of readPaymentParts(db, place, seeds, most))
    found.push({ ids: reached.map(({ id }) => id), cut: cut !== undefined })
  return found
}

const many = Array.from({ length: 60 }, (_, index) => String(index).padStart(3, '0'))

test("one payment of a customer who has very many is computed without a look at the others'", async () => {
  const place = await recorded('walk-in', [...many.map(charge), refund('1', '007')])
  expect(await readAll(place, [seed('007')])).toEqual([{ ids: ['ch_007', 're_1'], cut: false }])
  const [row] = await store.query(
    "select refunded, status, customer from ledger_payments where organization_id = $1 and id = 'ch_007'",
    [toUuid(place.organization)],
  )
  expect(row).toEqual({ refunded: '1', status: 'partially_refunded', customer })
  const [all] = await store.query(
    'select count(*)::int as count from ledger_payments where organization_id = $1',
    [toUuid(place.organization)],
  )
  expect(all).toEqual({ count: many.length })
})

test('payments that are asked for together come in slices, each whole and once, when they are more than memory has room for', async () => {
  const place = await recorded('slices', [...many.map(charge), ...many.map(id => refund(id, id))])
  const found = await readAll(place, many.map(seed), 7)
  expect(found.every(({ ids, cut }) => ids.length <= 7 && !cut)).toBe(true)
  expect(found.flatMap(({ ids }) => ids).toSorted()).toEqual(
    many.flatMap(id => [`ch_${id}`, `re_${id}`]).toSorted(),
  )
})

test('of one payment with more refunds than memory has room for a part is read, which says so, whatever is asked for beside it', async () => {
  const refunds = many.map(id => refund(id, 'large'))
  const place = await recorded('one-payment', [charge('large'), charge('small'), ...refunds])
  const parts = ['ch_large', ...many.slice(0, 9).map(id => `re_${id}`)]
  const seeds = [seed('large'), seed('small'), ...many.map(id => ({ owner, kind: 'refund', id: `re_${id}` }))]
  const found = await readAll(place, seeds, 10)
  expect(found).toContainEqual({ ids: parts, cut: true })
  expect(found).toContainEqual({ ids: ['ch_small'], cut: false })
  expect(found).toHaveLength(2)
  const touched = new Map([
    [owner, { revenue: false, lines: false, payments: new Set(['refund:re_059', 'charge:ch_small']) }],
  ])
  await projectPaymentsOf(db, place, touched, 10)
  const rows = await store.query(
    'select id, complete, refunded from ledger_payments where organization_id = $1 order by id',
    [toUuid(place.organization)],
  )
  expect(rows).toEqual([
    { id: 'ch_large', complete: false, refunded: '9' },
    { id: 'ch_small', complete: true, refunded: '0' },
  ])
})

test('a payment is found by its charge where only the intent tells of the charge, and is no other one before that', async () => {
  const intent = event(
    'payment_intent.succeeded',
    anIntent({ id: 'pi_late', latest_charge: 'ch_late', customer }),
  )
  const events = [charge('late'), refund('late', 'late'), intent, refund('later', 'late')]
  const place = await recorded('late-intent', events, 1)
  const reversed = await recorded('late-charge', events.toReversed(), 1)
  const rows = await store.query('select id, refunded from ledger_payments where organization_id = $1', [
    toUuid(place.organization),
  ])
  expect(rows).toEqual([{ id: 'pi_late', refunded: '2' }])
  expect(await dumpLedger(store, reversed.organization)).toBe(await dumpLedger(store, place.organization))
})

test("a charge that names no intent is among its payment's objects, and another payment of the customer is not", async () => {
  const intent = event(
    'payment_intent.succeeded',
    anIntent({ id: 'pi_shown', latest_charge: 'ch_shown', customer }),
  )
  const place = await recorded('shown', [
    charge('shown'),
    intent,
    refund('shown', 'shown'),
    ...many.map(charge),
  ])
  const { transitions, parts } = await store.client.ledger.getLedgerRow({
    organizationId: place.organization,
    resource: LedgerResource.PAYMENTS,
    id: 'pi_shown',
  })
  expect(new Set(transitions.map(({ id }) => id))).toEqual(new Set(['pi_shown', 'ch_shown', 're_shown']))
  expect(parts.refunds?.items.map(({ id }) => id)).toEqual(['re_shown'])
})

test('an owner with more than a round has, after owners with nothing, is read, and not taken for one with nothing', async () => {
  const subscription = event('customer.subscription.created', aSubscription({ id: 'sub_alone', customer }))
  const place = await recorded('after-none', [subscription])
  const rounds = []
  const most = { rows: 5, transitions: 5 }
  const owners = ['customer:cus_none', owner, 'customer:cus_none_either']
  for await (const owned of readOwned(db, place, owners, false, most, { owners: 200, bytes: 1 }))
    rounds.push(owned.map(({ rows }) => [rows.subscriptions.length, rows.transitions.length > 0]))
  expect(rounds.flat()).toEqual([
    [0, false],
    [1, true],
    [0, false],
  ])
})

test("of a customer's subscriptions those that go on and are newest are read, and it is told that there are more", async () => {
  const subscription = (index: number) =>
    event(
      'customer.subscription.created',
      aSubscription({
        id: `sub_${index}`,
        customer,
        created: 1_767_225_600 + index,
        status: index === 4 ? 'canceled' : 'active',
      }),
      1_767_225_600 + index,
    )
  const place = await recorded('subscriptions', [0, 1, 2, 3, 4].map(subscription))
  const read = async (rows: number, transitions: number) => {
    const found = []
    for await (const owned of readOwned(db, place, [owner, 'customer:cus_none'], false, {
      rows,
      transitions,
    }))
      found.push(...owned)
    return found.map(({ rows: of, cut }) => ({
      cut,
      subscriptions: of.subscriptions.map(({ id }) => id),
      transitions: of.transitions.filter(({ kind }) => kind === 'subscription').map(({ id }) => id),
    }))
  }
  const none = { cut: false, subscriptions: [], transitions: [] }
  const three = ['sub_1', 'sub_2', 'sub_3']
  const five = ['sub_0', ...three, 'sub_4']
  expect(await read(5, 5)).toEqual([{ cut: false, subscriptions: five, transitions: five }, none])
  expect(await read(3, 5)).toEqual([{ cut: true, subscriptions: three, transitions: three }, none])
  expect(await read(5, 2)).toEqual([
    { cut: true, subscriptions: five, transitions: ['sub_3', 'sub_4'] },
    none,
  ])
})

/** A charge as it is computed once it is told of. */
const toldOf = (id: string) =>
  ({
    kind: 'charge',
    id: `ch_${id}`,
    known: true,
    customer,
    paymentIntent: null,
    subscription: null,
    invoice: null,
  }) as unknown as Row

test('all that belongs to an object moves with it to another owner, read in slices, however much that is', async () => {
  const refunds = many.map(id => refund(id, 'moved'))
  const place = await recorded('moved', refunds)
  const slices: number[] = []
  const query = async (text: string, values: unknown[]) => {
    const rows = await store.query(text, values)
    if (text.includes('from ledger_links')) slices.push(rows.length)
    return { rows }
  }
  const { moved, touched } = await findOwners({ query } as unknown as Db, place, [toldOf('moved')], 7)
  expect(slices).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 4])
  expect(moved.map(({ row: { id } }) => id)).toEqual(many.map(id => `re_${id}`))
  expect(new Set(moved.map(one => one.owner))).toEqual(new Set([owner]))
  expect([...touched.keys()].toSorted()).toEqual(['charge:ch_moved', owner])
  const told = charge('moved')
  await recordEvents(store, place.organization, [told])
  const inOrder = await recorded('in-order', [told, ...refunds])
  expect(await dumpLedger(store, place.organization)).toBe(await dumpLedger(store, inOrder.organization))
})

test('a link whose object is not there makes a slice look like the last, and what comes after it keeps its owner', async () => {
  const refunds = many.map(id => refund(id, 'gap'))
  const place = await recorded('gap', refunds)
  await store.query(
    "delete from ledger_objects where organization_id = $1 and kind = 'refund' and id = any($2::text[])",
    [toUuid(place.organization), ['re_003', ...many.slice(14, 21).map(id => `re_${id}`)]],
  )
  const { moved } = await findOwners(db, place, [toldOf('gap')], 7)
  const rest = many.filter((_, index) => index !== 3 && (index < 14 || index > 20))
  expect(moved.map(({ row: { id } }) => id)).toEqual(rest.map(id => `re_${id}`))
})
