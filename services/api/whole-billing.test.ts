import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { type Sink, startSink } from '@fairlead/testbed/sink'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { billingEvents } from './fixtures/billing-events.ts'

/*
 * Billing events the whole way: signed requests of Stripe to the receiver, through worker and store into rows, told to the tenant's
 * destination, and read by the API.
 */

const secret = 'test-only-stripe-of-tenant'
const restrictedKey = 'rk_live_test_only'
const organization = (sinkUrl: string) => `
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: tenant }
spec:
  ledger: { enabled: true, hydrate: [{ source: stripe, secretRef: { name: webhooks, key: restricted } }] }
  sources: [{ name: stripe, provider: stripe, secrets: [{ secretRef: { name: webhooks, key: stripe } }] }]
  destinations: [{ name: app, url: "${sinkUrl}/app", allowInsecureHttp: true }]
---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: twins }
spec:
  ledger: { enabled: true }
  sources:
    - { name: east, provider: stripe, account: acct_east, secrets: [{ secretRef: { name: webhooks, key: stripe } }] }
    - { name: west, provider: stripe, account: acct_west, secrets: [{ secretRef: { name: webhooks, key: stripe } }] }
---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: platform }
spec:
  sources: [{ name: connect, provider: stripe, secrets: [{ secretRef: { name: webhooks, key: stripe } }] }]
---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: connected }
spec: { ledger: { enabled: true } }
---
apiVersion: v1
kind: Secret
metadata: { name: webhooks }
stringData: { stripe: ${secret}, restricted: ${restrictedKey} }
`

const opened = new AsyncDisposableStack()
let sink: Sink
let receiverUrl: (source: string) => string
let apiUrl: string
let key: string
let postgres: Pool
let store: StoreClient

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
type Json = any

