import type { TlsOptions } from 'node:tls'
import { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { makeCertificate, type TestCertificate } from './fixtures/certificates.ts'
import { aRequest, never, openTestSender } from './fixtures/sender.ts'
import { answering, startRawServer } from './fixtures/servers.ts'

const day = 86_400_000
const ca = makeCertificate({ name: 'Test CA' })
const good = makeCertificate({ name: 'hooks', hosts: ['hooks.example', '127.0.0.1'], issuer: ca })
const ok = answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')

function tlsOf(certificate: TestCertificate, overrides: TlsOptions = {}): TlsOptions {
  return { cert: certificate.certPem, key: certificate.keyPem, ...overrides }
}

async function sendTo(tls: TlsOptions, host = 'hooks.example') {
  await using server = await startRawServer(ok, tls)
  await using sender = openTestSender({ extraCas: [ca.certPem] })
  return await sender.send(aRequest({ url: `https://${host}:${server.port}/` }), never)
}

test.each([
  ['for the name', 'hooks.example'],
  ['for the name with a dot behind', 'hooks.example.'],
  ['for the address', '127.0.0.1'],
])('a certificate %s is accepted', async (_name, host) => {
  expect(await sendTo(tlsOf(good), host)).toEqual({ kind: 'delivered', status: 200 })
})

test.each<[string, TlsOptions, string]>([
  [
    'expired',
    tlsOf(
      makeCertificate({
        name: 'a',
        hosts: ['hooks.example'],
        issuer: ca,
        notAfter: new Date(Date.now() - day / 2),
      }),
    ),
    'tls_expired',
  ],
  [
    'not yet valid',
    tlsOf(
      makeCertificate({
        name: 'a',
        hosts: ['hooks.example'],
        issuer: ca,
        notBefore: new Date(Date.now() + day / 2),
      }),
    ),
    'tls_expired',
  ],
  [
    'for another name',
    tlsOf(makeCertificate({ name: 'a', hosts: ['other.example'], issuer: ca })),
    'tls_name_mismatch',
  ],
  [
    'only its common name fits',
    tlsOf(makeCertificate({ name: 'hooks.example', hosts: ['x.example'], issuer: ca })),
    'tls_name_mismatch',
  ],
  ['self-signed', tlsOf(makeCertificate({ name: 'a', hosts: ['hooks.example'] })), 'tls_untrusted'],
  [
    'of an unknown authority',
    tlsOf(
      makeCertificate({ name: 'a', hosts: ['hooks.example'], issuer: makeCertificate({ name: 'Other CA' }) }),
    ),
    'tls_untrusted',
  ],
  [
    'good, but over TLS 1.1',
    tlsOf(good, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    'tls_failed',
  ],
])('a certificate that is %s', async (_name, tls, kind) => {
  expect(await sendTo(tls)).toMatchObject({ kind })
})

test('a server that speaks no TLS', async () => {
  await using server = await startRawServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await using sender = openTestSender()
  const outcome = await sender.send(aRequest({ url: `https://hooks.example:${server.port}/` }), never)
  expect(outcome).toMatchObject({ kind: 'tls_failed' })
})

test('a server that accepts and says nothing: no connection in time', async () => {
  await using server = await startRawServer(() => {})
  await using sender = openTestSender({ connectTimeoutMs: 200 })
  const outcome = await sender.send(aRequest({ url: `https://hooks.example:${server.port}/` }), never)
  expect(outcome).toEqual({ kind: 'connect_timeout', reason: 'no connection within 200 ms' })
  expect(sender.connections.open).toBe(0)
})

test('the server is told the name, and offered HTTP/1.1 alone', async () => {
  const seen: unknown[] = []
  const server = await startRawServer(
    (socket, number) => {
      if (socket instanceof TLSSocket) seen.push([Reflect.get(socket, 'servername'), socket.alpnProtocol])
      ok(socket, number)
    },
    tlsOf(good, { ALPNProtocols: ['h2', 'http/1.1'] }),
  )
  await using _ = server
  await using sender = openTestSender({ extraCas: [ca.certPem] })
  await sender.send(aRequest({ url: `https://hooks.example.:${server.port}/` }), never)
  await sender.send(aRequest({ url: `https://127.0.0.1:${server.port}/` }), never)
  expect(seen).toEqual([
    ['hooks.example', 'http/1.1'],
    [false, 'http/1.1'],
  ])
})

test('NODE_TLS_REJECT_UNAUTHORIZED does not switch verification off', async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    const outcome = await sendTo(tlsOf(makeCertificate({ name: 'a', hosts: ['hooks.example'] })))
    expect(outcome).toMatchObject({ kind: 'tls_untrusted' })
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  }
})

describe('client certificates', () => {
  const client = makeCertificate({ name: 'acme', hosts: ['acme.example'], issuer: ca })
  const other = makeCertificate({ name: 'other', hosts: ['other.example'], issuer: ca })
  const demanding = tlsOf(good, { ca: ca.certPem, requestCert: true, rejectUnauthorized: true })

  test('the destination sees the right one, and connections are not shared between them', async () => {
    const seen: string[] = []
    await using server = await startRawServer((socket, number) => {
      if (socket instanceof TLSSocket) seen.push(String(socket.getPeerCertificate().subject.CN))
      ok(socket, number)
    }, demanding)
    await using sender = openTestSender({ extraCas: [ca.certPem] })
    const request = aRequest({ url: `https://hooks.example:${server.port}/` })
    for (const tls of [client, other, { ...client }]) {
      expect(await sender.send({ ...request, tls }, never)).toMatchObject({ kind: 'delivered' })
    }
    expect(seen).toEqual(['acme', 'other'])
  })

  test("without one, where it is demanded: the tenant's own fault, and no reset of the host", async () => {
    expect(await sendTo(demanding)).toEqual({
      kind: 'client_certificate_refused',
      reason: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    })
  })

  test('one that can not be read', async () => {
    await using sender = openTestSender()
    const tls = { certPem: 'nonsense', keyPem: 'secret nonsense' }
    expect(await sender.send(aRequest({ url: 'https://hooks.example/', tls }), never)).toEqual({
      kind: 'client_certificate_invalid',
      reason: "the destination's client certificate can not be read",
    })
  })
})

test('sessions are resumed', async () => {
  const resumed: boolean[] = []
  await using server = await startRawServer((socket, number) => {
    if (socket instanceof TLSSocket) resumed.push(socket.isSessionReused())
    answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')(socket, number)
  }, tlsOf(good))
  await using sender = openTestSender({ extraCas: [ca.certPem] })
  for (let i = 0; i < 3; i++) {
    await sender.send(aRequest({ url: `https://hooks.example:${server.port}/` }), never)
  }
  expect(resumed).toEqual([false, true, true])
})
