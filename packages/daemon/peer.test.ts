import { expect, test } from 'vitest'
import { openTrustedProxies, peerOf } from './peer.ts'

const trusted = openTrustedProxies('10.0.0.0/8, fd00::/8, 192.0.2.7')!

test.each<[string, string | undefined, string | string[] | undefined, string]>([
  ['no proxy', '198.51.100.1', undefined, '198.51.100.1'],
  ['a stranger who claims to be another', '198.51.100.1', '203.0.113.9', '198.51.100.1'],
  ['behind a proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['behind a proxy, on a socket of both families', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
  [
    'behind two proxies, with a claim of its own',
    '10.0.0.1',
    '1.1.1.1, 203.0.113.9, 10.2.2.2',
    '203.0.113.9',
  ],
  ['several header lines', '10.0.0.1', ['1.1.1.1', '203.0.113.9'], '203.0.113.9'],
  ['only proxies', '10.0.0.1', '10.1.1.1', '10.1.1.1'],
  ['a proxy that sends for itself', '10.0.0.1', undefined, '10.0.0.1'],
  ['a proxy that writes no address', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
  ['an empty header', '10.0.0.1', '', '10.0.0.1'],
  ['an address with its port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['an IPv6 address with its port', 'fd00::1', '[2001:DB8:0:2::9]:4711', '2001:db8:0:2::/64'],
  ['an IPv6 sender: its whole network', '2001:db8:1:2:aaaa::1', undefined, '2001:db8:1:2::/64'],
  ['the same network, spelled shorter', '2001:db8:1:2::', undefined, '2001:db8:1:2::/64'],
  ['an IPv6 address that ends in an IPv4 address', '64:ff9b::203.0.113.9', undefined, '64:ff9b:0:0::/64'],
  ['loopback', '::1', undefined, '0:0:0:0::/64'],
  ['a link-local address with its interface', 'fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
  ['a connection that is gone', undefined, '203.0.113.9', 'unknown'],
])('%s', (_name, address, forwardedFor, peer) => {
  expect(peerOf(address, forwardedFor, trusted)).toBe(peer)
})

test('a header of any length is read in bounded time', () => {
  const start = process.cpuUsage()
  for (let i = 0; i < 200; i++) peerOf('10.0.0.1', '10.1.1.1, '.repeat(2_500), trusted)
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(10_000)
})

test.each(['10.0.0.0/33', 'example.com', '10.0.0/8', '::1/129', '10.0.0.0/', '1.2.3.4/x'])(
  '%s is no list of proxies',
  text => expect(openTrustedProxies(text)).toBeUndefined(),
)

test('without trusted proxies no X-Forwarded-For is believed', () => {
  const none = openTrustedProxies('')!
  expect(none.isEmpty).toBe(true)
  expect(none.trusts('127.0.0.1')).toBe(false)
})
