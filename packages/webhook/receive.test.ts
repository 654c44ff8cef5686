import { expect, test } from 'vitest'
import { openScheme } from './open.ts'
import { receive } from './receive.ts'
import { sampleRequest } from './sample-request.ts'

const nowMs = 1_760_000_000_000
const url = 'http://127.0.0.1:3000/hooks/square?x=1'

test('a Fetch request is verified with its bytes and its public URL', async () => {
  const publicUrl = 'https://hooks.example.com/hooks/square?x=1'
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d])
  const signed = sampleRequest('square', { secret: 's', url: publicUrl, body, nowMs, random: () => 0.4 })
  const request = new Request(url, {
    method: 'POST',
    headers: signed.headers as Record<string, string>,
    body,
  })
  const received = await receive(request, { publicBase: 'https://hooks.example.com' })
  expect(openScheme({ provider: 'square', secrets: ['s'] }).verify(received!, nowMs)).toEqual({
    kind: 'valid',
    secret: 0,
    url: publicUrl,
  })
})

test('a body past the limit is not read on', async () => {
  const request = () => new Request(url, { method: 'POST', body: 'x'.repeat(101) })
  expect(await receive(request(), { maxBytes: 100 })).toBeUndefined()
  expect((await receive(request(), { maxBytes: 101 }))?.body.byteLength).toBe(101)
})

test('a request without a body has an empty one', async () => {
  expect((await receive(new Request(url)))?.body.byteLength).toBe(0)
})
