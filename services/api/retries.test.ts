import { until } from '@fairlead/testbed/until'
import { type DestinationId, deliveryId, type EventId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing, type Publishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
let api: TestApi
let nats: NatsConnection
let publish: Publishing

beforeAll(async () => {
  api = await openTestApi()
  const acme = await anOrganization(api.store, 'acme')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  publish = await openPublishing(nats, api.store.client, acme.id)
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

// biome-ignore lint/suspicious/noExplicitAny: tests read answers, which were checked
type Json = any

const dead = {
  outcome: 'destination_failed',
  status: 500,
  settlement: { kind: 'dead', reason: 'attempts_exhausted' },
} as const

/** Makes dead letters; answers with the ids of their events once the log has them. */
async function die(prefix: string, count: number, destination = 'billing'): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    ids.push(await publish.event(`${prefix} ${i}`))
    await publish.attempt(`${prefix} ${i}`, destination, dead)
  }
  await until(async () => {
    const { body } = await api.call('GET', `${base}/dead-letters?limit=500`)
    return ids.every(id => body.items.some(({ eventId }: Json) => eventId === id))
  })
  return ids
}

/** The events whose deliveries were handed over to workers. */
async function handedOver(): Promise<string[]> {
  const manager = await jetstreamManager(nats)
  const { state } = await manager.streams.info('DELIVERIES')
  const events: string[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('DELIVERIES', { seq })
    if (message?.subject.startsWith('deliveries.due.')) events.push(decodeDelivery(message.data).event)
  }
  return events.sort()
}

const retryOf = async (id: string): Promise<Json> => (await api.call('GET', `${base}/retries/${id}`)).body

test('what was planned is what runs: later deaths are told, and what was tried meanwhile is left out', async () => {
  const planned = await die('planned', 4)
  const { body: plan } = await api.call('POST', `${base}/retries`, { body: { filter: {}, dryRun: true } })
  expect(plan).toMatchObject({
    state: 'planned',
    planned: 4,
    destinations: [{ destination: 'billing', deliveries: 4 }],
    plannedUntil: expect.any(String),
  })
  expect(plan.first).toHaveLength(4)
  expect((await api.call('GET', `${base}/retries`)).body.items).toEqual([])
  expect((await api.call('POST', `${base}/retries/${plan.id}/resume`)).status).toBe(409)

  await die('later', 3)
  const alone = await api.call('POST', `${base}/events/${planned[0]}/retry`)
  expect(alone.status).toBe(202)
  const before = await handedOver()
  const { body: started } = await api.call('POST', `${base}/retries/${plan.id}/start`)
  expect(started).toMatchObject({ state: 'pending', later: { count: 3, orMore: false } })
  const done = await until(async () => {
    const retry = await retryOf(plan.id)
    return retry.state === 'completed' && retry
  })
  expect(done).toMatchObject({ planned: 4, published: 3, skipped: 1 })
  expect(await handedOver()).toEqual([...before, ...planned.slice(1)].sort())
  expect((await api.call('GET', `${base}/retries`)).body.items.map(({ id }: Json) => id)).toEqual([plan.id])
  const audited = await api.call('GET', `${base}/audit-log?action=retry.created`)
  expect(audited.body.items).toMatchObject([{ subjectId: plan.id, details: { planned: 4 } }])
})

test('a plan that is too old is not started', async () => {
  const { body: plan } = await api.call('POST', `${base}/retries`, { body: { filter: {}, dryRun: true } })
  await api.store.query(
    "update replays set planned_until = now() - interval '1 second' where planned_until is not null",
  )
  const { status, body } = await api.call('POST', `${base}/retries/${plan.id}/start`)
  expect([status, body.code]).toEqual([409, 'conflict'])
  expect((await retryOf(plan.id)).state).toBe('expired')
})

test('one that is paused hands nothing over until it goes on, and one that is cancelled never', async () => {
  // More than a slow machine hands over between two looks, at one a second.
  const count = 30
  const ids = await die('paused', count, 'builds')
  const { body: destinations } = await api.call('GET', `${base}/destinations`)
  const builds = destinations.items.find(({ name }: Json) => name === 'builds').id
  const deliveries = ids.map(id => deliveryId(id as EventId, builds as DestinationId))
  const { body: plan } = await api.call('POST', `${base}/retries`, { body: { deliveries, dryRun: true } })
  expect(plan.planned).toBe(count)
  await api.call('POST', `${base}/retries/${plan.id}/cancel`)
  expect((await api.call('POST', `${base}/retries/${plan.id}/start`)).status).toBe(409)
  const { body: slow } = await api.call('POST', `${base}/retries`, { body: { deliveries, ratePerSecond: 1 } })
  await until(async () => (await retryOf(slow.id)).published >= 1)
  const { body: paused } = await api.call('POST', `${base}/retries/${slow.id}/pause`)
  expect(paused.state).toBe('paused')
  // What was in hand when it was paused is handed over to its end; then nothing is, until it goes on.
  const handedBefore = await until(async () => {
    const [before, handed] = [await handedOver(), (await retryOf(slow.id)).published]
    return (await handedOver()).length === before.length && handed > 0 && handed < count && handed
  })
  expect((await retryOf(slow.id)).published).toBe(handedBefore)
  await api.store.query('update replays set rate_per_second = 1000 where ended_at is null')
  await api.call('POST', `${base}/retries/${slow.id}/resume`)
  await until(async () => (await retryOf(slow.id)).state === 'completed')
  expect((await retryOf(slow.id)).published).toBe(count)
})

test("an issue's retry is of its cause alone, and a Replay's id is none of a retry", async () => {
  await die('cause', 2, 'builds')
  await publish.event('other cause')
  await publish.attempt('other cause', 'builds', { ...dead, outcome: 'gone', status: 410 })
  const issues = await until(async () => {
    const { body } = await api.call('GET', `${base}/issues?destination=builds`)
    return body.items.length === 2 && body.items
  })
  const gone = issues.find(({ cause }: Json) => cause === 'gone')
  const { body: plan } = await api.call('POST', `${base}/issues/${gone.id}/retry`, { body: { dryRun: true } })
  expect(plan.planned).toBe(1)
  const asReplay = await api.call('GET', `${base}/replays/${plan.id.replace('rty_', 'rpl_')}`)
  expect(asReplay.status).toBe(404)
})
