import { readFile } from 'node:fs/promises'
import { openSigningSecret } from '@fairlead/webhook/sign'
import type { EventMeta } from '@fairlead/wire/event'
import { expect, test } from 'vitest'
import { connectionHeaders } from '../egress/connection-headers.ts'
import { openForwardPolicy } from './forward.ts'
import { prepareHeaders } from './prepare.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const body = Buffer.from('{}')

/** The headers of an attempt, by lower-case name, for an event that was received with these headers. */
function prepared(received: readonly string[], extraHeaders: readonly string[] = []) {
  const meta = {
    id: 'evt_1',
    source: 'github',
    provider: 'github',
    receivedAt: now,
    type: 'push',
    headers: received,
  } as unknown as EventMeta
  const delivery = { delivery: 'dlv_1', attempt: 2, trigger: 'route' } as never
  const headers = prepareHeaders(meta, body, delivery, {
    organization: 'acme',
    keys: [openSigningSecret(`whsec_${Buffer.alloc(24, 'test').toString('base64')}`)],
    extraHeaders,
    forward: openForwardPolicy({
      scheme: { credentials: [], signatures: ['x-hub-signature-256'] },
      forwardCredentials: false,
      replaced: extraHeaders.filter((_, i) => i % 2 === 0),
    }),
    nowMs: now,
  })
  const pairs: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i]!.toLowerCase(), headers[i + 1]!])
  return pairs
}

test("no name that a destination may read as Fairlead's stands beside Fairlead's own", () => {
  const forged = [
    'fairlead_event_id',
    'Fairlead-Event-Id',
    'FAIRLEAD-ATTEMPT',
    'Webhook_Id',
    'Webhook-Id',
    'webhook_signature',
  ]
  const pairs = prepared(forged.flatMap(name => [name, 'forged']))
  const asRead = (name: string) => name.replaceAll('_', '-')
  for (const name of ['fairlead-event-id', 'fairlead-attempt', 'webhook-id', 'webhook-signature']) {
    const values = pairs.filter(([given]) => asRead(given) === name).map(([, value]) => value)
    expect([name, values.length, values.includes('forged')]).toEqual([name, 1, false])
  }
  expect(pairs).toContainEqual(['fairlead-original-webhook-id', 'forged'])
})

test('headers that Connection names are not forwarded, in whatever order and letter case', () => {
  const pairs = prepared([
    'X-Hop',
    '1',
    'connection',
    'keep-alive, X-HOP',
    'Connection',
    'x-more',
    'X-More',
    '2',
    'X-Kept',
    '3',
  ])
  const names = pairs.map(([name]) => name)
  expect(names).toContain('x-kept')
  for (const name of ['x-hop', 'x-more', 'connection']) expect(names).not.toContain(name)
})

test("a destination's own header takes the place of the provider's", () => {
  const pairs = prepared(
    ['User-Agent', 'provider', 'X-Hub-Signature-256', 'sha256=a'],
    ['user-agent', 'ours'],
  )
  expect(pairs.filter(([name]) => name === 'user-agent')).toEqual([['user-agent', 'ours']])
  expect(pairs).toContainEqual(['x-hub-signature-256', 'sha256=a'])
})

test('docs/headers.md names each header that is not forwarded', async () => {
  const page = (await readFile(new URL('../../../docs/headers.md', import.meta.url), 'utf8')).toLowerCase()
  const policy = openForwardPolicy({
    scheme: { credentials: [], signatures: [] },
    forwardCredentials: false,
    replaced: [],
  })
  const source = await readFile(new URL('./forward.ts', import.meta.url), 'utf8')
  const lists = source.slice(0, source.indexOf('const dropped'))
  const listed = [...lists.matchAll(/'([a-z0-9-]+)'/g)].map(([, name]) => name!)
  const names = [...connectionHeaders, ...listed]
  expect(names.length).toBeGreaterThan(40)
  for (const name of names) {
    expect([name, policy.nameFor(name)]).toEqual([name, undefined])
    const written = page.includes(`\`${name.replace(/-$/, '')}`) || /^(x-ssl-client|ssl-client)/.test(name)
    expect([name, written]).toEqual([name, true])
  }
})
