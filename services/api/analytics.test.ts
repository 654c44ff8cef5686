import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { csvCell } from './export-events.ts'
import { openPublishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const path = '/api/v1/organizations/acme'
let api: TestApi
let nats: NatsConnection
/** 23:30 of some day in Kathmandu (UTC+5:45). */
const evening = new Date(
  `${new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10)}T17:45:00Z`,
).getTime()

beforeAll(async () => {
  api = await openTestApi()
  const acme = await anOrganization(api.store, 'acme')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  const publish = await openPublishing(nats, api.store.client, acme.id)
  const facts = [
    { name: 'a', type: 'invoice.paid', receivedAt: evening, durationMs: 60 },
    { name: 'b', type: '=cmd()', receivedAt: evening + 3_600_000, durationMs: 60 },
    { name: 'c', type: 'invoice.paid', receivedAt: evening + 3_600_000, durationMs: 900 },
  ]
  for (const { name, durationMs, ...rest } of facts) {
    await publish.event(name, { ...rest, body: '12345' })
    await publish.attempt(name, 'billing', { at: rest.receivedAt, durationMs })
    await publish.attempt(name, 'builds', {
      at: rest.receivedAt,
      outcome: 'gone',
      status: 410,
      settlement: { kind: 'dead', reason: 'gone' },
    })
  }
  const counted = async (by: string, of: string): Promise<number> => {
    const { body } = await api.call('GET', `${path}/analytics?by=${by}&after=-5d&interval=day`)
    return body.groups.reduce((sum: number, group: Json) => sum + group.total[of], 0)
  }
  // Events and attempts are read from streams of their own, and what died from a third.
  await until(
    async () =>
      (await counted('source', 'events')) === 3 &&
      (await counted('source', 'attempts')) === 6 &&
      (await counted('destination', 'attempts')) === 6 &&
      (await counted('destination', 'dead')) === 3,
    { what: 'all events and attempts in the counts' },
  )
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

// biome-ignore lint/suspicious/noExplicitAny: tests read answers, which were checked
type Json = any

test('counts by source, type and destination say what was accepted, delivered and how fast', async () => {
  const of = async (by: string) =>
    (await api.call('GET', `${path}/analytics?by=${by}&after=-5d&interval=day`)).body.groups
  expect(await of('source')).toMatchObject([
    {
      value: 'stripe',
      total: { events: 3, bytes: 15, attempts: 6, delivered: 3, dead: 3, successRate: 0.5 },
    },
  ])
  const types = await of('type')
  expect(types.map(({ value, total }: Json) => [value, total.events])).toEqual([
    ['invoice.paid', 2],
    ['=cmd()', 1],
  ])
  const destinations = new Map((await of('destination')).map((group: Json) => [group.name, group.total]))
  expect(destinations.get('billing')).toMatchObject({ attempts: 3, failed: 0, successRate: 1 })
  expect((destinations.get('billing') as Json).latencyMs.p50).toBeGreaterThan(50)
  expect((destinations.get('billing') as Json).latencyMs.p99).toBeGreaterThan(700)
  expect(destinations.get('builds')).toMatchObject({ delivered: 0, dead: 3, latencyMs: null })
})

test('days begin as they do in the time zone that is asked for', async () => {
  const days = async (timeZone: string) => {
    const query = `by=source&after=-5d&interval=day&timeZone=${encodeURIComponent(timeZone)}`
    const { body } = await api.call('GET', `${path}/analytics?${query}`)
    return body.groups[0].intervals.map(({ counts }: Json) => counts.events)
  }
  expect(await days('UTC')).toEqual([3])
  expect(await days('Asia/Kathmandu')).toEqual([1, 2])
  const wrong = await api.call('GET', `${path}/analytics?timeZone=Mars/Olympus`)
  expect([wrong.status, wrong.body.code]).toEqual([400, 'request_invalid'])
  const many = await api.call('GET', `${path}/analytics?interval=15m&after=-30d`)
  expect(many.status).toBe(400)
})

test('usage tells the accepted events of the month', async () => {
  const { body } = await api.call('GET', `${path}/usage`)
  expect(body.months.reduce((sum: number, { accepted }: Json) => sum + accepted, 0)).toBe(3)
})

test('an export has every event that fits once, says that it is whole, and no formula', async () => {
  const get = async (query: string) => {
    const response = await fetch(`${api.url}${path}/events/export?${query}`, {
      headers: { authorization: `Bearer ${api.platformKey}` },
    })
    return { type: response.headers.get('content-type'), text: await response.text() }
  }
  const ndjson = await get('type=invoice.*')
  const lines = ndjson.text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(ndjson.type).toBe('application/x-ndjson')
  expect(lines.map(line => line.type ?? line.trailer)).toEqual([
    'invoice.paid',
    'invoice.paid',
    { events: 2, next: null },
  ])
  const csv = await get('format=csv')
  expect(csv.text.split('\r\n')).toHaveLength(6)
  expect(csv.text).toContain(`,"'=cmd()",`)
  expect(csv.text.endsWith('#end\r\n')).toBe(true)
})

test.each([
  ['=1+1', `"'=1+1"`],
  ['+1', `"'+1"`],
  ['-1', '-1'],
  ['-1+1', `"'-1+1"`],
  ['@a', `"'@a"`],
  ['a "quoted", cell', '"a ""quoted"", cell"'],
  ['plain', 'plain'],
])('a cell %s is written as %s', (text, cell) => {
  expect(csvCell(text)).toBe(cell)
})
