import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curlOf } from './curl.ts'
import { bytesOf, type Received } from './received.ts'

const seen: { headers: Record<string, unknown>; body: Buffer; method: string; url: string }[] = []
const server = createServer(async (request, response) => {
  const body = Buffer.concat(await Array.fromAsync(request))
  seen.push({ headers: request.headers, body, method: request.method!, url: request.url! })
  response.end()
})
beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise(resolve => server.close(resolve)))

const request = (more: Partial<Received>): Received => ({
  method: 'POST',
  url: '/webhooks/acme/github?a=1&b=%20',
  headers: { 'content-type': 'application/json', 'x-signature': "it's" },
  body: '{"a":1}',
  bodyEncoding: 'utf-8',
  sizeBytes: 7,
  ...more,
})

test.each<[string, Partial<Received>]>([
  ['a quote ends the argument', { body: `{"a":"it's $HOME \`id\` \\n"}` }],
  ['line breaks are stripped', { body: 'a\r\nb\n\n' }],
  ['a body that begins with @ is taken for a file', { body: '@/etc/hostname' }],
  ['a NUL ends the argument', { body: 'a\0b' }],
  ['bytes that are no text are changed', { body: 'AP/+gA==', bodyEncoding: 'base64' }],
  ['a header without a value goes', { headers: { 'x-empty': '', 'content-type': 'text/plain' } }],
  ['a request without a body gets one', { body: '', method: 'DELETE', headers: {} }],
])('the command sends other bytes because %s', async (_, more) => {
  const sent = request(more)
  const { port } = server.address() as AddressInfo
  await promisify(execFile)('sh', ['-c', curlOf(sent, `http://127.0.0.1:${port}${sent.url}`)])
  const got = seen.at(-1)!
  expect(got.body).toEqual(Buffer.from(bytesOf(sent)))
  expect(got).toMatchObject({ method: sent.method, url: sent.url, headers: sent.headers })
})

test('a header that was not kept is named, and not sent', () => {
  const text = curlOf(request({ headers: { authorization: '[redacted]' } }), 'http://127.0.0.1/')
  expect(text).toMatch(/^# Not kept, so left out: authorization\n/)
  expect(text).not.toContain('[redacted]')
})
