import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anOrganization, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { expect, test } from 'vitest'
import { openConfirmations } from './confirm.ts'
import { openTestReceiver } from './fixtures/a-receiver.ts'

type Line = [message: string, fields: Record<string, unknown>]

/** A server of the provider's on loopback; `https://provider.example` leads there. */
/** @param timeoutMs default 20,000: time for a slow machine */
async function openProvider(answer: RequestListener, maxAtOnce?: number, timeoutMs = 20_000) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const lines: Line[] = []
  const write = (fields: object, message: string) => void lines.push([message, { ...fields }])
  const confirmations = openConfirmations({
    log: { info: write, warn: write },
    fetch: (url, init) => fetch(String(url).replace('https://provider.example', base), init),
    timeoutMs,
    ...(maxAtOnce !== undefined && { maxAtOnce }),
  })
  return {
    asked,
    lines,
    confirmations,
    async [Symbol.asyncDispose]() {
      await confirmations[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test.each<[string, RequestListener, Line]>([
  ['200', (_, response) => response.end('ok'), ['handshake.confirmed', {}]],
  [
    'a redirect is not followed',
    (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    ['handshake.unconfirmed', { reason: 'bad_status', status: 302 }],
  ],
  [
    'an error',
    (_, response) => response.writeHead(403).end(),
    ['handshake.unconfirmed', { reason: 'bad_status', status: 403 }],
  ],
  ['no answer', () => {}, ['handshake.unconfirmed', { reason: 'timed_out' }]],
  [
    'a broken connection',
    request => request.socket.destroy(),
    ['handshake.unconfirmed', { reason: 'unreachable' }],
  ],
  [
    'an answer without end is not read',
    (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    },
    ['handshake.confirmed', {}],
  ],
])('a confirmation: %s', async (_name, answer, [message, fields]) => {
  await using provider = await openProvider(
    answer,
    undefined,
    fields.reason === 'timed_out' ? 2_000 : undefined,
  )
  provider.confirmations.confirm('https://provider.example/?Token=1', { organization: 'acme' })
  await until(async () => provider.lines.length > 0, { what: 'the line' })
  expect(provider.lines).toEqual([
    [message, { organization: 'acme', durationMs: expect.any(Number), ...fields }],
  ])
  expect(provider.asked).toEqual(['/?Token=1'])
})

test('what is not https is not asked', async () => {
  await using provider = await openProvider((_, response) => response.end())
  provider.confirmations.confirm('http://provider.example/', {})
  await until(async () => provider.lines.length > 0)
  expect(provider.lines[0]).toMatchObject(['handshake.unconfirmed', { reason: 'not_https' }])
  expect(provider.asked).toEqual([])
})

test('the same address is asked once at a time, and only so many together', async () => {
  await using provider = await openProvider(() => {}, 2)
  for (const token of [1, 1, 2, 3]) provider.confirmations.confirm(`https://provider.example/${token}`, {})
  expect(provider.lines).toEqual([['handshake.unconfirmed', { reason: 'too_many' }]])
  await until(async () => provider.asked.length === 2)
  expect(provider.asked.sort()).toEqual(['/1', '/2'])
})

test.each<[string, Record<string, string>, string]>([
  ['asana', { 'X-Hook-Secret': 'handed-over' }, '{}'],
  ['notion', {}, '{"verification_token":"handed-over"}'],
  ['notion', {}, '{"verification_token":"handed\\u002dover"}'],
])(
  'a secret that %s hands over is kept sealed for the members, not logged and not used',
  async (provider, headers, body) => {
    const organization = anOrganization('acme', { sources: [{ name: 'new', provider }] })
    await using receiver = await openTestReceiver(organization)
    const answer = await receiver.send({ method: 'POST', path: '/webhooks/acme/new', headers, body })
    expect(answer.status).toBe(200)
    const record = await until(
      async () => (await receiver.manager.streams.getMessage('REJECTIONS', { seq: 1 })) ?? undefined,
    )
    expect(record.string()).toBe('')
    const meta = decodeRejectionMeta(record.header.get(rejectionHeader))
    expect(meta).toMatchObject({ reason: 'key_unavailable', size: body.length })
    expect(JSON.stringify(meta)).not.toContain('handed-over')
    const context = sealContext.offeredSecret(organization.id, 'new')
    expect(openKeyring(testEncryptionKeys).open(meta.offered!, context)).toBe('handed-over')
    expect(receiver.lines.map(({ msg }) => msg)).toContain('secret.offered')
    expect(JSON.stringify(receiver.lines)).not.toContain('handed-over')
    expect((await receiver.manager.streams.info('EVENTS')).state.messages).toBe(0)
  },
)
