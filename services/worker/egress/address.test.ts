import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileAddressPolicy } from './address.ts'

const policy = compileAddressPolicy({ allowCidrs: [] })

describe('addresses that no destination may have', () => {
  test.each([
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private 10', '10.0.0.1'],
    ['private 172.16', '172.16.0.1'],
    ['the last of private 172.16', '172.31.255.255'],
    ['private 192.168', '192.168.1.1'],
    ['loopback', '127.0.0.1'],
    ['another loopback', '127.8.8.8'],
    ['link-local', '169.254.0.1'],
    ['metadata of AWS, Google, Azure', '169.254.169.254'],
    ['metadata of Alibaba', '100.100.100.200'],
    ['metadata of Oracle', '192.0.0.192'],
    ['host services of Azure', '168.63.129.16'],
    ['metadata of AWS over IPv6', 'fd00:ec2::254'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['documentation', '192.0.2.1'],
    ['benchmarking', '198.19.255.255'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 unspecified', '::'],
    ['IPv6 loopback', '::1'],
    ['IPv6 loopback in full', '0:0:0:0:0:0:0:1'],
    ['unique local', 'fc00::1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%lo'],
    ['global with a zone', '2606:4700::1111%eth0'],
    ['site-local', 'fec0::1'],
    ['IPv6 multicast', 'ff02::1'],
    ['discard-only', '100::1'],
    ['IPv6 documentation', '2001:db8::1'],
    ['new IPv6 documentation', '3fff::1'],
    ['IPv6 benchmarking', '2001:2::1'],
    ['segment routing', '5f00::1'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
    ['IPv4-mapped loopback in hex', '::ffff:7f00:1'],
    ['IPv4-mapped metadata', '::ffff:169.254.169.254'],
    ['IPv4-compatible loopback', '::127.0.0.1'],
    ['IPv4-compatible public', '::8.8.8.8'],
    ['IPv4-translated loopback', '::ffff:0:127.0.0.1'],
    ['6to4 of loopback', '2002:7f00:1::1'],
    ['6to4 of a public address', '2002:808:808::1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['NAT64 of loopback', '64:ff9b::127.0.0.1'],
    ['NAT64 of private', '64:ff9b::a00:1'],
    ['local NAT64', '64:ff9b:1::808:808'],
    ['no address', 'localhost'],
    ['decimal', '2130706433'],
    ['octal', '0177.0.0.1'],
    ['hex', '0x7f.0.0.1'],
    ['short', '127.1'],
    ['nothing', ''],
  ])('%s: %s', (_name, address) => expect(policy(address)).toBe('blocked'))
})

test.each([
  ['public', '8.8.8.8'],
  ['just below private 172.16', '172.15.255.255'],
  ['just above private 172.16', '172.32.0.0'],
  ['just below CGNAT', '100.63.255.255'],
  ['the last before multicast', '223.255.255.255'],
  ['global IPv6', '2606:4700:4700::1111'],
  ['IPv4-mapped public', '::ffff:8.8.8.8'],
  ['NAT64 of a public address', '64:ff9b::808:808'],
])('allowed: %s (%s)', (_name, address) => expect(policy(address)).toBe('allowed'))

describe('what the operator allows', () => {
  test.each([
    ['loopback', ['127.0.0.0/8'], '127.0.0.1', 'allowed'],
    ['loopback, mapped', ['127.0.0.0/8'], '::ffff:127.0.0.1', 'allowed'],
    ['loopback, behind NAT64', ['127.0.0.0/8'], '64:ff9b::7f00:1', 'allowed'],
    ['not its neighbour', ['127.0.0.0/8'], '10.0.0.1', 'blocked'],
    ['not IPv6 loopback for IPv4 loopback', ['127.0.0.0/8'], '::1', 'blocked'],
    ['one address', ['10.1.2.3'], '10.1.2.3', 'allowed'],
    ['not the next address', ['10.1.2.3'], '10.1.2.4', 'blocked'],
    ['one IPv6 address', ['::1'], '::1', 'allowed'],
    ['a CIDR written with host bits', ['10.1.2.3/8'], '10.9.9.9', 'allowed'],
    ['unique local', ['fd00::/8'], 'fd12::1', 'allowed'],
    ['never a zone', ['fe80::/10'], 'fe80::1%eth0', 'blocked'],
  ])('%s', (_name, allowCidrs, address, verdict) =>
    expect(compileAddressPolicy({ allowCidrs })(address)).toBe(verdict),
  )

  test.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'localhost',
    '',
    '10.0.0.0/',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
  ])('a faulty entry is named: "%s"', entry =>
    expect(() => compileAddressPolicy({ allowCidrs: [entry] })).toThrow(`"${entry}"`),
  )
})

/** node's own matcher, with ranges taken from the registries apart from the code under test. */
const special = new BlockList()
for (const cidr of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3', '168.63.129.16/32'],
]) {
  const [net = '', bits] = cidr.split('/')
  special.addSubnet(net, Number(bits), 'ipv4')
}

test('every IPv4 address is judged as the registry says, and all its IPv6 forms with it', () => {
  const interesting = fc.constantFrom(0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 223, 224, 255)
  const octet = fc.nat(255)
  fc.assert(
    fc.property(fc.tuple(fc.oneof(interesting, octet), octet, octet, octet), octets => {
      const v4 = octets.join('.')
      const verdict = special.check(v4, 'ipv4') ? 'blocked' : 'allowed'
      const hex = `${((octets[0] << 8) | octets[1]).toString(16)}:${((octets[2] << 8) | octets[3]).toString(16)}`
      expect(policy(v4)).toBe(verdict)
      expect(policy(`::ffff:${v4}`)).toBe(verdict)
      expect(policy(`::ffff:${hex}`)).toBe(verdict)
      expect(policy(`64:ff9b::${v4}`)).toBe(verdict)
      for (const form of [`::${hex}`, `2002:${hex}::1`, `64:ff9b:1::${hex}`, `2001:0:${hex}::1`]) {
        expect(policy(form)).toBe('blocked')
      }
    }),
    { numRuns: 2000 },
  )
})

test('nothing outside 2000::/3 is allowed but the forms of an IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV6(), address => {
      if (policy(address) === 'blocked') return
      const { hostname } = new URL(`http://[${address}]`)
      expect(hostname).toMatch(/^\[(2|3)[0-9a-f]{3}:|^\[::ffff:|^\[64:ff9b::/)
    }),
  )
})

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      expect(policy(text)).toBe('blocked')
    }),
  )
})
