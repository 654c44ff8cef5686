import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { Kvm } from '@nats-io/kv'
import { expect, test } from 'vitest'
import { acme, openAcme, other, secret, sign } from './fixtures/acme.ts'

test('an accepted request is in the stream, as it came, before it is answered', async () => {
  await using opened = await openAcme()
  const response = await opened.github('{"ref":"main"}', { 'x-github-delivery': 'd-1', 'x-odd': 'Ünïcode' })
  expect(response.status).toBe(200)
  const { id, duplicate } = (await response.json()) as { id: string; duplicate: boolean }
  expect(duplicate).toBe(false)
  const { meta, body } = await opened.stored(1)
  expect(body.toString()).toBe('{"ref":"main"}')
  expect(meta).toMatchObject({
    id,
    organization: acme.id,
    source: 'github',
    provider: 'github',
    type: 'push',
    method: 'POST',
    url: '/webhooks/acme/github',
    secret: 'secret-1',
    size: 14,
  })
  expect(meta.headers).toContain('d-1')
  expect(meta.receivedAt).toBeGreaterThan(Date.now() - 10_000)
})

test('which of several secrets still match is counted', async () => {
  await using opened = await openAcme()
  const old = { 'x-hub-signature-256': sign('{}', 'old-secret') }
  for (const headers of [{}, {}, old]) expect((await opened.github('{}', headers)).status).toBe(200)
  const counted = await opened.registry.getSingleMetricAsString('fairlead_secrets_matched_total')
  expect(counted).toContain('fairlead_secrets_matched_total{provider="github",position="2"} 2')
  expect(counted).toContain('fairlead_secrets_matched_total{provider="github",position="1"} 1')
})

test('the same delivery is answered 200 with the same id, and stored once', async () => {
  await using opened = await openAcme()
  const headers = { 'x-github-delivery': 'd-1' }
  const first = await (await opened.github('{}', headers)).json()
  const again = await opened.github('{}', headers)
  expect(again.status).toBe(200)
  expect(await again.json()).toEqual({ ...(first as object), duplicate: true })
  const { state } = await opened.manager.streams.info('EVENTS')
  expect(state.messages).toBe(1)
})

test('a ping without content isn’t taken for a repeat of the one before it', async () => {
  await using opened = await openAcme()
  const paid = await (await opened.post('/webhooks/acme/unsigned', 'id=tr_1')).json()
  const refunded = await (await opened.post('/webhooks/acme/unsigned', 'id=tr_1')).json()
  expect(paid).toMatchObject({ duplicate: false })
  expect(refunded).toMatchObject({ duplicate: false })
  expect((refunded as { id: string }).id).not.toBe((paid as { id: string }).id)
  expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(2)
})

test('the states of one mail are an event each, and each of them again is a repeat', async () => {
  await using opened = await openAcme()
  const authorization = `Basic ${Buffer.from(secret).toString('base64')}`
  const post = async (recordType: string) => {
    const body = JSON.stringify({ RecordType: recordType, MessageID: '883953f4' })
    const response = await opened.post('/webhooks/acme/mail', body, { authorization })
    return (await response.json()) as { duplicate: boolean }
  }
  for (const type of ['Delivery', 'Open', 'Click', 'Bounce'])
    expect(await post(type)).toMatchObject({ duplicate: false })
  expect(await post('Open')).toMatchObject({ duplicate: true })
  expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(4)
})

test('all types of a request that holds several things are stored, the first as its type', async () => {
  await using opened = await openAcme()
  const value = ['created', 'updated', 'created'].map(changeType => ({ changeType, clientState: secret }))
  await opened.post('/webhooks/acme/graph', JSON.stringify({ value }))
  await opened.post('/webhooks/acme/graph', JSON.stringify({ value: value.slice(0, 1) }))
  const { meta } = await opened.stored(1)
  expect(meta).toMatchObject({ type: 'created', types: ['created', 'updated'] })
  expect((await opened.stored(2)).meta.types).toBeUndefined()
})

test('a source that does not de-duplicate makes an event of each request', async () => {
  await using opened = await openAcme()
  const headers = { 'x-github-delivery': 'd-1' }
  for (let i = 0; i < 3; i++) expect((await opened.github('{}', headers, 'every')).status).toBe(200)
  const { state } = await opened.manager.streams.info('EVENTS')
  expect(state.messages).toBe(3)
})

test.each<[string, Uint8Array, Record<string, string>]>([
  ['empty', Buffer.from(''), {}],
  ['a byte order mark', Buffer.from('\uFEFF{"a":1}'), { 'content-type': 'application/json' }],
  [
    'a form',
    Buffer.from('payload=%7B%22a%22%3A1%7D&x=%2B'),
    { 'content-type': 'application/x-www-form-urlencoded' },
  ],
  ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a]), {}],
  ['gzip', gzipSync('{"a":1}'), { 'content-encoding': 'gzip' }],
  ['one megabyte', Buffer.alloc(1024 ** 2, 'x'), {}],
])('the bytes of a body arrive as they are: %s', async (_name, body, headers) => {
  await using opened = await openAcme()
  expect((await opened.github(body, headers)).status).toBe(200)
  expect((await opened.stored(1)).body.equals(body)).toBe(true)
})

test('a chunked body is put together', async () => {
  await using opened = await openAcme()
  const parts = ['{"a":', '"b', '"}']
  const response = await fetch(`${opened.url}/webhooks/acme/github`, {
    method: 'POST',
    headers: { 'x-hub-signature-256': sign(parts.join('')) },
    body: new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(Buffer.from(part))
        controller.close()
      },
    }),
    duplex: 'half',
  })
  expect(response.status).toBe(200)
  expect((await opened.stored(1)).body.toString()).toBe('{"a":"b"}')
})

test("Slack's handshake is answered when it is signed, and is no event", async () => {
  await using opened = await openAcme()
  const body = '{"type":"url_verification","challenge":"test-challenge"}'
  const at = Math.floor(Date.now() / 1000)
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`
  const answer = await opened.post('/webhooks/acme/slack', body, {
    'x-slack-signature': signature,
    'x-slack-request-timestamp': `${at}`,
  })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toBe('test-challenge')
  expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(0)
  const unsigned = await opened.post('/webhooks/acme/slack', body)
  expect(unsigned.status).toBe(401)
})

test('changes reach a running receiver; a value that can not be read changes nothing', async () => {
  await using opened = await openAcme()
  const post = () => opened.postOther('{}')
  expect((await post()).status).toBe(404)
  await putConfiguration(opened.nats, other)
  await until(async () => (await post()).status === 200, { what: 'the new organization' })
  const bucket = await new Kvm(opened.nats).open('config')
  await bucket.put(other.id, '{"half":')
  await putConfiguration(opened.nats, { ...acme, active: false })
  await until(async () => (await opened.github('{}')).status === 403, { what: 'a later change' })
  expect((await post()).status).toBe(200)
  await bucket.delete(other.id)
  await until(async () => (await post()).status === 404, { what: 'the deletion' })
})

test('NATS that takes no body of the allowed size is a clear error at the start', async () => {
  await expect(openAcme({ FAIRLEAD_MAX_BODY_BYTES: `${60 * 1024 ** 2}` })).rejects.toMatchObject({
    code: 'max_payload_too_small',
    message: expect.stringContaining('raise max_payload'),
  })
})
