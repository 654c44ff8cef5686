import { openLedger, stripeFacts } from '@fairlead/ledger/fixtures/ledger'
import {
  aLine,
  anInvoice,
  anItem,
  aPrice,
  aSubscription,
  paidFields,
  start,
  stripeEvent,
} from '@fairlead/ledger/fixtures/stripe'
import { newId } from '@fairlead/webhook/id'
import type { EventMeta } from '@fairlead/wire/event'
import { Registry } from 'prom-client'
import { afterAll, expect, test } from 'vitest'
import { compileAddressPolicy } from '../egress/address.ts'
import { openTestSender } from '../egress/fixtures/sender.ts'
import { type StripeServerOptions, startStripeServer } from './fixtures/stripe-server.ts'
import { openHydrator } from './hydrate.ts'
import { openStripeApi } from './stripe-api.ts'

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

const key = 'rk_live_test_only'
const never = new AbortController().signal
const meta = {
  organization: newId('org', 1),
  source: 'stripe',
  provider: 'stripe',
  account: undefined,
} as unknown as EventMeta

const items = Array.from({ length: 14 }, (_, index) =>
  anItem({
    id: `si_${String(index).padStart(2, '0')}`,
    price: aPrice({ id: `price_${index}`, unit_amount: 100, unit_amount_decimal: '100' }),
  }),
)
const lines = Array.from({ length: 25 }, (_, index) => aLine({ id: `il_${String(index).padStart(2, '0')}` }))
const cutAt = (data: readonly unknown[], most: number) => ({
  object: 'list',
  data: data.slice(0, most),
  has_more: data.length > most,
})
const cut = [
  stripeEvent('customer.subscription.created', aSubscription({ items: cutAt(items, 10) })),
  stripeEvent('invoice.paid', anInvoice({ lines: cutAt(lines, 10), ...paidFields }), { at: start + 9 }),
]
type Listed = readonly { readonly [key: string]: unknown }[]
const whole: Omit<StripeServerOptions, 'key'> = {
  objects: {
    '/v1/subscriptions/sub_1': aSubscription({ items: cutAt(items, 10) }),
    '/v1/invoices/in_1': anInvoice({ lines: cutAt(lines, 10), ...paidFields }),
  },
  lists: {
    '/v1/subscription_items?subscription=sub_1': items as unknown as Listed,
    '/v1/invoices/in_1/lines': lines as unknown as Listed,
  },
  mostOfPage: 7,
}

async function open(
  options: Omit<StripeServerOptions, 'key'> = whole,
  policy?: Parameters<typeof openTestSender>[0],
) {
  const server = opened.use(await startStripeServer({ key, ...options }))
  const sender = opened.use(openTestSender({ ports: () => true, ...policy }))
  const registry = new Registry()
  const hydrator = openHydrator(openStripeApi(sender.ask, server.url, Date.now), registry)
  return {
    server,
    hydrator,
    results: async () => await registry.getSingleMetricAsString('fairlead_ledger_hydrations_total'),
  }
}

test('a subscription of 14 items and an invoice of 25 lines are whole with a key, page after page, and marked as fetched', async () => {
  const { server, hydrator } = await open()
  const facts = stripeFacts(cut)
  const fetched = await hydrator.hydrate(meta, facts, key, never)
  const ledger = openLedger()
  ledger.apply([...facts, ...fetched])
  const { rows, incomplete, movements } = ledger.read()
  const of = (kind: string) => rows.find(row => row.kind === kind && 'complete' in row && row.known)
  expect(of('subscription')).toMatchObject({ complete: true, items: { length: 14 } })
  expect(of('invoice')).toMatchObject({ complete: true, lines: { length: 25 } })
  expect(incomplete).toEqual([])
  expect(movements.reduce((sum, { after, before }) => sum + after - before, 0n)).toBe(1_400n)
  const own = fetched.filter(
    ({ kind, eventId }) => /^fl_/.test(eventId) && ['subscription', 'invoice'].includes(kind),
  )
  expect(own.map(({ kind, type }) => `${kind} ${type}`).toSorted()).toEqual([
    'invoice fairlead.snapshot',
    'subscription fairlead.snapshot',
  ])
  expect(server.asked).toEqual([
    '/v1/subscriptions/sub_1',
    '/v1/subscription_items?subscription=sub_1&limit=100',
    '/v1/subscription_items?subscription=sub_1&limit=100&starting_after=si_06',
    '/v1/invoices/in_1',
    '/v1/invoices/in_1/lines?limit=100',
    '/v1/invoices/in_1/lines?limit=100&starting_after=il_06',
    '/v1/invoices/in_1/lines?limit=100&starting_after=il_13',
    '/v1/invoices/in_1/lines?limit=100&starting_after=il_20',
  ])
})

test('a thin event of a connected account is filled from that account', async () => {
  const { server, hydrator } = await open({
    objects: { '/v1/subscriptions/sub_1': aSubscription({ status: 'past_due' }) },
  })
  const facts = stripeFacts([
    {
      id: 'evt_thin',
      object: 'v2.core.event',
      type: 'v1.customer.subscription.updated',
      created: new Date((start + 100) * 1000).toISOString(),
      livemode: true,
      context: 'acct_tenant',
      related_object: { id: 'sub_1', type: 'subscription', url: '/v1/subscriptions/sub_1' },
    },
  ])
  const fetched = await hydrator.hydrate(meta, facts, key, never)
  expect(server.account()).toBe('acct_tenant')
  expect(new Set(fetched.map(({ account }) => account))).toEqual(new Set(['acct_tenant']))
  const ledger = openLedger()
  ledger.apply([...facts, ...fetched])
  const row = ledger.read().rows.find(({ kind }) => kind === 'subscription')
  expect(row).toMatchObject({ stale: false, status: 'past_due' })
})

