import { describe, expect, test } from 'vitest'
import { compileAddressPolicy } from './address.ts'
import { compilePortPolicy, defaultPorts, parseTarget } from './target.ts'

const anyPort = compilePortPolicy('1-65535')
const publicOnly = compileAddressPolicy({ allowCidrs: [] })

describe('hosts that are an address in disguise', () => {
  test.each([
    ['decimal', 'http://2130706433/', '127.0.0.1'],
    ['octal', 'http://0177.0.0.1/', '127.0.0.1'],
    ['all octal', 'http://017700000001/', '127.0.0.1'],
    ['hex', 'http://0x7f000001/', '127.0.0.1'],
    ['hex parts', 'http://0x7f.0x0.0x0.0x1/', '127.0.0.1'],
    ['mixed', 'http://0x7f.1/', '127.0.0.1'],
    ['short', 'http://127.1/', '127.0.0.1'],
    ['zero', 'http://0/', '0.0.0.0'],
    ['metadata in decimal', 'http://2852039166/latest/meta-data', '169.254.169.254'],
    ['a trailing dot', 'http://127.0.0.1./', '127.0.0.1'],
    ['full-width digits', 'http://１２７.０.０.１/', '127.0.0.1'],
    ['circled digits', 'http://①②⑦.⓪.⓪.①/', '127.0.0.1'],
    ['percent-encoded', 'http://%31%32%37.0.0.1/', '127.0.0.1'],
    ['an ideographic full stop', 'http://127。0。0。1/', '127.0.0.1'],
    ['IPv6 loopback', 'http://[::1]/', '::1'],
    ['IPv6 unspecified', 'http://[::]/', '::'],
    ['IPv4-mapped', 'http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['IPv4-mapped in full', 'http://[0:0:0:0:0:ffff:7f00:0001]/', '::ffff:7f00:1'],
    ['IPv4-compatible', 'http://[::127.0.0.1]/', '::7f00:1'],
    ['NAT64', 'http://[64:ff9b::169.254.169.254]/', '64:ff9b::a9fe:a9fe'],
    ['a user that looks like a host', 'http://example.com:80#@127.0.0.1/', 'example.com'],
    ['a backslash', 'http://127.0.0.1\\@example.com/', '127.0.0.1'],
    ['a tab inside', 'http://127.0.\t0.1/', '127.0.0.1'],
  ])('%s: %s is seen as %s', (_name, url, hostname) => {
    const target = parseTarget(url, anyPort)
    expect(target.hostname).toBe(hostname)
    if (hostname !== 'example.com') expect(publicOnly(target.hostname)).toBe('blocked')
  })
})

test.each([
  ['a zone', 'http://[fe80::1%25eth0]/'],
  ['an octet too large', 'http://256.1.1.1/'],
  ['a number too large', 'http://4294967296/'],
  ['no host', 'http://'],
  ['only a dot', 'http://./'],
  ['a space', 'http://a b/'],
  ['a file', 'file:///etc/passwd'],
  ['another scheme', 'gopher://example.com/'],
  ['websocket', 'wss://example.com/'],
  ['no URL', 'example.com/hooks'],
  ['nothing', ''],
  ['a password', 'https://user:secret@example.com/'],
  ['a user', 'https://user@example.com/'],
])('refused: %s (%s)', (_name, url) => {
  expect(() => parseTarget(url, anyPort)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_URL' }))
})

test('a URL is taken apart', () => {
  expect(parseTarget('https://Hooks.Example.com.:8443/a%20b/ü?c=d#e', anyPort)).toEqual({
    origin: 'https://hooks.example.com.:8443',
    secure: true,
    hostname: 'hooks.example.com',
    port: 8443,
    path: '/a%20b/%C3%BC?c=d',
    headBegins:
      'POST /a%20b/%C3%BC?c=d HTTP/1.1\r\nhost: hooks.example.com.:8443\r\nconnection: keep-alive\r\n',
  })
})

describe('ports', () => {
  const usual = compilePortPolicy(defaultPorts)
  test.each([
    [80, true],
    [443, true],
    [1024, true],
    [3000, true],
    [65535, true],
    [22, false],
    [25, false],
    [389, false],
    [1023, false],
    [0, false],
  ])('%i by default: %s', (port, allowed) => expect(usual(port)).toBe(allowed))

  test('a blocked one is told', () => {
    expect(() => parseTarget('http://example.com:25/', usual)).toThrow(
      expect.objectContaining({ code: 'FAIRLEAD_PORT_BLOCKED', message: 'port 25 is not allowed' }),
    )
  })

  test.each(['', '80,', '0', '70000', '90-80', 'http', '80-', '-80'])('"%s" is no list of ports', spec => {
    expect(() => compilePortPolicy(spec)).toThrow(TypeError)
  })
})
