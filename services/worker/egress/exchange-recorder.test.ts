import { startSink } from '@fairlead/testbed/sink'
import type { Exchange } from '@fairlead/wire/exchange'
import { expect, test } from 'vitest'
import { aRequest, never, openTestSender } from './fixtures/sender.ts'
import type { OutgoingRequest } from './send.ts'

async function exchangeOf(
  answer: { status: number; headers?: Record<string, string>; body?: string },
  overrides: Partial<OutgoingRequest> = {},
  times = 1,
): Promise<Exchange> {
  await using sink = await startSink()
  await using sender = openTestSender()
  sink.answer(answer)
  let seen: Exchange | undefined
  for (let i = 0; i < times; i++) {
    const url = `${sink.url}/hooks?key=test-only-in-the-query`
    const exchanged = (exchange: Exchange) => {
      seen = exchange
    }
    await sender.send(aRequest({ url, exchanged, ...overrides }), never)
  }
  if (!seen) throw new Error('nothing was told of the exchange')
  return seen
}

test('an exchange tells address, phases, both heads and the beginning of the body', async () => {
  const exchange = await exchangeOf({ status: 500, headers: { 'x-why': 'full' }, body: 'disk\tfull\n\0' })
  expect(exchange).toMatchObject({
    address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    connectMs: expect.any(Number),
    waitMs: expect.any(Number),
    downloadMs: expect.any(Number),
    request: expect.stringMatching(
      /^POST \/hooks\?\[redacted\] HTTP\/1\.1\nhost: 127\.0\.0\.1:\d+\ncontent-type: application\/json\ncontent-length: 8\n$/,
    ),
    response: expect.stringMatching(/^HTTP\/1\.1 500 Internal Server Error\n(?:.*\n)*x-why: full\n/i),
    body: 'disk\tfull\n ',
  })
  expect(exchange.dnsMs).toBeUndefined()
  expect(exchange.cut).toBeUndefined()
})

test('a connection that is used again shows no phases of dialling', async () => {
  const exchange = await exchangeOf({ status: 200, body: 'ok' }, {}, 2)
  expect(exchange).toMatchObject({ reused: true, body: 'ok' })
  expect(exchange.connectMs).toBeUndefined()
})

test('no secret gets into an exchange, also where the destination sends it back', async () => {
  const headers = [
    ...['X-Shop', 'test-only-declared-1', 'Authorization', 'Bearer test-only-bearer-2'],
    ...['x-gitlab-token', 'test-only-token-3', 'webhook-signature', 'v1,c2lnbmF0dXJl'],
  ]
  const exchange = await exchangeOf(
    {
      status: 400,
      headers: { 'set-cookie': 'a=test-only-cookie-4', 'x-echo': 'you sent test-only-bearer-2' },
      body: 'you sent test-only-declared-1, Bearer test-only-bearer-2 and test-only-token-3: v1,c2lnbmF0dXJl',
    },
    { headers, secretHeaders: new Set(['x-shop']) },
  )
  expect(JSON.stringify(exchange)).not.toMatch(/test-only/)
  expect(exchange.request).toContain('X-Shop: [redacted]\nAuthorization: [redacted]\n')
  expect(exchange.request).toContain('webhook-signature: v1,c2lnbmF0dXJl\n')
  expect(exchange.response).toMatch(/set-cookie: \[redacted\]/i)
  expect(exchange.body).toContain('you sent [redacted]')
})

test('the beginning of a secret at the cut is not shown', async () => {
  const secret = 'test-only-long-secret-value-0123456789'
  const body = `${'x'.repeat(1010)}${secret}`
  const { body: shown, cut } = await exchangeOf(
    { status: 400, body },
    { headers: ['x-shop', secret], secretHeaders: new Set(['x-shop']) },
  )
  expect([shown?.includes('test-only'), cut]).toEqual([false, true])
})

test('what could not be dialled tells the address, and no answer', async () => {
  await using sender = openTestSender()
  let seen: Exchange | undefined
  const exchanged = (exchange: Exchange) => {
    seen = exchange
  }
  await sender.send(aRequest({ url: 'http://hooks.example:1025/', exchanged }), never)
  expect(seen).toMatchObject({ address: '127.0.0.1:1025', dnsMs: expect.any(Number) })
  expect([seen?.response, seen?.body]).toEqual([undefined, undefined])
})
