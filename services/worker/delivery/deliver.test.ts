import { anOrganization, putConfiguration, testSigningSecret } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import type { EventId } from '@fairlead/webhook/id'
import type { OrganizationConfig } from '@fairlead/wire/config'
import { deadHeader, decodeDeadMeta } from '@fairlead/wire/dead'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { attemptsOf, openPlatform, startWorker } from '../fixtures/platform.ts'

type Opened = Awaited<ReturnType<typeof openPlatform>>

/** Publishes the configuration, revision 2, with a change of its one destination. */
const changeDestination = (
  { nats, organization }: Opened,
  change: Partial<OrganizationConfig['destinations'][number]>,
) =>
  putConfiguration(nats, { ...organization, destinations: [{ ...organization.destinations[0]!, ...change }] })

/** Publishes an event, and waits until its delivery is parked. */
async function publishParked(opened: Opened, body: string) {
  const id = await opened.publish(body, { revision: 2 })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 1, {
    what: 'a parked delivery',
  })
  return id
}

/** Waits until ATTEMPTS has a number of attempts of an event. */
const untilAttempts = (opened: Opened, id: EventId, count: number) =>
  until(
    async () => {
      const all = attemptsOf(await opened.records(), id)
      return all.length === count && all
    },
    { what: `${count} recorded attempts` },
  )

test('an event arrives with its bytes and headers, signed, and stands in the log', async () => {
  await using opened = await openPlatform()
  await using _running = await startWorker(opened.server.url)
  const body = '{"ref": "ünï"}'
  const headers = [
    'Content-Type',
    'application/json',
    'X-GitHub-Event',
    'push',
    'Connection',
    'x-hop',
    'X-Hop',
    '1',
  ]
  const id = await opened.publish(body, { headers })
  const got = await opened.sink.waitFor(() => true)
  expect(got.body.toString()).toBe(body)
  expect(got.url).toBe('/hooks')
  expect(got.headers).toMatchObject({
    'content-type': 'application/json',
    'x-github-event': 'push',
    'webhook-id': id,
    'fairlead-event-id': id,
    'fairlead-source': 'github',
    'fairlead-provider': 'github',
    'fairlead-event-type': 'push',
    'fairlead-attempt': '1',
    'fairlead-trigger': 'route',
    'fairlead-organization': 'acme',
  })
  expect(got.headers).not.toHaveProperty('x-hop')
  expect(
    new Webhook(testSigningSecret).verify(got.body.toString(), got.headers as Record<string, string>),
  ).toEqual({
    ref: 'ünï',
  })
  const records = await until(async () => {
    const all = await opened.records()
    return all.length > 0 && all
  })
  expect(records).toMatchObject([
    {
      kind: 'attempted',
      event: id,
      number: 1,
      of: 1,
      outcome: 'delivered',
      status: 200,
      settlement: { kind: 'delivered' },
    },
  ])
})

test('a failed delivery is tried again on schedule, with the same id and the next number', async () => {
  await using opened = await openPlatform()
  opened.sink.answer((_request, count) => ({ status: count < 3 ? 500 : 204 }))
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{}')
  const got = await opened.sink.waitForCount(3)
  expect(got.map(({ headers }) => headers['fairlead-attempt'])).toEqual(['1', '2', '3'])
  expect(new Set(got.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]))
  for (const [earlier, later] of [
    [got[0], got[1]],
    [got[1], got[2]],
  ]) {
    expect(later!.at - earlier!.at).toBeGreaterThanOrEqual(790) // a second, ±20 %
  }
  const attempts = await untilAttempts(opened, id, 3)
  expect(attempts.map(({ settlement }) => settlement.kind)).toEqual(['retry', 'retry', 'delivered'])
})

test('a delivery that uses up its attempts becomes a dead letter with its body', async () => {
  await using opened = await openPlatform()
  await changeDestination(opened, { retryDelaysSeconds: [0.2] })
  opened.sink.answer({ status: 500, body: 'no' })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{"dead":true}', { revision: 2 })
  const letter = await until(
    async () => (await opened.manager.streams.getMessage('DEAD', { seq: 1 })) ?? undefined,
  )
  expect(letter.string()).toBe('{"dead":true}')
  expect(decodeDeadMeta(letter.header.get(deadHeader))).toMatchObject({
    attempt: 2,
    reason: 'attempts_exhausted',
  })
  const attempts = await untilAttempts(opened, id, 2)
  expect(attempts.at(-1)).toMatchObject({
    outcome: 'destination_failed',
    status: 500,
    settlement: { kind: 'dead', reason: 'attempts_exhausted' },
  })
})

