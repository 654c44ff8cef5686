import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { type Sink, startSink } from '@fairlead/testbed/sink'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** What a webhook looks like in the API after it has gone the whole way, and what a retry really does. */

const secret = 'test-only-github-of-tenant'
const organization = (sinkUrl: string) => `
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: tenant }
spec:
  sources: [{ name: github, provider: github, secrets: [{ secretRef: { name: webhooks, key: github } }] }]
  destinations:
    - { name: one, url: "${sinkUrl}/one", allowInsecureHttp: true, retry: { preset: none } }
    - { name: two, url: "${sinkUrl}/two", allowInsecureHttp: true, retry: { preset: none } }
  routes: [{ source: github, destinations: [one, two] }]
---
apiVersion: v1
kind: Secret
metadata: { name: webhooks }
stringData: { github: ${secret} }
`

const opened = new AsyncDisposableStack()
let sink: Sink
let receiverUrl: string
let apiUrl: string
let key: string

beforeAll(async () => {
  sink = opened.use(await startSink())
  const home = opened.use(await scratchFolder()).path
  const organizations = opened.use(await scratchFolder()).path
  await writeFile(join(organizations, 'tenant.yaml'), organization(sink.url))
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  const settings = { ...(await freeSettings(home)), organizations, postgresUrl }
  await opened.use(startStandalone(settings)).ready()
  receiverUrl = `http://127.0.0.1:${settings.receiverPort}/webhooks/tenant/github`
  apiUrl = `http://127.0.0.1:${settings.apiPort}/api/v1/organizations/tenant`
  key = (await readFile(join(home, 'admin-key'), 'utf8')).trim()
})
afterAll(() => opened.disposeAsync())

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
type Json = any

async function api(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Json> {
  const response = await fetch(apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return await response.json()
}

async function post(body?: Uint8Array): Promise<string> {
  const sample = sampleRequest('github', { secret, nowMs: 0, random: Math.random, ...(body && { body }) })
  const response = await fetch(receiverUrl, {
    method: 'POST',
    headers: sample.headers as Record<string, string>,
    body: new Uint8Array(sample.body),
  })
  return ((await response.json()) as { id: string }).id
}

const settled = (id: string, deliveries = 2) =>
  until(
    async () => {
      const event = await api('GET', `/events/${id}`)
      return /success|failed/.test(event.status) && event.deliveries.length === deliveries && event
    },
    { what: 'a settled event' },
  )
const receivedBy = (path: string, id: string) =>
  sink.received.filter(({ url, headers }) => url === path && headers['fairlead-event-id'] === id).length

test('an event shows its bytes, headers and what became of it', async () => {
  const text = '{"ref":"refs/heads/main","n":1.0}'
  const event = await settled(await post(Buffer.from(text)))
  expect(event).toMatchObject({
    source: 'github',
    type: 'push',
    status: 'success',
    method: 'POST',
    url: '/webhooks/tenant/github',
    secret: 'webhooks/github',
    body: text,
    bodyEncoding: 'utf-8',
    bodyExpired: false,
    headers: { 'x-github-event': 'push', 'x-hub-signature-256': expect.stringMatching(/^sha256=/) },
    deliveries: [
      {
        destination: 'one',
        state: 'delivered',
        attempts: [{ number: 1, outcome: 'delivered', status: 200 }],
      },
      {
        destination: 'two',
        state: 'delivered',
        attempts: [{ number: 1, outcome: 'delivered', status: 200 }],
      },
    ],
  })
})

test('an attempt shows what was sent and answered', async () => {
  const id = await post()
  await settled(id)
  const { items } = await api('GET', `/attempts?event=${id}`)
  expect(items.map(({ destination }: Json) => destination).sort()).toEqual(['one', 'two'])
  expect(items[0]).toMatchObject({ eventId: id, source: 'github', type: 'push', number: 1, status: 200 })
  const attempt = await api('GET', `/attempts/${items[0].id}`)
  expect(attempt.exchange).toMatchObject({
    address: new URL(sink.url).host,
    phasesMs: { wait: expect.any(Number) },
    request: {
      line: `POST /${items[0].destination} HTTP/1.1`,
      headers: {
        'fairlead-event-id': id,
        'x-github-event': 'push',
        'webhook-signature': expect.stringMatching(/^v1,/),
      },
    },
    response: { line: expect.stringMatching(/^HTTP\/1\.1 200/) },
  })
  expect((await api('GET', `/attempts?event=${id}&result=failed`)).items).toEqual([])
  expect((await api('GET', `/attempts?event=${id}&after=-1h&outcome=delivered`)).items).toHaveLength(2)
})

test('bytes that are no text come as base64', async () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80])
  const event = await settled(await post(bytes))
  expect([event.bodyEncoding, event.body]).toEqual(['base64', bytes.toString('base64')])
})

