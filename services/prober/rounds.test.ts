import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openLog } from '@fairlead/daemon/log'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { identityOf } from './identity.ts'
import { openPartition } from './partition.ts'
import { bodyOf, type Hop, type Probe } from './probe.ts'
import { openRounds } from './rounds.ts'

const lostMs = 600_000
const nowMs = Date.parse('2026-03-01T12:00:00Z')

/** A receiver that accepts everything, and an API that answers as it is told. */
async function openPlatform(answer: (response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    request.resume()
    if (request.method === 'GET') answer(response)
    else response.end('{"id":"evt_new"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Probes of more than ten minutes, with what they have still to pass. */
function overdue(...open: Hop[][]): Probe[] {
  return open.map((hops, index) => {
    const head = { id: `3-${index}-ab`, sequence: index, sentMs: nowMs - lostMs - 1_000 }
    const event = `evt_${index}`
    return { ...head, source: 'github', body: bodyOf(head, 3), tries: 1, event, open: hops }
  })
}

function openRound(apiUrl: string, open: readonly Probe[]) {
  const counted: string[] = []
  const kept = { sequence: open.length, open, minutes: [] }
  const partition = openPartition(3, kept, {
    passed: (hop, result) => counted.push(`${hop} ${result}`),
    lost: () => counted.push('lost'),
    repeated: () => counted.push('repeated'),
  })
  const identity = identityOf('test-only-key-of-the-prober-0123456789', 'fairlead-probe-0')
  const rounds = openRounds({
    probed: [{ target: { partition: 3, identity }, partition }],
    receivers: { at: () => apiUrl, follow: async () => {} },
    apiUrl,
    memory: { read: async () => new Map(), write: async () => {} },
    intervalMs: 15_000,
    lostMs,
    log: openLog({ service: 'prober', level: 'silent' }),
    now: () => nowMs,
  })
  /** One round, and those of the probes that are open after it. */
  const round = async () => {
    rounds.step()
    await rounds.settled()
    return partition.open.map(({ event }) => event).filter(event => event !== 'evt_new')
  }
  return { rounds, round, counted }
}

test.each([
  ['lost where the log is behind', 404, 'log'],
  ['lost where it is in the log, and not yet delivered there', 200, 'log'],
  ['open for ever while the API can not be asked', 503, 'log'],
  ['kept in memory while the API can not be asked, though its message was missed', 503, 'nats'],
] as const)('a probe that has arrived is %s', async (_name, status, hop) => {
  await using api = await openPlatform(response => response.writeHead(status).end('{"status":"pending"}'))
  const { round, counted } = openRound(api.url, overdue([hop]))
  expect(await round()).toEqual([])
  expect(counted).toContain(`${hop} late`)
  expect(counted).not.toContain('lost')
})

test.each([
  ['arrived', 'first_attempt'],
  ['come again after it was answered 503', 'retry'],
] as const)('a probe that has not %s is no loss', async (_name, hop) => {
  await using api = await openPlatform(response => response.writeHead(404).end())
  const { round, counted } = openRound(api.url, overdue([hop]))
  expect(await round()).toEqual([])
  expect(counted).toEqual(expect.arrayContaining([`${hop} failed`, 'lost']))
})

test('a probe that has not arrived is called lost, or forgotten, while the API can not be asked', async () => {
  await using api = await openPlatform(response => response.writeHead(503).end())
  const { round, counted } = openRound(api.url, overdue(['first_attempt']))
  expect(await round()).toEqual(['evt_0'])
  expect(counted).not.toContain('lost')
})

test('an API that hangs is asked for all open probes of a partition at one time', async () => {
  const asked: ServerResponse[] = []
  await using api = await openPlatform(response => void asked.push(response))
  const { rounds, counted } = openRound(api.url, overdue(['log'], ['log'], ['log']))
  for (let i = 0; i < 5; i++) rounds.step()
  await until(() => asked.length === 1)
  for (let i = 0; i < 5; i++) rounds.step()
  asked[0]!.writeHead(404).end()
  await rounds.settled()
  expect(asked).toHaveLength(1)
  expect(counted.filter(line => line === 'log late')).toHaveLength(1)
})
