import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { openTrustedProxies } from '@fairlead/daemon/peer'
import { anOrganization } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { expect, test } from 'vitest'
import { type OpenedReceiver, openTestReceiver } from './fixtures/a-receiver.ts'
import { openAcme, sign } from './fixtures/acme.ts'
import { publicUrlsOf } from './public-url.ts'

const configured = 'https://hooks.example.com/webhooks/acme/square?a=1'

function urlsOf(headers: IncomingMessage['headers'], peer: string, own?: string): readonly string[] {
  const request = { url: '/webhooks/acme/square?a=1', headers, socket: { remoteAddress: peer } }
  return publicUrlsOf(request as IncomingMessage, own, {
    base: 'https://hooks.example.com',
    trusted: openTrustedProxies('10.0.0.0/8, fd00::/8, 192.0.2.7')!,
  })
}

const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'in.example.net:8443' }
const both = [configured, 'https://in.example.net:8443/webhooks/acme/square?a=1']

test.each<[string, IncomingMessage['headers'], string, readonly string[]]>([
  ['no proxy', {}, '203.0.113.9', [configured]],
  ['a stranger says so', forwarded, '203.0.113.9', [configured]],
  ['a trusted range', forwarded, '10.1.2.3', both],
  ['a trusted address', forwarded, '192.0.2.7', both],
  ['its neighbour', forwarded, '192.0.2.8', [configured]],
  ['IPv4 on a socket of both families', forwarded, '::ffff:10.1.2.3', both],
  ['IPv6', forwarded, 'fd12::1', both],
  [
    'only the nearest proxy is believed',
    { 'x-forwarded-proto': 'http, https', 'x-forwarded-host': 'evil.example, in.example.net:8443' },
    '10.1.2.3',
    both,
  ],
  ['no scheme', { 'x-forwarded-host': 'in.example.net' }, '10.1.2.3', [configured]],
  ['another scheme', { ...forwarded, 'x-forwarded-proto': 'javascript' }, '10.1.2.3', [configured]],
  ['a host with a path', { ...forwarded, 'x-forwarded-host': 'a.example/b' }, '10.1.2.3', [configured]],
  ['a host with a user', { ...forwarded, 'x-forwarded-host': 'u@a.example' }, '10.1.2.3', [configured]],
  ['the same', { ...forwarded, 'x-forwarded-host': 'hooks.example.com' }, '10.1.2.3', [configured]],
])('the public URL: %s', (_name, headers, peer, urls) => {
  expect(urlsOf(headers, peer)).toEqual(urls)
})

test("a source's own public URL is the only one, with the request's query", () => {
  expect(urlsOf(forwarded, '10.1.2.3', 'https://a.example/b')).toEqual(['https://a.example/b?a=1'])
})

const secret = 'test-square-key'

function openSquare(environment: Record<string, string>): Promise<OpenedReceiver> {
  const source = { name: 'square', provider: 'square', secrets: [secret] }
  return openTestReceiver(anOrganization('acme', { sources: [source] }), {}, environment)
}

function signedFor(url: string, headers: Record<string, string> = {}) {
  const body = '{"event_id":"1"}'
  const signature = createHmac('sha256', secret)
    .update(url + body)
    .digest('base64')
  return {
    method: 'POST',
    path: '/webhooks/acme/square',
    headers: { 'x-square-hmacsha256-signature': signature, ...headers },
    body,
  }
}

const environment = {
  FAIRLEAD_PUBLIC_URL: 'https://hooks.example.com/',
  FAIRLEAD_TRUSTED_PROXIES: '127.0.0.0/8',
}

test.each([
  'https://hooks.example.com/webhooks/acme/square',
  'https://in.example.net:8443/webhooks/acme/square',
])('a signature over %s is accepted, and the log says which URL was right', async url => {
  await using receiver = await openSquare(environment)
  expect((await receiver.send(signedFor(url, forwarded))).status).toBe(200)
  expect(receiver.lines).toContainEqual(expect.objectContaining({ msg: 'event.accepted', publicUrl: url }))
})

test('a refusal tells the members, and nobody else, at which URLs it was tried', async () => {
  await using receiver = await openSquare(environment)
  const answer = await receiver.send(signedFor('https://elsewhere.example/', forwarded))
  expect(answer.status).toBe(401)
  expect(answer.body).not.toContain('example')
  const kept = await until(
    async () => (await receiver.manager.streams.getMessage('REJECTIONS', { seq: 1 })) ?? undefined,
  )
  expect(decodeRejectionMeta(kept.header.get(rejectionHeader)).detail).toBe(
    'the public URL was taken to be https://hooks.example.com/webhooks/acme/square or ' +
      'https://in.example.net:8443/webhooks/acme/square',
  )
})

test('a rejection speaks of public URLs only where the provider signs its URL', async () => {
  await using receiver = await openAcme(environment)
  await receiver.github('{}', { 'x-hub-signature-256': sign('{} ') })
  const kept = await until(
    async () => (await receiver.manager.streams.getMessage('REJECTIONS', { seq: 1 })) ?? undefined,
  )
  expect(decodeRejectionMeta(kept.header.get(rejectionHeader))).toMatchObject({
    reason: 'signature_mismatch',
  })
  expect(decodeRejectionMeta(kept.header.get(rejectionHeader)).detail).toBeUndefined()
})

test('without trusted proxies, X-Forwarded-Host is only a header', async () => {
  await using receiver = await openSquare({ FAIRLEAD_PUBLIC_URL: 'https://hooks.example.com' })
  const url = 'https://in.example.net:8443/webhooks/acme/square'
  expect((await receiver.send(signedFor(url, forwarded))).status).toBe(401)
})
