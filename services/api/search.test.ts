import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { MemberRole } from '@fairlead/wire/store/member'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing, type Publishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
let api: TestApi
let nats: NatsConnection
let publish: Publishing
let testKey: string
const ids: Record<string, string> = {}

// biome-ignore lint/suspicious/noExplicitAny: tests read answers, which were checked
type Json = any

const find = async (query: string, key?: string): Promise<Json> => {
  const { status, body } = await api.call('GET', `${base}/events?${query}`, key ? { key } : {})
  return status === 200 ? body.items.map(({ id }: Json) => id) : body
}

beforeAll(async () => {
  api = await openTestApi()
  const acme = await anOrganization(api.store, 'acme')
  testKey = await api.makeKey(acme, MemberRole.OWNER, 'test')
  const search = { pointers: ['/data/object/id', '/data/object/customer'], headers: ['x-request-id'] }
  const source = { name: 'shop', provider: 'github', secrets: [{ id: 'a', value: 'test-only' }], search }
  const made = await api.call('POST', `${base}/sources`, { body: source })
  expect(made.body.search).toEqual(search)
  const { search: _none, ...billing } = { ...source, name: 'billing' }
  expect((await api.call('POST', `${base}/sources`, { body: billing })).status).toBe(201)
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  publish = await openPublishing(nats, api.store.client, acme.id)
  for (let i = 0; i < 6; i++) {
    const object = {
      id: `in_${i}`,
      customer: i % 2 === 0 ? 'even' : 'odd',
      plan: i % 3 === 0 ? 'gold' : 'silver',
      amount: i * 100,
    }
    ids[i] = await publish.event(`event ${i}`, {
      source: 'shop',
      type: i === 0 ? 'made' : 'paid',
      body: JSON.stringify({ data: { object } }),
      receivedAt: Date.now() - 60_000 + i,
      ...(i === 4 && { mode: 'test' }),
    })
  }
  await until(async () => (await find('source=shop')).length === 6, { deadlineMs: 30_000 })
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

test('events are found by what their source declares, newest first, with other filters and page by page', async () => {
  expect(await find('value=/data/object/id=in_3')).toEqual([ids[3]])
  expect(await find('value=/data/object/customer=even')).toEqual([ids[4], ids[2], ids[0]])
  expect(await find('value=/data/object/customer=even&type=paid')).toEqual([ids[4], ids[2]])
  expect(await find('value=/data/object/customer=even&status=failed')).toEqual([])
  expect(await find('header=X-Request-Id=request of event 1')).toEqual([ids[1]])
  expect(await find('header=x-request-id=request of event 2&value=/data/object/customer=even')).toEqual([
    ids[2],
  ])
  expect(await find('header=x-request-id=request of event 2&value=/data/object/customer=odd')).toEqual([])
  const { body } = await api.call('GET', `${base}/events?value=/data/object/customer=even&limit=2`)
  expect(body.items.map(({ id }: Json) => id)).toEqual([ids[4], ids[2]])
  expect(await find(`value=/data/object/customer=even&limit=2&cursor=${body.next}`)).toEqual([ids[0]])
})

test('a part of a value finds nothing, and neither does the other mode', async () => {
  expect(await find('value=/data/object/id=in_')).toEqual([])
  expect(await find('value=/data/object/customer=even&mode=live')).toEqual([ids[2], ids[0]])
})

test('what no source declares is looked for in contents, with other filters and page by page', async () => {
  expect(await find('value=/data/object/plan=gold')).toEqual([ids[3], ids[0]])
  expect(await find('value=/data/object/plan=gold&type=paid')).toEqual([ids[3]])
  expect(await find('value=/data/object/plan=gold&value=/data/object/customer=odd')).toEqual([ids[3]])
  expect(await find('value=/data/object/plan=gold&value=/data/object/amount=300')).toEqual([ids[3]])
  expect(await find('value=/data/object/plan=gold&value=/data/object/plan=silver')).toEqual([])
  expect(await find('header=content-type=application/json&value=/data/object/id=in_1')).toEqual([ids[1]])
  expect(await find('value=/nowhere=x')).toEqual([])
  const { body } = await api.call('GET', `${base}/events?value=/data/object/plan=gold&limit=1`)
  expect([body.items.map(({ id }: Json) => id), body.searched]).toEqual([[ids[3]], null])
  expect(await find(`value=/data/object/plan=gold&limit=1&cursor=${body.next}`)).toEqual([ids[0]])
  // Live sources alone declare it, and a test key sees its own events.
  expect(await find('value=/data/object/id=in_4', testKey)).toEqual([ids[4]])
  expect(await find('value=/data/object/id=in_3', testKey)).toEqual([])
})

test('events of a source are not found by what another source alone declares', async () => {
  const billed = await publish.event('bill', {
    source: 'billing',
    type: 'billed',
    body: '{"data":{"object":{"id":"in_3"}}}',
    receivedAt: Date.now() - 30_000,
  })
  await until(async () => (await find('source=billing')).length === 1, { deadlineMs: 30_000 })
  expect(await find('source=billing&value=/data/object/id=in_3')).toEqual([billed])
  expect(await find('source=billing&header=x-request-id=request of bill')).toEqual([billed])
  expect(await find('source=billing&value=/data/object/id=in_1')).toEqual([])
  expect(await find('source=shop&value=/data/object/id=in_3')).toEqual([ids[3]])
  // Those of sources that declare it, as the parameter's description says.
  expect(await find('value=/data/object/id=in_3')).toEqual([ids[3]])
})

test('a header that holds a secret is guessed by searching', async () => {
  for (const name of ['authorization', 'X-Api-Key', 'cookie']) {
    const { code, errors } = await find(`header=${name}=guess`)
    expect([code, errors[0].message]).toEqual(['request_invalid', expect.stringContaining('holds a secret')])
  }
})

test('more than eight wishes of a kind, and other names that are given twice, are refused', async () => {
  const many = Array.from({ length: 9 }, (_, i) => `value=/a${i}=x`).join('&')
  expect((await find(many)).code).toBe('request_invalid')
  expect((await find('type=a&type=b')).errors[0].message).toContain('given twice')
})

test.each([
  [{ headers: ['authorization'] }, 'holds a secret'],
  [{ headers: ['X-Upper'] }, 'lower case'],
  [{ pointers: ['data.id'] }, 'JSON pointer'],
  // A search for it would be taken for one of `/a`.
  [{ pointers: ['/a=b'] }, 'without ='],
  [{ pointers: Array.from({ length: 9 }, (_, i) => `/${i}`) }, 'at most 8'],
])('a source that declares %j is refused', async (search, message) => {
  const source = { name: 'other', provider: 'github', secrets: [{ id: 'a', value: 'test-only' }], search }
  const { status, body } = await api.call('POST', `${base}/sources`, { body: source })
  expect([status, JSON.stringify(body.errors)]).toEqual([400, expect.stringContaining(message)])
})
