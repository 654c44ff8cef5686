import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DnsAnswer, startDns } from './fixtures/servers.ts'
import { openResolver } from './resolve.ts'

const noHosts = '/dev/null'

test.each<[string, DnsAnswer, DnsAnswer, readonly string[]]>([
  [
    'both families, IPv4 first',
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8:0:0:0:0:0:1'],
    ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
  ],
  ['IPv4 alone', ['192.0.2.1'], [], ['192.0.2.1']],
  ['IPv6 alone', [], ['2001:db8:0:0:0:0:0:1'], ['2001:db8::1']],
  ['IPv6 fails', ['192.0.2.1'], 'failure', ['192.0.2.1']],
  ['IPv6 is never answered', ['192.0.2.1'], 'silence', ['192.0.2.1']],
])('%s', async (_name, v4, v6, addresses) => {
  await using dns = await startDns((_name, type) => (type === 'A' ? v4 : v6))
  using resolver = openResolver({ servers: [dns.server], hostsFile: noHosts })
  expect(await resolver.resolve('hooks.example')).toEqual(addresses)
})

test.each<[string, DnsAnswer, string]>([
  ['no such name', 'absent', 'ENOTFOUND'],
  ['a name without addresses', [], 'ENOTFOUND'],
  ['a server that fails', 'failure', 'EAI_AGAIN'],
  ['a server that is silent', 'silence', 'EAI_AGAIN'],
])('%s: %s → %s', async (_name, answer, code) => {
  await using dns = await startDns(() => answer)
  // Whoever answers has time for it on a slow machine, too.
  const timeoutMs = answer === 'silence' ? 50 : 20_000
  using resolver = openResolver({ servers: [dns.server], timeoutMs, hostsFile: noHosts })
  await expect(resolver.resolve('hooks.example')).rejects.toMatchObject({ code })
})

test('a DNS server that refuses connections is not taken for a destination that does', async () => {
  using resolver = openResolver({ servers: ['127.0.0.1:1'], timeoutMs: 50, hostsFile: noHosts })
  await expect(resolver.resolve('hooks.example')).rejects.toMatchObject({ code: 'EAI_AGAIN' })
})

test('each call asks anew, whatever time the answer claims to hold', async () => {
  await using dns = await startDns((_name, type, count) => (type === 'A' ? [`192.0.2.${count}`] : []))
  using resolver = openResolver({ servers: [dns.server], hostsFile: noHosts })
  const first = await resolver.resolve('hooks.example')
  expect(await resolver.resolve('hooks.example')).not.toEqual(first)
})

test('many names whose servers are silent hold nobody up', async () => {
  await using dns = await startDns((name, type) => {
    if (name.startsWith('dead')) return 'silence'
    return type === 'A' ? ['192.0.2.1'] : []
  })
  using resolver = openResolver({ servers: [dns.server], timeoutMs: 10_000, hostsFile: noHosts })
  let gaveUp = 0
  const dead = Array.from({ length: 100 }, (_, i) =>
    resolver.resolve(`dead-${i}.example`).catch(() => {
      gaveUp++
      return 'dead'
    }),
  )
  expect(await resolver.resolve('alive.example')).toContain('192.0.2.1')
  expect(gaveUp).toBe(0)
  resolver[Symbol.dispose]()
  expect(new Set(await Promise.all(dead))).toEqual(new Set(['dead']))
})

test('localhost is loopback, and the hosts file is heeded, without asking DNS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hosts-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  const hostsFile = join(folder, 'hosts')
  await writeFile(hostsFile, '# comment\n10.1.2.3\tBilling.test billing # ours\nfd00::1 billing\nnonsense\n')
  await using dns = await startDns(() => 'failure')
  using resolver = openResolver({ servers: [dns.server], hostsFile })
  expect(await resolver.resolve('localhost')).toEqual(['127.0.0.1', '::1'])
  expect(await resolver.resolve('hooks.localhost')).toEqual(['127.0.0.1', '::1'])
  expect(await resolver.resolve('billing.test')).toEqual(['10.1.2.3'])
  expect(await resolver.resolve('billing')).toEqual(['10.1.2.3', 'fd00::1'])
})
