import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const path = '/api/v1/organizations/acme/simulator/send'
const seen: { url: string; headers: IncomingHttpHeaders; body: string }[] = []
const receiver = createServer(async (request, response) => {
  const body = Buffer.concat(await Array.fromAsync(request)).toString()
  seen.push({ url: request.url!, headers: request.headers, body })
  response
    .writeHead(202, { 'content-type': 'application/json', 'x-request-id': 'req_1' })
    .end('{"id":"evt_1"}')
})
let api: TestApi

beforeAll(async () => {
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  api = await openTestApi({ FAIRLEAD_SIMULATOR_RECEIVER_URL: `http://127.0.0.1:${port}` })
  await anOrganization(api.store, 'acme')
  const made = await api.call('POST', '/api/v1/organizations/acme/sources', {
    body: {
      name: 'simulator-github',
      provider: 'github',
      secrets: [{ id: 'key', value: 'test-only-secret' }],
    },
  })
  expect(made.status).toBe(201)
})
afterAll(async () => {
  await api?.[Symbol.asyncDispose]()
  await new Promise(resolve => receiver.close(resolve))
})

const sent = { source: 'simulator-github', headers: { 'x-github-event': 'push' }, body: '{"a":1}' }

test('the receiver gets the very bytes and headers, and its answer comes back whatever it is', async () => {
  const answer = await api.call('POST', path, { body: sent })
  expect(answer).toMatchObject({ status: 200, body: { status: 202, body: '{"id":"evt_1"}' } })
  expect(seen.at(-1)).toMatchObject({
    url: '/webhooks/acme/simulator-github',
    headers: { 'x-github-event': 'push' },
    body: '{"a":1}',
  })
  // The caller's credential stays here.
  expect(seen.at(-1)!.headers.authorization).toBeUndefined()
})

test.each([
  ['a source that was not made for it', { ...sent, source: 'github' }, 400],
  ['a path of another place', { ...sent, source: 'simulator-../../admin' }, 400],
  ['a demo source that is not there', { ...sent, source: 'simulator-stripe' }, 404],
  ['a header that belongs to the connection', { ...sent, headers: { 'transfer-encoding': 'chunked' } }, 400],
  ['a header that says who calls', { ...sent, headers: { 'x-forwarded-for': '10.0.0.1' } }, 400],
  ['a header with a line break', { ...sent, headers: { 'x-a': 'b\r\nx-c: d' } }, 400],
])('nothing is sent to, or with, %s', async (_, body, status) => {
  const before = seen.length
  expect((await api.call('POST', path, { body })).status).toBe(status)
  expect(seen.length).toBe(before)
})

test('a platform without a simulator has none', async () => {
  await using other = await openTestApi({}, api.store)
  expect((await other.call('POST', path, { body: sent })).status).toBe(404)
})
