import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { openAcme, other, sign } from './fixtures/acme.ts'

/** An upload to acme that stops one byte short. */
function stopShort(port: number, bytes: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST /webhooks/acme/github HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`)
  socket.write(Buffer.alloc(bytes - 1, 'x'))
  return socket
}

async function openBoth(environment: Record<string, string> = {}) {
  const opened = await openAcme(environment)
  await putConfiguration(opened.nats, other)
  await until(async () => (await opened.postOther('{"first":1}')).status === 200, {
    what: 'the other organization',
  })
  const gauge = async (name: string) => (await opened.registry.getSingleMetric(name)!.get()).values[0]!.value
  return {
    ...opened,
    bodyBytes: () => gauge('fairlead_receiver_body_bytes'),
    permits: () => gauge('fairlead_receiver_requests'),
  }
}

test('uploads that stop one byte short cause no refusal of others, and leave nothing counted when they break off', async () => {
  const mebibyte = 1024 ** 2
  await using opened = await openBoth({ FAIRLEAD_MAX_BODIES_BYTES: `${8 * mebibyte}` })
  const sockets = Array.from({ length: 32 }, () => stopShort(opened.port, mebibyte))
  try {
    await until(async () => (await opened.bodyBytes()) > 3 * mebibyte, { what: 'uploads that are held' })
    for (let n = 0; n < 50; n++) expect((await opened.postOther(`{"n":${n}}`)).status).toBe(200)
    expect(await opened.bodyBytes()).toBeLessThanOrEqual(4 * mebibyte + 100_000)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  await until(async () => (await opened.bodyBytes()) === 0 && (await opened.permits()) === 0, {
    what: 'gauges back at 0',
  })
})

test('a flood of unverified requests causes no refusal of true webhooks, and fills no log', async () => {
  await using opened = await openBoth()
  const flood = Array.from({ length: 120 }, (_, n) =>
    opened.post(`/webhooks/${n % 2 ? 'acme/slow' : 'acme/github'}`, `{"n":${n}}`, {
      'x-hub-signature-256': sign('{}', 'wrong'),
    }),
  )
  const unknown = Array.from({ length: 30 }, () => opened.post('/webhooks/acme/nothing', '{}'))
  // The source `slow` allows a burst of two: the 60 unverified requests take none of it.
  const own = [
    opened.github('{"own":1}', {}, 'slow'),
    opened.github('{"own":2}', {}, 'slow'),
    opened.github('{"own":3}'),
  ]
  expect((await Promise.all(own)).map(({ status }) => status)).toEqual([200, 200, 200])
  // Once its own webhooks have used up the rate, strangers are refused by it too.
  for (const { status } of await Promise.all(flood)) expect([401, 429]).toContain(status)
  await Promise.all(unknown)
  await until(async () => {
    const metric = await opened.registry.getSingleMetric('fairlead_requests_refused_total')!.get()
    return metric.values.reduce((sum, { value }) => sum + value, 0) === 150
  })
  expect(opened.lines.filter(({ msg }) => String(msg).startsWith('request')).length).toBeLessThan(30)
})

test.each<[string, string, number]>([
  [
    'an absolute-form target',
    'POST http://a.example/webhooks/acme/github HTTP/1.1\r\nHost: a.example\r\n',
    200,
  ],
  [
    'an absolute-form target with a query',
    'POST HTTPS://a.example/webhooks/acme/github?a=1 HTTP/1.1\r\nHost: a\r\n',
    200,
  ],
  ['an absolute-form target without a path', 'POST http://a.example HTTP/1.1\r\nHost: a.example\r\n', 404],
  ['two Host fields', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nhost: b\r\n', 400],
  ['two equal Host fields', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nHost: a\r\n', 400],
  ['no Host field', 'POST /webhooks/acme/github HTTP/1.1\r\n', 400],
  ['HTTP/2.0 in a request line', 'POST /webhooks/acme/github HTTP/2.0\r\nHost: a\r\n', 400],
  ['HTTP/1.9', 'POST /webhooks/acme/github HTTP/1.9\r\nHost: a\r\n', 400],
  ['HTTP/0.9', 'POST /webhooks/acme/github HTTP/0.9\r\nHost: a\r\n', 400],
  ['HTTP/1.0 without Host', 'POST /webhooks/acme/github HTTP/1.0\r\n', 200],
  ['a folded header line', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n', 400],
  ['whitespace before a colon', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nX-A : b\r\n', 400],
  ['whitespace before the first field', 'POST /webhooks/acme/github HTTP/1.1\r\n Host: a\r\n', 400],
  ['two lengths', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n', 400],
  ['a list of lengths', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n', 400],
  [
    'a length and a coding',
    'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n',
    400,
  ],
  [
    'a coding that is not chunked',
    'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n',
    400,
  ],
  [
    'a coding after chunked',
    'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n',
    400,
  ],
  ['bare line feeds', 'POST /webhooks/acme/github HTTP/1.1\nHost: a\n', 400],
  [
    'a bare carriage return in a value',
    'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n',
    400,
  ],
  ['a null byte in a value', 'POST /webhooks/acme/github HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n', 400],
])('HTTP as RFC 9112 has it: %s', async (_name, head, status) => {
  await using opened = await openAcme()
  const socket = connect(opened.port, '127.0.0.1')
  const lines = `${head}Connection: close\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: ${sign('{}')}\r\n`
  socket.write(`${lines}Content-Length: 2\r\n\r\n{}`)
  const answer = await text(socket)
  expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
})

test.each<[string, string, number]>([
  ['chunked', 'HTTP/1.1\r\nTransfer-Encoding: chunked', 200],
  ['chunked, in other letters', 'HTTP/1.1\r\nTransfer-Encoding: Chunked', 200],
  ['a compression below the chunks', 'HTTP/1.1\r\nTransfer-Encoding: gzip, chunked', 501],
  [
    'a compression in a line of its own',
    'HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked',
    501,
  ],
  ['a coding that does nothing', 'HTTP/1.1\r\nTransfer-Encoding: identity, chunked', 501],
  ['a coding that nobody knows', 'HTTP/1.1\r\nTransfer-Encoding: x-secret;a=b, chunked', 501],
  ['chunks in chunks', 'HTTP/1.1\r\nTransfer-Encoding: chunked, chunked', 400],
  ['a coding in HTTP/1.0', 'HTTP/1.0\r\nTransfer-Encoding: chunked', 400],
])('a body is not taken for what its transfer coding made of it: %s', async (_name, head, status) => {
  await using opened = await openAcme()
  const socket = connect(opened.port, '127.0.0.1')
  socket.write(
    `POST /webhooks/acme/github ${head}\r\nHost: a\r\nConnection: close\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: ${sign('{}')}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  )
  const answer = await text(socket)
  expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
  if (status === 501) expect(answer).toContain('"code":"transfer_coding_unknown"')
})