test('nothing is asked for an event that leaves nothing out, nor with a key of the other mode', async () => {
  const { server, hydrator, results } = await open()
  const complete = stripeFacts([stripeEvent('customer.subscription.created', aSubscription())])
  expect(await hydrator.hydrate(meta, complete, key, never)).toEqual([])
  expect(await hydrator.hydrate(meta, stripeFacts(cut), 'rk_test_test_only', never)).toEqual([])
  expect(server.asked).toEqual([])
  expect(await results()).toContain('result="other_mode"} 2')
})

test('a key that Stripe refuses is told without the key, and a deleted object is no failure', async () => {
  const { hydrator } = await open()
  const refused = await hydrator.hydrate(meta, stripeFacts(cut), 'rk_live_wrong', never).catch(String)
  expect(refused).toMatch(/Stripe refuses the key/)
  expect(refused).not.toContain('rk_live_wrong')
  const { hydrator: ofGone } = await open({ objects: {} })
  expect(await ofGone.hydrate(meta, stripeFacts(cut), key, never)).toEqual([])
})

test.each([429, 500, 503])(
  'an answer of %d is asked again later, with the next attempt of the delivery',
  async status => {
    const { server, hydrator } = await open()
    server.failNext(status)
    await expect(hydrator.hydrate(meta, stripeFacts(cut), key, never)).rejects.toMatchObject({
      kind: 'later',
    })
    expect(await hydrator.hydrate(meta, stripeFacts(cut), key, never)).not.toEqual([])
  },
)

test('an address that no delivery may reach is not asked', async () => {
  const { server, hydrator } = await open(whole, { policy: compileAddressPolicy({ allowCidrs: [] }) })
  await expect(hydrator.hydrate(meta, stripeFacts(cut), key, never)).rejects.toMatchObject({ kind: 'later' })
  expect(server.asked).toEqual([])
})

test('a list without end is given up', async () => {
  const endless = Array.from({ length: 6_000 }, (_, index) => ({ id: `il_${index}` }))
  const { server, hydrator } = await open({
    ...whole,
    lists: { '/v1/invoices/in_1/lines': endless },
    mostOfPage: 100,
  })
  const [, invoice] = cut
  const asked = hydrator.hydrate(
    { ...meta, organization: newId('org', 2) },
    stripeFacts([invoice]),
    key,
    never,
  )
  await expect(asked).rejects.toThrow('more than 5000 items')
  expect(server.asked).toHaveLength(51)
})

test('pages of a list that are large together do not fill the memory', async () => {
  const large = Array.from({ length: 40 }, (_, index) => ({
    id: `il_${index}`,
    description: 'x'.repeat(1024 * 1024),
  }))
  const { server, hydrator } = await open({
    ...whole,
    lists: { '/v1/invoices/in_1/lines': large },
    mostOfPage: 3,
  })
  const [, invoice] = cut
  const asked = hydrator.hydrate(meta, stripeFacts([invoice]), key, never)
  await expect(asked).rejects.toThrow('more than 16777216 bytes')
  expect(server.asked).toHaveLength(7)
})

test('lists of many events at one time do not fill the memory: four are fetched, and of an organization one', async () => {
  const released = Promise.withResolvers<void>()
  const { server, hydrator } = await open({ ...whole, mostOfPage: 100, beforePage: () => released.promise })
  const [, invoice] = cut
  const hydrate = (organization = newId('org', 1), signal = never) =>
    hydrator.hydrate({ ...meta, organization }, stripeFacts([invoice]), key, signal)
  const one = newId('org', 1)
  const begun = [hydrate(one), hydrate(one), hydrate(one)]
  for (let others = 0; others < 6; others += 1) begun.push(hydrate())
  const objectsAndLists = () => {
    const lists = server.asked.filter(path => path.includes('limit=')).length
    return [server.asked.length - lists, lists]
  }
  await expect.poll(objectsAndLists, { timeout: 60_000 }).toEqual([9, 4])
  const givenUp = new AbortController()
  const waiting = hydrate(newId('org', 1), givenUp.signal)
  await expect.poll(objectsAndLists, { timeout: 60_000 }).toEqual([10, 4])
  givenUp.abort(new Error('too late'))
  await expect(waiting).rejects.toThrow('too late')
  released.resolve()
  for (const facts of await Promise.all(begun)) expect(facts).not.toEqual([])
  expect(objectsAndLists()).toEqual([10, 9])
}, 240_000)

test('an organization with one list under way gets no second, and holds up no other', async () => {
  const released = Promise.withResolvers<void>()
  const { server, hydrator } = await open({ ...whole, mostOfPage: 100, beforePage: () => released.promise })
  const [, invoice] = cut
  const [one, other] = [newId('org', 1), newId('org', 1)]
  const hydrate = (organization: typeof one) =>
    hydrator.hydrate({ ...meta, organization }, stripeFacts([invoice]), key, never)
  const all = [hydrate(one), hydrate(one), hydrate(one)]
  await expect.poll(() => server.asked.length, { timeout: 60_000 }).toBe(4)
  all.push(hydrate(other))
  await expect.poll(() => server.asked.length, { timeout: 60_000 }).toBe(6)
  expect(server.asked.filter(path => path.includes('limit='))).toHaveLength(2)
  released.resolve()
  await Promise.all(all)
  expect(server.asked).toHaveLength(8)
}, 240_000)
