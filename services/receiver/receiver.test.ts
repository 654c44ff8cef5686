import { createHmac } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { gzipSync } from 'node:zlib'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { jetstreamManager } from '@nats-io/jetstream'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { receiverConfig } from './config.ts'
import { openReceiver } from './receiver.ts'

const secret = 'test-secret'
const sign = (body: string | Uint8Array, key = secret) =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
const signStripe = (body: string, atSeconds: number) =>
  `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`

const organization = anOrganization('acme', {
  sources: [
    { name: 'github', provider: 'github', secrets: ['old-secret', secret] },
    { name: 'stripe', provider: 'stripe', secrets: [secret] },
    { name: 'slack', provider: 'slack', secrets: [secret] },
    { name: 'slow', provider: 'github', secrets: [secret], rateLimit: { perSecond: 1, burst: 2 } },
    { name: 'every', provider: 'github', secrets: [secret], deduplicate: false },
    { name: 'unsigned', provider: 'mollie', options: { acceptUnsigned: true } },
    { name: 'wrong', provider: 'no-such-provider', secrets: [secret] },
  ],
})

async function open(environment: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  await putConfiguration(nats, organization)
  const config = receiverConfig.parse({
    FAIRLEAD_NATS_URL: server.url,
    FAIRLEAD_RECEIVER_PORT: '0',
    FAIRLEAD_RECEIVER_HOST: '127.0.0.1',
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    ...environment,
  })
  const log = pino({ level: 'silent' })
  const registry = new Registry()
  const fetchKey = async () => Promise.reject(new Error('no key is fetched in this test'))
  const receiver = stack.use(await openReceiver(config, { nats, registry, log, fetchKey }))
  const url = `http://127.0.0.1:${receiver.port}`
  const manager = await jetstreamManager(nats)
  return {
    url,
    registry,
    port: receiver.port,
    server,
    nats,
    manager,
    post: (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
      fetch(url + path, { method: 'POST', body: Buffer.from(body), headers }),
    github: (body: string | Uint8Array, headers: Record<string, string> = {}, source = 'github') =>
      fetch(`${url}/webhooks/acme/${source}`, {
        method: 'POST',
        body: Buffer.from(body),
        headers: { 'x-hub-signature-256': sign(body), 'x-github-event': 'push', ...headers },
      }),
    async stored(seq: number) {
      const message = await manager.streams.getMessage('EVENTS', { seq })
      return {
        meta: decodeEventMeta(message?.header.get(eventHeader)),
        body: Buffer.from(message?.data ?? []),
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('an accepted request is in the stream, as it came, before it is answered', async () => {
  await using opened = await open()
  const response = await opened.github('{"ref":"main"}', { 'x-github-delivery': 'd-1', 'x-odd': 'Ünïcode' })
  expect(response.status).toBe(200)
  const { id, duplicate } = (await response.json()) as { id: string; duplicate: boolean }
  expect(duplicate).toBe(false)
  const { meta, body } = await opened.stored(1)
  expect(body.toString()).toBe('{"ref":"main"}')
  expect(meta).toMatchObject({
    id,
    organization: organization.id,
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
  await using opened = await open()
  const old = { 'x-hub-signature-256': sign('{}', 'old-secret') }
  for (const headers of [{}, {}, old]) expect((await opened.github('{}', headers)).status).toBe(200)
  const counted = await opened.registry.getSingleMetricAsString('fairlead_secrets_matched_total')
  expect(counted).toContain('fairlead_secrets_matched_total{provider="github",position="2"} 2')
  expect(counted).toContain('fairlead_secrets_matched_total{provider="github",position="1"} 1')
})

test('the same delivery is answered 200 with the same id, and stored once', async () => {
  await using opened = await open()
  const headers = { 'x-github-delivery': 'd-1' }
  const first = await (await opened.github('{}', headers)).json()
  const again = await opened.github('{}', headers)
  expect(again.status).toBe(200)
  expect(await again.json()).toEqual({ ...(first as object), duplicate: true })
  const { state } = await opened.manager.streams.info('EVENTS')
  expect(state.messages).toBe(1)
})

test('a source that does not de-duplicate makes an event of each request', async () => {
  await using opened = await open()
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
  await using opened = await open()
  expect((await opened.github(body, headers)).status).toBe(200)
  expect((await opened.stored(1)).body.equals(body)).toBe(true)
})

test('a chunked body is put together', async () => {
  await using opened = await open()
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

describe('what is refused has a code of its own', () => {
  const now = () => Math.floor(Date.now() / 1000)
  test.each<[string, number, string, string, string, () => Record<string, string>]>([
    ['no such path', 404, 'unknown_source', '/elsewhere', '{}', () => ({})],
    ['no such organization', 404, 'unknown_source', '/webhooks/nobody/github', '{}', () => ({})],
    ['no such source', 404, 'unknown_source', '/webhooks/acme/gitlab', '{}', () => ({})],
    ['a source that can not be opened', 503, 'unavailable', '/webhooks/acme/wrong', '{}', () => ({})],
    ['no signature', 401, 'signature_missing', '/webhooks/acme/github', '{}', () => ({})],
    [
      'one byte more',
      401,
      'signature_mismatch',
      '/webhooks/acme/github',
      '{} ',
      () => ({ 'x-hub-signature-256': sign('{}') }),
    ],
    [
      'another key',
      401,
      'signature_mismatch',
      '/webhooks/acme/github',
      '{}',
      () => ({ 'x-hub-signature-256': sign('{}', 'k') }),
    ],
    [
      "another source's signature",
      401,
      'signature_missing',
      '/webhooks/acme/stripe',
      '{}',
      () => ({ 'x-hub-signature-256': sign('{}') }),
    ],
    [
      'an old timestamp',
      401,
      'timestamp_out_of_tolerance',
      '/webhooks/acme/stripe',
      '{}',
      () => ({ 'stripe-signature': signStripe('{}', now() - 301) }),
    ],
    ['a path with too much in it', 404, 'unknown_source', '/webhooks/acme/github/more', '{}', () => ({})],
  ])('%s: %i %s', async (_name, status, code, path, body, headers) => {
    await using opened = await open()
    const response = await opened.post(path, body, headers())
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code })
    expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(0)
  })

  test('GET is told to POST', async () => {
    await using opened = await open()
    const response = await fetch(`${opened.url}/webhooks/acme/github`)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  test('GET is no event of a source whose provider signs nothing', async () => {
    await using opened = await open()
    const response = await fetch(`${opened.url}/webhooks/acme/unsigned`)
    expect(response.status).toBe(405)
    expect((await opened.post('/webhooks/acme/unsigned', 'id=tr_1')).status).toBe(200)
    expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(1)
  })

  test('too fast: 429 with the time to wait', async () => {
    await using opened = await open()
    const statuses: number[] = []
    let last: Response | undefined
    for (let i = 0; i < 4; i++) {
      last = await opened.github(`{"i":${i}}`, {}, 'slow')
      statuses.push(last.status)
    }
    expect(statuses.slice(0, 2)).toEqual([200, 200])
    expect(statuses).toContain(429)
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })

  test('an organization that is not active', async () => {
    await using opened = await open()
    await putConfiguration(opened.nats, { ...organization, active: false })
    await until(async () => (await opened.github('{"later":1}')).status === 403, { what: '403' })
  })

  test('a month that is used up', async () => {
    await using opened = await open()
    await putConfiguration(opened.nats, { ...organization, quotaExceeded: true })
    const response = await until(async () => {
      const answer = await opened.github('{"later":1}')
      return answer.status === 429 && answer
    })
    expect(await response.json()).toMatchObject({ code: 'quota_exceeded' })
  })
})

test.each(['declared', 'chunked'])(
  'a body that is too large, %s, is answered 413 and not kept',
  async name => {
    await using opened = await open({ FAIRLEAD_MAX_BODY_BYTES: '2048' })
    const body = Buffer.alloc(3000, 'x')
    const response = await fetch(`${opened.url}/webhooks/acme/github`, {
      method: 'POST',
      headers: { 'x-hub-signature-256': sign(body) },
      ...(name === 'declared' ? { body } : { body: new Blob([body]).stream(), duplex: 'half' as const }),
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'too_large' })
  },
)

test('a refused request is kept for its organization, with its exact reason', async () => {
  await using opened = await open()
  await opened.post('/webhooks/acme/github', '{"a":1}', { 'x-hub-signature-256': sign('{"a":2}') })
  const kept = await until(
    async () => (await opened.manager.streams.getMessage('REJECTIONS', { seq: 1 })) ?? undefined,
    { what: 'the record' },
  )
  expect(kept.string()).toBe('{"a":1}')
  expect(decodeRejectionMeta(kept.header.get(rejectionHeader))).toMatchObject({
    organization: organization.id,
    source: 'github',
    reason: 'signature_mismatch',
  })
})

test("Slack's handshake is answered when it is signed, and is no event", async () => {
  await using opened = await open()
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

test('while NATS is away the answer is 503 with Retry-After, and afterwards 200 again', async () => {
  await using opened = await open({ FAIRLEAD_PUBLISH_TIMEOUT_MS: '300' })
  expect((await opened.github('{"n":1}')).status).toBe(200)
  await opened.server.kill9()
  const refused = await opened.github('{"n":2}')
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await refused.json()).toMatchObject({ code: 'unavailable' })
  await opened.server.restart()
  await until(async () => (await opened.github('{"n":3}')).status === 200, { what: '200 after the restart' })
})

test('what no more can wait for JetStream is refused at once, and one organization leaves room for others', async () => {
  await using opened = await open({ FAIRLEAD_MAX_REQUESTS: '16', FAIRLEAD_PUBLISH_TIMEOUT_MS: '30000' })
  const other = anOrganization('other', { sources: [{ name: 'hub', provider: 'github', secrets: [secret] }] })
  await putConfiguration(opened.nats, other)
  const postOther = () => opened.post('/webhooks/other/hub', '{}', { 'x-hub-signature-256': sign('{}') })
  await until(async () => (await postOther()).status === 200, { what: 'the other organization' })

  process.kill(opened.server.pid, 'SIGSTOP')
  const refused: Response[] = []
  const answers: Promise<Response>[] = []
  try {
    for (let n = 0; n < 12; n++) {
      answers.push(
        opened.github(`{"n":${n}}`).then(answer => {
          if (answer.status === 503) refused.push(answer)
          return answer
        }),
      )
    }
    await until(() => refused.length === 4, { what: 'the refusal of what is beyond its half' })
    answers.push(opened.post('/webhooks/other/hub', '{"o":1}', { 'x-hub-signature-256': sign('{"o":1}') }))
  } finally {
    process.kill(opened.server.pid, 'SIGCONT')
  }
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses.filter(status => status === 503)).toHaveLength(4)
  expect(statuses.at(-1)).toBe(200)
  expect(refused[0]!.headers.get('retry-after')).toBe('1')
  expect(await refused[0]!.json()).toMatchObject({
    code: 'unavailable',
    detail: 'too much is being received',
  })
})

test('a full stream is answered 503: what is accepted is never pushed out', async () => {
  await using opened = await open()
  await opened.github('{"n":1}')
  await opened.manager.streams.update('EVENTS', { max_msgs: 1 })
  expect((await opened.github('{"n":2}')).status).toBe(503)
  expect((await opened.stored(1)).body.toString()).toBe('{"n":1}')
})

test('changes reach a running receiver; a value that can not be read changes nothing', async () => {
  await using opened = await open()
  const other = anOrganization('other', { sources: [{ name: 'hub', provider: 'github', secrets: [secret] }] })
  const post = () => opened.post('/webhooks/other/hub', '{}', { 'x-hub-signature-256': sign('{}') })
  expect((await post()).status).toBe(404)
  await putConfiguration(opened.nats, other)
  await until(async () => (await post()).status === 200, { what: 'the new organization' })
  const { Kvm } = await import('@nats-io/kv')
  const bucket = await new Kvm(opened.nats).open('config')
  await bucket.put(other.id, '{"half":')
  await putConfiguration(opened.nats, { ...organization, active: false })
  await until(async () => (await opened.github('{}')).status === 403, { what: 'a later change' })
  expect((await post()).status).toBe(200)
  await bucket.delete(other.id)
  await until(async () => (await post()).status === 404, { what: 'the deletion' })
})

test('NATS that takes no body of the allowed size is a clear error at the start', async () => {
  await expect(open({ FAIRLEAD_MAX_BODY_BYTES: `${60 * 1024 ** 2}` })).rejects.toMatchObject({
    code: 'max_payload_too_small',
    message: expect.stringContaining('raise max_payload'),
  })
})

test('a header that never ends and a body that never comes hold no one else up', async () => {
  await using opened = await open()
  const sockets = Array.from({ length: 50 }, (_, i) => {
    const socket = connectTcp(opened.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('POST /webhooks/acme/github HTTP/1.1\r\nhost: x\r\n')
    if (i % 2) socket.write('content-length: 100\r\n\r\nabc')
    return socket
  })
  try {
    expect((await opened.github('{"quick":1}')).status).toBe(200)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})
