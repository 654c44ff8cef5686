import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await openTestApi()
  await anOrganization(api.store, 'acme')
})
afterAll(async () => await api?.[Symbol.asyncDispose]())

test.each<[string, string, number, string]>([
  ['chunked alone', 'HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked', 201, '"key":"sk_live_fl_'],
  [
    'a compression below the chunks',
    'HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked',
    501,
    '"code":"transfer_coding_unknown"',
  ],
  ['chunks in chunks', 'HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked', 400, ''],
  ['a coding in HTTP/1.0', 'HTTP/1.0\r\nTransfer-Encoding: chunked', 400, '"code":"malformed"'],
  [
    'two Host fields',
    'HTTP/1.1\r\nHost: a\r\nHost: b\r\nTransfer-Encoding: chunked',
    400,
    '"code":"malformed"',
  ],
])('a body that could be read in two ways is refused: %s', async (_name, head, status, part) => {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  const body = '{"name":"framed"}'
  socket.write(
    `POST /api/v1/organizations/acme/api-keys ${head}\r\nConnection: close\r\nAuthorization: Bearer ${api.platformKey}\r\nContent-Type: application/json\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  )
  const answer = await text(socket)
  expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
  expect(answer).toContain(part)
})