async function api(method: string, path: string, body?: unknown, headers: object = {}): Promise<Json> {
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
const ofTenant = (path: string) => `/api/v1/organizations/tenant${path}`

beforeAll(async () => {
  sink = opened.use(await startSink())
  const home = opened.use(await scratchFolder()).path
  const organizations = opened.use(await scratchFolder()).path
  await writeFile(join(organizations, 'tenant.yaml'), organization(sink.url))
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  postgres = new Pool({ connectionString: postgresUrl, options: '-c fairlead.scope=platform', max: 1 })
  postgres.on('error', () => {})
  opened.defer(() => postgres.end())
  const settings = { ...(await freeSettings(home)), organizations, postgresUrl }
  const stripeUrl = await startStripe()
  const env = { FAIRLEAD_STRIPE_API_URL: stripeUrl, FAIRLEAD_STRIPE_CONNECT_SOURCE: 'platform/connect' }
  await opened.use(startStandalone(settings, env)).ready()
  receiverUrl = source => `http://127.0.0.1:${settings.receiverPort}/webhooks/${source}`
  apiUrl = `http://127.0.0.1:${settings.apiPort}`
  const kept = async (name: string): Promise<string> => (await readFile(join(home, name), 'utf8')).trim()
  key = await kept('admin-key')
  store = opened.use(connectStore(await kept('store-url'), { token: await kept('store-token') }))
}, 240_000)
afterAll(() => opened.disposeAsync())

/** A stand-in for Stripe's API with one subscription of 14 items; to whoever has not the key it says 401. */
async function startStripe(): Promise<string> {
  const items = Array.from({ length: 14 }, (_, index) => itemOfBig(index))
  const server = createServer((request, response) => {
    const isRight =
      request.headers.authorization === `Bearer ${restrictedKey}` && request.headers['stripe-version']
    const isList = request.url?.startsWith('/v1/subscription_items?subscription=sub_big')
    const isOne = request.url === '/v1/subscriptions/sub_big'
    response.writeHead(!isRight ? 401 : isList || isOne ? 200 : 404, { 'content-type': 'application/json' })
    const list = { object: 'list', data: items, has_more: false }
    response.end(JSON.stringify(!isRight ? {} : isList ? list : isOne ? bigSubscription() : {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.defer(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const itemOfBig = (index: number) => ({
  id: `si_big${String(index).padStart(2, '0')}`,
  object: 'subscription_item',
  quantity: 1,
  price: {
    id: `price_big${index}`,
    object: 'price',
    created: 1_772_323_200,
    active: true,
    currency: 'usd',
    unit_amount: 100,
    unit_amount_decimal: '100',
    billing_scheme: 'per_unit',
    product: 'prod_big',
    recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
  },
  current_period_start: 1_772_323_200,
  current_period_end: 1_775_001_600,
  discounts: [],
})

/** As events and the API show it: ten of its items. */
const bigSubscription = () => ({
  id: 'sub_big',
  object: 'subscription',
  livemode: true,
  customer: 'cus_big',
  status: 'active',
  created: 1_772_323_200,
  start_date: 1_772_323_200,
  cancel_at_period_end: false,
  collection_method: 'charge_automatically',
  latest_invoice: null,
  currency: 'usd',
  metadata: {},
  discounts: [],
  items: { object: 'list', has_more: true, data: Array.from({ length: 10 }, (_, index) => itemOfBig(index)) },
})

async function post(event: object, source = 'tenant/stripe'): Promise<void> {
  const body = JSON.stringify(event)
  const t = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')
  const response = await fetch(receiverUrl(source), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${t},v1=${signature}` },
    body,
  })
  if (!response.ok) throw new Error(`the receiver answered ${response.status} ${await response.text()}`)
}

/** Waits until the ledger has what each event says: rows move until then. */
async function recorded(events: readonly object[]): Promise<void> {
  const ids = events.map(event => ('id' in event ? event.id : undefined))
  const missing = async (): Promise<unknown[]> => {
    const { rows } = await postgres.query(
      'select distinct event_id from ledger_facts where event_id = any($1)',
      [ids],
    )
    const found = new Set(rows.map(({ event_id }) => event_id))
    return ids.filter(id => !found.has(id))
  }
  await until(async () => (await missing()).length === 0, {
    what: 'facts of all events',
    deadlineMs: 60_000,
  })
}

test('a life in a jumbled order with repeats is a paid subscription, told as it stands, and the same after a rebuild', async () => {
  const { items } = await api('GET', ofTenant('/destinations'))
  const [{ id: destinationId }] = items
  await api(
    'PUT',
    ofTenant('/notifications'),
    { destinationId, types: ['subscription.activated', 'subscription.created', 'invoice.paid'] },
    { 'if-match': '*' },
  )
  const events = billingEvents('tenant')
  const jumbled = [...events.toReversed(), ...events.filter((_, index) => index % 2 === 0)]
  await Promise.all(jumbled.map(event => post(event)))
  await recorded(events)
  const subscription = await until(
    async () => {
      const found = await api('GET', ofTenant('/billing/subscriptions?status=active'))
      return found.items[0]
    },
    { what: 'an active subscription', deadlineMs: 60_000 },
  )
  expect(subscription).toMatchObject({
    id: 'sub_tenant',
    customer: 'cus_tenant',
    status: 'active',
    known: true,
  })
  const invoice = await until(
    async () => {
      const found = await api('GET', ofTenant('/billing/invoices/in_tenant'))
      return found.status === 'paid' && found
    },
    { what: 'the paid invoice', deadlineMs: 60_000 },
  )
  expect(invoice).toMatchObject({
    amountPaid: { amount: 1999, currency: 'USD', exponent: 2 },
    lines: [{ plan: 'price_s_tenant', amount: { amount: 1999 } }],
  })
  const told = await until(
    () => {
      const types = sink.received.map(({ body }) => JSON.parse(body.toString()).type as string)
      return types.includes('subscription.activated') && types.includes('invoice.paid') && types
    },
    { what: 'what is told', deadlineMs: 60_000 },
  )
  expect(told.filter(type => type === 'subscription.activated')).toHaveLength(1)
  const before = await api('GET', ofTenant('/billing/subscriptions/sub_tenant'))
  const { id: rebuildId } = await api('POST', ofTenant('/billing/rebuild'))
  const rebuilt = await until(
    async () => {
      const found = await api('GET', ofTenant(`/billing/rebuilds/${rebuildId}`))
      return found.endedAt !== null && found
    },
    { what: 'the end of the rebuild', deadlineMs: 60_000 },
  )
  expect(rebuilt.state).toBe('completed')
  expect(rebuilt.objects).toBeGreaterThan(3)
  expect(await api('GET', ofTenant('/billing/subscriptions/sub_tenant'))).toEqual(before)
}, 240_000)

test('a key of the organization reads its own paths, a test key sees no live row, and access is one call', async () => {
  const make = async (mode: 'live' | 'test') =>
    (
      await api('POST', ofTenant('/api-keys'), {
        name: `billing ${mode}`,
        role: 'viewer',
        mode,
        scopes: ['billing:read'],
      })
    ).key
  const platformKey = key
  const [live, trial] = [await make('live'), await make('test')]
  try {
    key = live
    expect((await api('GET', '/api/v1/customers')).items).toMatchObject([
      { id: 'cus_tenant', email: 'tenant@customer.example' },
    ])
    expect(await api('GET', '/api/v1/customers/cus_tenant/access')).toMatchObject({
      grants: [{ subscription: 'sub_tenant', plan: 'price_s_tenant' }],
    })
    const { days } = await api('GET', '/api/v1/analytics?after=2026-02-01&before=2026-04-01')
    expect(days).toMatchObject([{ day: '2026-03-01', mrr: { new: { amount: 1999 }, end: { amount: 1999 } } }])
    key = trial
    expect((await api('GET', '/api/v1/customers')).items).toEqual([])
    expect((await api('GET', '/api/v1/subscriptions')).items).toEqual([])
    await expect(api('GET', '/api/v1/customers/cus_tenant')).rejects.toThrow('404')
    await expect(api('GET', ofTenant('/events'))).rejects.toThrow('403')
  } finally {
    key = platformKey
  }
  await expect(api('GET', '/api/v1/customers')).rejects.toThrow('403')
})

test('rows are exported as CSV and NDJSON that end with a trailer', async () => {
  const read = async (format: string) => {
    const url = `${apiUrl}${ofTenant(`/billing/invoices/export?format=${format}`)}`
    return await (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).text()
  }
  const csv = (await read('csv')).trim().split('\r\n')
  expect(csv.length).toBe(3)
  expect(csv[1]).toContain('in_tenant')
  expect(csv[2]).toBe('#end')
  const lines = (await read('ndjson')).trim().split('\n')
  expect(JSON.parse(lines.at(-1)!)).toEqual({ trailer: { rows: 1, next: null } })
}, 180_000)

test('revenue of test data is added to the live revenue of whoever sees both', async () => {
  const days = async (mode: string) =>
    (await api('GET', ofTenant(`/billing/analytics/days?after=2026-02-01&before=2026-04-01${mode}`))).days
  const live = await days('&mode=live')
  await Promise.all(billingEvents('trial').map(event => post({ ...event, livemode: false })))
  await until(async () => (await days('&mode=test')).length > 0, { what: 'test data', deadlineMs: 60_000 })
  await recorded(billingEvents('trial'))
  expect(await days('')).toEqual(live)
})

test('a price of one chosen id in two accounts of one organization is two prices', async () => {
  const created = 1_772_323_200
  const priceOf = (amount: number, id: string) => ({
    id,
    object: 'event',
    type: 'price.created',
    created,
    livemode: true,
    api_version: '2026-08-26.dahlia',
    data: {
      object: {
        id: 'gold',
        object: 'price',
        created,
        active: true,
        currency: 'usd',
        unit_amount: amount,
        unit_amount_decimal: String(amount),
        billing_scheme: 'per_unit',
        product: 'prod_gold',
        recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
      },
    },
  })
  await post(priceOf(1_000, 'evt_east'), 'twins/east')
  await post(priceOf(2_000, 'evt_west'), 'twins/west')
  const plans = await until(
    async () => {
      const { items } = await api('GET', '/api/v1/organizations/twins/billing/plans?q=gold')
      return items.length === 2 && items
    },
    { what: 'both prices', deadlineMs: 60_000 },
  )
  expect(
    Object.fromEntries(plans.map(({ account, unitAmount }: Json) => [account, Number(unitAmount)])),
  ).toEqual({ acct_east: 1_000, acct_west: 2_000 })
})

test('a key of the organization follows its outgoing endpoints and what was delivered to them', async () => {
  const platformKey = key
  const { key: own } = await api('POST', ofTenant('/api-keys'), {
    name: 'webhooks',
    role: 'viewer',
    mode: 'live',
  })
  key = own
  try {
    expect((await api('GET', '/api/v1/webhooks')).items).toMatchObject([{ name: 'app', state: 'healthy' }])
    expect(await api('GET', '/api/v1/webhooks/app')).toMatchObject({ name: 'app', lane: 'well' })
    const { items } = await until(
      async () => {
        const found = await api('GET', '/api/v1/webhooks/app/deliveries')
        return found.items.length > 0 && found
      },
      { what: 'deliveries in the log', deadlineMs: 60_000 },
    )
    expect(items[0]).toMatchObject({ destination: 'app', outcome: 'delivered', source: '_ledger' })
    await expect(api('GET', '/api/v1/webhooks/none/deliveries')).rejects.toThrow('404')
  } finally {
    key = platformKey
  }
})

test('figures of one currency become those of another by the table of rates alone', async () => {
  const churn = (more: string) =>
    api('GET', ofTenant(`/billing/analytics/churn?after=2026-03-01&before=2026-04-01${more}`))
  await expect(churn('&convert=EUR')).rejects.toThrow(/409.*rate_missing.*USD to EUR on 2026-03-01/s)
  const rates = { USD: [{ currency: 'EUR', day: '2026-01-01', rate: '0.5' }] }
  await api('PUT', ofTenant('/billing/rates'), { rates }, { 'if-match': '*' })
  expect(await api('GET', ofTenant('/billing/rates'))).toMatchObject({ rates })
  const { periods } = await churn('&convert=EUR')
  expect(periods).toMatchObject([
    {
      period: '2026-03',
      currency: 'EUR',
      mrr: { start: { amount: 0 }, new: { amount: 1_000 }, fx: { amount: 0 }, end: { amount: 1_000 } },
      subscribers: { start: 0, end: 1 },
      customerChurn: { standard: null, left: 0 },
      revenueChurn: { gross: null, net: null },
    },
  ])
  expect((await churn('')).periods).toMatchObject([{ currency: 'USD', mrr: { end: { amount: 1_999 } } }])
}, 180_000)

/** The command line, as a member of the tenant runs it. */
async function fairlead(...args: string[]): Promise<string> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../../cli/main.ts'), 'billing', ...args],
    {
      env: {
        PATH: process.env.PATH ?? '',
        NO_COLOR: '1',
        FAIRLEAD_API_URL: apiUrl,
        FAIRLEAD_API_KEY: key,
        FAIRLEAD_ORGANIZATION: 'tenant',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ])
  if (code !== 0) throw new Error(`fairlead billing ${args.join(' ')}: ${stderr}`)
  return stdout
}

test('fairlead billing shows rows, their facts, access and figures', async () => {
  const march = ['--after', '2026-03-01', '--before', '2026-04-01']
  expect(await fairlead('subscriptions', '--mode', 'live')).toMatch(/sub_tenant +active +cus_tenant/)
  expect(await fairlead('invoices', 'in_tenant')).toMatch(
    /in_tenant .*paid .*19\.99 USD.*invoice\.finalized/s,
  )
  expect(await fairlead('subscriptions', 'sub_tenant', '--facts')).toContain('customer.subscription.created')
  expect(await fairlead('access', 'cus_tenant')).toMatch(/SUBSCRIPTION.*sub_tenant +price_\w+/s)
  expect(await fairlead('analytics', 'arpu', ...march)).toMatch(/2026-03 +USD +19\.99 USD/)
  expect(JSON.parse(await fairlead('analytics', 'days', '--json', ...march)).days).toMatchObject([
    { day: '2026-03-01', mrr: { end: { amount: 1999 } } },
  ])
})

test('fairlead billing reads quarantined events again, which come back where they still cannot be read, and rebuilds', async () => {
  const [event] = billingEvents('odd')
  await post({ ...event, id: 'evt_odd', type: 'brand_new.thing' })
  const inQuarantine = async () => {
    const { items } = await api('GET', ofTenant('/billing/quarantine'))
    return items.find(({ type }: Json) => type === 'brand_new.thing')
  }
  const first = await until(inQuarantine, { what: 'the event in quarantine', deadlineMs: 60_000 })
  expect(first).toMatchObject({ reason: 'unknown_type', source: 'stripe' })
  expect(await fairlead('quarantine')).toContain('brand_new.thing')
  // The log of deliveries is written a moment after the delivery.
  await until(async () => JSON.parse(await fairlead('quarantine', 'retry', '--json')).retried === 1, {
    what: 'the event to be handed over',
    deadlineMs: 60_000,
  })
  await until(async () => ((await inQuarantine())?.seenAt ?? '') > first.seenAt, {
    what: 'the event to come back',
    deadlineMs: 60_000,
  })
  expect(JSON.parse(await fairlead('rebuild', '--json'))).toMatchObject({ state: 'completed', fault: null })
}, 240_000)

test('a subscription whose event holds ten of its 14 items is whole by the key that the tenant declared, and says what was fetched', async () => {
  await post({
    id: 'evt_big',
    object: 'event',
    type: 'customer.subscription.created',
    created: 1_772_323_200,
    livemode: true,
    api_version: '2026-08-26.dahlia',
    data: { object: bigSubscription() },
  })
  const subscription = await until(
    async () => {
      const found = await api('GET', ofTenant('/billing/subscriptions/sub_big')).catch(() => undefined)
      return found?.complete && found
    },
    { what: 'the whole subscription', deadlineMs: 60_000 },
  )
  expect(subscription.items).toHaveLength(14)
  const { items } = await api('GET', ofTenant('/billing/subscriptions/sub_big/facts'))
  expect(items.filter(({ type }: Json) => type === 'fairlead.snapshot')).toMatchObject([
    { providerEventId: expect.stringMatching(/^fl_/), complete: true, source: 'stripe' },
  ])
})

test("a connected account's events reach its organization's ledger and no other one, those from before the connection too", async () => {
  const account = 'acct_connected'
  const events = billingEvents('connected').map(event => ({ ...event, account }))
  const [first, ...later] = events
  await post(first!, 'platform/connect')
  const held = async () =>
    (await postgres.query('select from held_connect_events where account = $1', [account])).rowCount
  await until(async () => (await held()) === 1, { what: 'the event to be held', deadlineMs: 60_000 })
  const by = { case: 'slug', value: 'connected' } as const
  const { organization } = await store.organizations.getOrganization({ by })
  // What the callback of Stripe's OAuth does: stripe-connect.test.ts has that way.
  await store.stripeConnect.connectAccount({
    organizationId: organization!.id,
    account,
    scope: 'read_only',
    livemode: true,
  })
  await Promise.all(later.map(event => post(event, 'platform/connect')))
  await recorded(events)
  expect(
    await api('GET', '/api/v1/organizations/connected/billing/subscriptions/sub_connected'),
  ).toMatchObject({
    account,
    status: 'active',
    customer: 'cus_connected',
  })
  const { rows } = await postgres.query(
    `select distinct o.slug, f.account, f.source from ledger_facts f join organizations o on o.id = f.organization_id
     where f.event_id = any($1)`,
    [events.map(event => ('id' in event ? event.id : undefined))],
  )
  expect(rows).toEqual([{ slug: 'connected', account, source: '_stripe' }])
})
