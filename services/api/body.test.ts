import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson, readJsonBody, repeatedName } from './body.ts'

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":{"b":1,"c":[{"d":1,"d":1}]}}', 'a.c.d'],
  [String.raw`{"a":1,"\u0061":2}`, 'a'],
  ['{"a":"a","b":"a"}', undefined],
  ['[{"a":1},{"a":1}]', undefined],
  [String.raw`{"a":"\",\"a\":","b":["a","a"]}`, undefined],
  ['{"":1,"":2}', ''],
])('the name that stands twice in %s', (text, name) => {
  expect(repeatedName(text)).toBe(name)
})

test('JSON as programs write it has no name twice', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(repeatedName(text)).toBeUndefined()
    }),
  )
})

test('64 KiB of nesting or of backslashes take no time that is felt', () => {
  for (const text of ['['.repeat(32_000) + ']'.repeat(32_000), `"${'\\\\'.repeat(32_000)}"`]) {
    const start = process.cpuUsage()
    repeatedName(text)
    // A quadratic reading takes minutes.
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(5_000)
  }
})

test.each([
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ['half of JSON', Buffer.from('{')],
])('%s are refused', (_name, bytes) => {
  expect(() => parseJson(bytes)).toThrow(expect.objectContaining({ code: 'body_unreadable' }))
})

test.each<[string, string]>([
  ['with all of its body unread', '{"name":"a"}'],
  ['with half of its body', '{"name":'],
  ['with nothing of its body', ''],
])('a client that left %s asked for something else than nothing: it is refused', async (_what, sent) => {
  const refused = Promise.withResolvers<unknown>()
  const app = express()
  // Whoever looks up the caller takes so long.
  app.use((request, _response, next) => {
    request.once('error', () => {}).once('close', () => next())
  })
  app.post('/', ...readJsonBody(), () => refused.reject(new Error('it was carried out, without its body')))
  app.use(((error, _request, _response, _next) => refused.resolve(error)) satisfies ErrorRequestHandler)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using _server = { [Symbol.asyncDispose]: async () => void server.close() }
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n${sent}`,
  )
  await once(server, 'request')
  socket.resetAndDestroy()
  expect(await refused.promise).toMatchObject({ code: 'body_unreadable' })
})
