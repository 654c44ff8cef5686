import { until } from '@fairlead/testbed/until'
import { type DestinationId, deliveryId, type EventId, type OrganizationId } from '@fairlead/webhook/id'
import { type AttemptRecord, encodeLogRecords } from '@fairlead/wire/attempt'
import { connectNats } from '@fairlead/wire/connect'
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
const eventCount = 1_000
const destinationCount = 20
/** Of the tries of each delivery, one after the other: the last is the end of it. */
const causes = [
  { outcome: 'destination_failed', status: 500 },
  { outcome: 'destination_failed', status: 503 },
  { outcome: 'response_timeout' },
  { outcome: 'connection_refused' },
  { outcome: 'throttled', status: 429 },
] as const

let api: TestApi
let nats: NatsConnection
let organization: OrganizationId
beforeAll(async () => {
  api = await openTestApi()
  organization = (await anOrganization(api.store, 'acme')).id as OrganizationId
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

// biome-ignore lint/suspicious/noExplicitAny: tests read answers, which were checked
type Json = any

test('100,000 failures of 5 causes at 20 destinations are other issues than 100, or hide their dead letters', async () => {
  for (let number = 0; number < destinationCount; number++) {
    const body = { name: `app-${number}`, url: `https://app-${number}.example/hooks` }
    expect((await api.call('POST', `${base}/destinations`, { body })).status).toBe(201)
  }
  const publish = await openPublishing(nats, api.store.client, organization)
  const events: string[] = []
  for (let count = 0; count < eventCount; count++) events.push(await publish.event(`event ${count}`))
  await until(
    async () => (await api.store.query('select count(*)::int as n from events'))[0]?.n === eventCount,
    { what: 'the events in the log', deadlineMs: 120_000, everyMs: 200 },
  )
  const { body: list } = await api.call('GET', `${base}/destinations`)
  const destinations: string[] = list.items
    .filter(({ name }: Json) => name.startsWith('app-'))
    .map(({ id }: Json) => id)

  const begunMs = performance.now()
  await fail(events, destinations)
  const sentMs = performance.now()
  const issues = await until(
    async () => {
      const { body } = await api.call('GET', `${base}/issues?limit=500`)
      return body.items.every(({ failures }: Json) => failures === eventCount) &&
        body.items.length === destinationCount * causes.length
        ? (body.items as Json[])
        : undefined
    },
    { what: 'the issues', deadlineMs: 600_000, everyMs: 200 },
  )
  const seconds = (ms: number) => (ms / 1_000).toFixed(1)
  console.info(
    `100,000 failures: sent in ${seconds(sentMs - begunMs)} s, all counted ${seconds(performance.now() - sentMs)} s later`,
  )
  const keys = issues.map(({ destination, cause, status }) => `${destination} ${cause} ${status}`)
  expect(new Set(keys).size).toBe(destinationCount * causes.length)
  const { body: dead } = await api.call('GET', `${base}/destinations`)
  expect(dead.items.reduce((sum: number, { dead }: Json) => sum + dead, 0)).toBe(
    eventCount * destinationCount,
  )
  // One notice for each that was opened, however many failures it has.
  const notices = await api.store.query(
    'select change, count(*)::int as n from issue_notices group by change',
  )
  expect(notices).toEqual([{ change: 'opened', n: destinationCount * causes.length }])
}, 1_200_000)

async function fail(events: readonly string[], destinations: readonly string[]): Promise<void> {
  const js = jetstream(nats)
  for (const [number, cause] of causes.entries()) {
    for (const event of events) {
      const batch = destinations.map(to =>
        failureOf(event as EventId, to as DestinationId, number + 1, cause),
      )
      await js.publish('attempts.test', encodeLogRecords(batch))
    }
  }
}

function failureOf(
  event: EventId,
  destination: DestinationId,
  number: number,
  cause: (typeof causes)[number],
): AttemptRecord {
  const isLast = number === causes.length
  return {
    kind: 'attempted',
    organization,
    event,
    eventSeq: eventCount,
    receivedAt: Date.now(),
    delivery: deliveryId(event, destination),
    destination,
    of: destinationCount,
    number,
    trigger: 'route',
    at: Date.now(),
    durationMs: 7,
    ...cause,
    settlement: isLast
      ? { kind: 'dead', reason: 'attempts_exhausted' }
      : { kind: 'retry', at: Date.now() + 3_600_000 },
  }
}
