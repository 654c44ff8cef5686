import { startSink } from '@fairlead/testbed/sink'
import { expect, test } from 'vitest'
import { compileAddressPolicy } from './address.ts'
import { aRequest, never, openTestSender } from './fixtures/sender.ts'
import { startDns, startRawServer } from './fixtures/servers.ts'
import { openResolver } from './resolve.ts'

const publicOnly = compileAddressPolicy({ allowCidrs: [] })

test.each([
  ['an address', (port: number) => `http://127.0.0.1:${port}/`],
  ['a decimal address', (port: number) => `http://2130706433:${port}/`],
  ['an octal address', (port: number) => `http://0177.0.0.1:${port}/`],
  ['an address with a dot behind', (port: number) => `http://127.0.0.1.:${port}/`],
  ['zero', (port: number) => `http://0:${port}/`],
  ['IPv6 loopback', (port: number) => `http://[::1]:${port}/`],
  ['an IPv4-mapped address', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`],
  ['localhost', (port: number) => `http://localhost:${port}/`],
  ['localhost with a dot behind', (port: number) => `http://localhost.:${port}/`],
  ['a name under localhost', (port: number) => `http://a.localhost:${port}/`],
])('nothing is connected for %s', async (_name, url) => {
  await using server = await startRawServer(socket => socket.destroy())
  using resolver = openResolver()
  await using sender = openTestSender({ policy: publicOnly, resolve: resolver.resolve })
  const outcome = await sender.send(aRequest({ url: url(server.port) }), never)
  expect(outcome).toMatchObject({ kind: 'address_blocked' })
  expect(server.connections).toBe(0)
})

test('what a private name resolves to is not told', async () => {
  await using sender = openTestSender({ policy: publicOnly, resolve: async () => ['10.20.30.40'] })
  const outcome = await sender.send(aRequest({ url: 'http://db.internal/' }), never)
  expect(outcome).toEqual({
    kind: 'address_blocked',
    reason: 'db.internal is at a private or reserved address',
  })
})

test('a name that is public when looked up and private when connected stays at the public address', async () => {
  await using forbidden = await startSink()
  let asked = 0
  // 127.0.0.2 stands for the public address: allowed, and nothing listens there on this port.
  const rebinding = async () => [asked++ === 0 ? '127.0.0.2' : '127.0.0.1']
  await using sender = openTestSender({
    policy: compileAddressPolicy({ allowCidrs: ['127.0.0.2'] }),
    resolve: rebinding,
  })
  const url = `http://rebind.example:${forbidden.port}/`
  expect(await sender.send(aRequest({ url }), never)).toMatchObject({ kind: 'connection_refused' })
  expect(await sender.send(aRequest({ url }), never)).toMatchObject({ kind: 'address_blocked' })
  expect(asked).toBe(2)
  expect(forbidden.connections.total).toBe(0)
})

test('rebinding by a real DNS server, with real lookups', async () => {
  await using forbidden = await startSink()
  let answers = 0
  await using dns = await startDns((_name, type) =>
    type === 'A' ? [answers++ === 0 ? '127.0.0.2' : '127.0.0.1'] : [],
  )
  using resolver = openResolver({ servers: [dns.server], hostsFile: '/dev/null' })
  await using sender = openTestSender({
    policy: compileAddressPolicy({ allowCidrs: ['127.0.0.2'] }),
    resolve: resolver.resolve,
  })
  const url = `http://rebind.example:${forbidden.port}/`
  expect(await sender.send(aRequest({ url }), never)).toMatchObject({ kind: 'connection_refused' })
  expect(await sender.send(aRequest({ url }), never)).toMatchObject({ kind: 'address_blocked' })
  expect(forbidden.connections.total).toBe(0)
})

test('of several addresses only the allowed ones are dialled', async () => {
  await using sink = await startSink()
  await using sender = openTestSender({ resolve: async () => ['10.255.255.1', '127.0.0.1', '::1'] })
  const outcome = await sender.send(aRequest({ url: `http://mixed.example:${sink.port}/` }), never)
  expect(outcome).toEqual({ kind: 'delivered', status: 200 })
  expect(sink.received[0]!.headers.host).toBe(`mixed.example:${sink.port}`)
})

test('a dead address is followed by a live one', async () => {
  await using sink = await startSink()
  await using sender = openTestSender({
    policy: compileAddressPolicy({ allowCidrs: ['127.0.0.0/8'] }),
    resolve: async () => ['127.0.0.3', '127.0.0.1'],
  })
  const outcome = await sender.send(aRequest({ url: `http://two.example:${sink.port}/` }), never)
  expect(outcome).toEqual({ kind: 'delivered', status: 200 })
})

test('a name whose address changes is followed within the lifetime of a connection', async () => {
  await using sink = await startSink()
  let address = '127.0.0.1'
  await using sender = openTestSender({ resolve: async () => [address], lifetimeMs: 50 })
  const request = aRequest({ url: `http://moved.example:${sink.port}/` })
  expect(await sender.send(request, never)).toMatchObject({ kind: 'delivered' })
  address = '10.0.0.1'
  await expect
    .poll(() => sender.send(request, never), { timeout: 25_000 })
    .toMatchObject({ kind: 'address_blocked' })
})

test.each([
  ['a blocked port', 'http://example.com:25/', 'port_blocked'],
  ['no URL', 'example.com', 'url_invalid'],
  ['another scheme', 'ftp://example.com/', 'url_invalid'],
])('%s', async (_name, url, kind) => {
  await using sender = openTestSender()
  expect(await sender.send(aRequest({ url }), never)).toMatchObject({ kind })
})

test.each([
  ['absent' as const, 'dns_failed'],
  ['failure' as const, 'dns_failed'],
])('a name that DNS answers with %s', async (said, kind) => {
  await using dns = await startDns(() => said)
  using resolver = openResolver({ servers: [dns.server], hostsFile: '/dev/null' })
  await using sender = openTestSender({ resolve: resolver.resolve })
  expect(await sender.send(aRequest({ url: 'http://gone.example/' }), never)).toMatchObject({ kind })
})

test('a redirect to a private address is not followed', async () => {
  await using forbidden = await startSink()
  await using sink = await startSink({ status: 307, headers: { location: `${forbidden.url}/admin?token=a` } })
  await using sender = openTestSender()
  const outcome = await sender.send(aRequest({ url: sink.url }), never)
  expect(outcome).toEqual({ kind: 'redirected', status: 307, reason: `to ${forbidden.url}/admin` })
  expect(forbidden.connections.total).toBe(0)
})
