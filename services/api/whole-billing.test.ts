import { createHmac } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { type Sink, startSink } from '@fairlead/testbed/sink'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { billingEvents } from './fixtures/billing-events.ts'

/*
 * Billing events the whole way: signed requests of Stripe to the receiver, through worker and store into rows, told to the tenant's
 * destination, and read by the API.
 */

const secret = 'test-only-stripe-of-tenant'
const organization = (sinkUrl: string) => `
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: tenant }
spec:
  ledger: { enabled: true }
  sources: [{ name: stripe, provider: stripe, secrets: [{ secretRef: { name: webhooks, key: stripe } }] }]
  destinations: [{ name: app, url: "${sinkUrl}/app", allowInsecureHttp: true }]
---
apiVersion: v1
kind: Secret
metadata: { name: webhooks }
stringData: { stripe: ${secret} }
`

const opened = new AsyncDisposableStack()
let sink: Sink
let receiverUrl: string
let apiUrl: string
let key: string

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
  const settings = { ...(await freeSettings(home)), organizations, postgresUrl }
  await opened.use(startStandalone(settings)).ready()
  receiverUrl = `http://127.0.0.1:${settings.receiverPort}/webhooks/tenant/stripe`
  apiUrl = `http://127.0.0.1:${settings.apiPort}`
  key = (await readFile(join(home, 'admin-key'), 'utf8')).trim()
}, 240_000)
afterAll(() => opened.disposeAsync(), 60_000)

async function post(event: object): Promise<void> {
  const body = JSON.stringify(event)
  const t = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')
  const response = await fetch(receiverUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${t},v1=${signature}` },
    body,
  })
  if (!response.ok) throw new Error(`the receiver answered ${response.status} ${await response.text()}`)
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
  await Promise.all(jumbled.map(post))
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
  expect((await api('POST', ofTenant('/billing/rebuild'))).objects).toBeGreaterThan(3)
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
}, 120_000)

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
}, 60_000)

test('revenue of test data is added to the live revenue of whoever sees both', async () => {
  const days = async (mode: string) =>
    (await api('GET', ofTenant(`/billing/analytics/days?after=2026-02-01&before=2026-04-01${mode}`))).days
  const live = await days('&mode=live')
  await Promise.all(billingEvents('trial').map(event => post({ ...event, livemode: false })))
  await until(async () => (await days('&mode=test')).length > 0, { what: 'test data', deadlineMs: 60_000 })
  expect(await days('')).toEqual(live)
}, 120_000)