test('a retry is delivered once, however often it is asked for with one key, and only where it was asked', async () => {
  const id = await post()
  await settled(id)
  const counts = () => [receivedBy('/one', id), receivedBy('/two', id)]
  expect(counts()).toEqual([1, 1])
  const ask = (idempotencyKey: string, body: unknown) =>
    api('POST', `/events/${id}/retry`, { 'idempotency-key': idempotencyKey }, body)
  const answers = await Promise.all([ask('a', { destination: 'two' }), ask('a', { destination: 'two' })])
  const first = answers.find(({ deliveries }) => deliveries)
  expect(first).toMatchObject({ deliveries: [{ destination: 'two', state: 'waiting' }] })
  // Whoever asks while the first request runs is told so.
  for (const { deliveries, code } of answers) {
    if (deliveries) expect(deliveries).toEqual(first!.deliveries)
    else expect(code).toBe('idempotency_in_progress')
  }
  await until(() => receivedBy('/two', id) === 2, { what: 'the retry' })
  const event = await until(
    async () => {
      const event = await api('GET', `/events/${id}`)
      return event.deliveries[1].attempts.length === 2 && event
    },
    { what: 'the second attempt in the log' },
  )
  expect(event.deliveries[1].attempts[1]).toMatchObject({
    number: 2,
    trigger: 'manual',
    outcome: 'delivered',
  })
  expect(await ask('a', { destination: 'two' })).toEqual(first)
  expect(await ask('a', { destination: 'one' })).toMatchObject({ code: 'idempotency_key_reused' })
  expect(counts()).toEqual([1, 2])
  const { items } = await api('GET', '/audit-log?action=event.retried')
  expect(items).toMatchObject([{ subjectId: id, details: { destinations: ['two'] } }])
})

test('a dead letter that is retried is delivered, and off the list', async () => {
  sink.answer(({ url }) => ({ status: url === '/one' ? 500 : 200 }))
  const id = await post()
  expect((await settled(id)).status).toBe('failed')
  const [letter] = (await api('GET', '/dead-letters')).items
  expect(letter).toMatchObject({ eventId: id, destination: 'one', reason: 'attempts_exhausted' })
  sink.answer({ status: 200 })
  expect(await api('POST', `/dead-letters/${letter.id}/retry`)).toMatchObject({
    destination: 'one',
    state: 'waiting',
  })
  await until(async () => (await api('GET', `/events/${id}`)).status === 'success', { what: 'delivery' })
  expect((await api('GET', '/dead-letters')).items).toEqual([])
  expect(receivedBy('/one', id)).toBe(2)
})

test('a destination that the API has made can be tested as soon as that is answered, and a test shows the whole exchange and counts nowhere', async () => {
  const url = `${sink.url}/tested`
  const credential = 'test-only-bearer-token'
  const made = await api(
    'POST',
    '/destinations',
    {},
    {
      name: 'tested',
      url,
      allowInsecureHttp: true,
      auth: [{ bearer: { token: credential } }],
      headers: [{ name: 'x-own', value: 'test-only-header' }],
    },
  )
  const events = (await api('GET', '/events')).items.length
  const tested = await api('POST', '/destinations/tested/test')
  expect(tested).toMatchObject({
    test: true,
    outcome: 'delivered',
    status: 200,
    exchange: {
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      phasesMs: { connect: expect.any(Number), wait: expect.any(Number) },
      request: {
        headers: {
          'fairlead-trigger': 'test',
          'webhook-id': tested.eventId,
          'x-own': '[redacted]',
          authorization: '[redacted]',
        },
      },
      response: { line: expect.stringContaining('200') },
    },
  })
  expect(JSON.stringify(tested)).not.toContain('test-only')
  const [got] = sink.received.filter(request => request.url === '/tested')
  expect([got!.headers.authorization, got!.headers['x-own'], got!.headers['fairlead-trigger']]).toEqual([
    `Bearer ${credential}`,
    'test-only-header',
    'test',
  ])
  expect(got!.headers['webhook-signature']).toMatch(/^v1,/)
  expect((await api('GET', '/events')).items.length).toBe(events)
  expect((await api('GET', '/attempts?destination=tested')).items).toEqual([])
  expect(await api('GET', '/destinations/tested')).toMatchObject({
    state: 'healthy',
    waiting: 0,
    dead: 0,
    etag: made.etag,
  })
  const { items } = await api('GET', '/audit-log')
  expect(items[0]).toMatchObject({
    action: 'destination.tested',
    details: { destination: 'tested', status: 200 },
  })
})

test('a test is guarded like every delivery, says why it failed, and is refused where there is no address', async () => {
  await api('POST', '/destinations', {}, { name: 'metadata', url: 'https://169.254.169.254/latest' })
  const blocked = await api('POST', '/destinations/metadata/test')
  expect(blocked).toMatchObject({ outcome: 'address_blocked', status: null })
  await api('POST', '/destinations', {}, { name: 'counted', processor: { name: 'tally' } })
  expect((await api('POST', '/destinations/counted/test')).code).toBe('conflict')
  expect((await api('POST', '/destinations/none/test')).code).toBe('not_found')
})

test('what happens to an organization is told to the destination that it named, signed and logged like any event', {
  timeout: 180_000,
}, async () => {
  const asked = { destinationId: 'one', types: ['issue.opened'] }
  expect(await api('PUT', '/notifications', { 'if-match': '*' }, asked)).toMatchObject({ destination: 'one' })
  const refused = await fetch(receiverUrl, {
    method: 'POST',
    headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'x-github-event': 'push' },
    body: '{}',
  })
  expect(refused.status).toBe(401)
  const notices = () => sink.received.filter(({ headers }) => headers['fairlead-source'] === '_fairlead')
  await until(() => notices().length > 0, { what: 'the notice', deadlineMs: 60_000 })
  const [notice] = notices()
  expect(notice!.url).toBe('/one')
  expect(notice!.headers['webhook-signature']).toMatch(/^v1,/)
  expect(JSON.parse(notice!.body.toString())).toMatchObject({
    type: 'issue.opened',
    organization: 'tenant',
    data: { kind: 'refusal', subject: 'github', cause: 'signature_mismatch' },
  })
  const event = await settled(notice!.headers['webhook-id'] as string, 1)
  expect(event).toMatchObject({ source: '_fairlead', type: 'issue.opened', status: 'success' })
})