test('routes choose by source and type; an event without a route is recorded as unrouted', async () => {
  await using opened = await openPlatform({
    destinations: [
      { name: 'pushes', url: 'http://127.0.0.1:1/unused' },
      { name: 'all', url: 'http://127.0.0.1:1/unused' },
    ],
  })
  const [pushes, all] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [
      { ...pushes!, url: `${opened.sink.url}/pushes` },
      { ...all!, url: `${opened.sink.url}/all` },
    ],
    routes: [
      { ...opened.organization.routes[0]!, eventTypes: ['push'], destinations: ['pushes', 'all'] },
      { ...opened.organization.routes[0]!, eventTypes: ['issues.*'], destinations: ['all'] },
    ],
  })
  await using _running = await startWorker(opened.server.url)
  const both = await opened.publish('{"n":1}', { type: 'push', revision: 2 })
  const one = await opened.publish('{"n":2}', { type: 'issues.opened', revision: 2 })
  const none = await opened.publish('{"n":3}', { type: 'star', revision: 2 })
  // One request of two types, of which a route matches the second.
  await opened.publish('{"n":4}', { type: 'star', types: ['star', 'issues.opened'], revision: 2 })
  await opened.sink.waitForCount(4)
  const wanted = opened.sink.received.map(({ url, body }) => `${url} ${body}`).sort()
  expect(wanted).toEqual(['/all {"n":1}', '/all {"n":2}', '/all {"n":4}', '/pushes {"n":1}'])
  const records = await until(async () => {
    const found = await opened.records()
    return found.length === 6 && found
  })
  const routed = records.filter(record => record.kind === 'routed')
  expect(routed.find(({ event }) => event === both)?.destinations).toHaveLength(2)
  expect(routed.find(({ event }) => event === none)?.destinations).toEqual([])
  expect(routed.some(({ event }) => event === one)).toBe(false)
})

test('a waiting delivery is logged as destination_deleted when its destination is deleted', async () => {
  await using opened = await openPlatform()
  await changeDestination(opened, { paused: true })
  await using _running = await startWorker(opened.server.url)
  const id = await publishParked(opened, '{}')
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [], routes: [] })
  const attempts = await untilAttempts(opened, id, 1)
  expect(attempts[0]).toMatchObject({ settlement: { kind: 'dead', reason: 'destination_deleted' } })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 0, {
    what: 'nothing left in DELIVERIES',
  })
})

test('a sequence that EVENTS has given to another event delivers nothing', async () => {
  await using opened = await openPlatform()
  await changeDestination(opened, { paused: true })
  await using _running = await startWorker(opened.server.url)
  const id = await publishParked(opened, '{"mine":1}')
  // EVENTS is lost and made anew: the same sequence is an event of another organization.
  const { config } = await opened.manager.streams.info('EVENTS')
  await opened.manager.streams.delete('EVENTS')
  await opened.manager.streams.add(config)
  await opened.publish('{"not":"mine"}', { revision: 2, type: 'other' })
  await putConfiguration(opened.nats, { ...opened.organization, routes: [] })
  const attempts = await untilAttempts(opened, id, 1)
  expect(attempts[0]).toMatchObject({ outcome: 'event_expired', settlement: { kind: 'dead' } })
  expect(opened.sink.received.filter(({ headers }) => headers['webhook-id'] === id)).toHaveLength(0)
})

test('an event waits for the configuration that its receiver knew', async () => {
  await using opened = await openPlatform({ routes: [] })
  await using _running = await startWorker(opened.server.url)
  await opened.publish('{"early":1}', { revision: 2 })
  const all = { ...anOrganization('x', { destinations: [] }).routes[0]!, destinations: ['app'] }
  await putConfiguration(opened.nats, { ...opened.organization, routes: [all] })
  await opened.sink.waitForCount(1)
})
