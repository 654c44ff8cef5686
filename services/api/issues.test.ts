import { until } from '@fairlead/testbed/until'
import type { OrganizationId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing, type Publishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const path = '/api/v1/organizations/acme/issues'
let api: TestApi
let nats: NatsConnection
let organization: OrganizationId
let publish: Publishing

beforeAll(async () => {
  api = await openTestApi()
  const acme = await anOrganization(api.store, 'acme')
  organization = acme.id as OrganizationId
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  publish = await openPublishing(nats, api.store.client, acme.id)
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

const failure = (status: number, number = 1) =>
  ({
    number,
    outcome: 'destination_failed',
    status,
    settlement: { kind: 'retry', at: Date.now() + 3_600_000 },
  }) as const

// biome-ignore lint/suspicious/noExplicitAny: tests read answers, which were checked
type Json = any

const issueWhen = (query: string, fits: (issue: Json) => boolean): Promise<Json> =>
  until(
    async () => {
      const { body } = await api.call('GET', `${path}?${query}`)
      return body.items.length === 1 && fits(body.items[0]) && body.items[0]
    },
    { what: `an issue of ${query}`, deadlineMs: 30_000 },
  )

test('failures of one cause are one issue, which is told once a change and comes back as regressed', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `event ${i}`)
  for (const name of names) {
    await publish.event(name)
    await publish.attempt(name, 'billing', failure(500))
  }
  for (const name of names.slice(0, 4)) await publish.attempt(name, 'billing', failure(500, 2))
  const issue = await issueWhen('destination=billing', ({ failures }) => failures === 16)
  expect(issue).toMatchObject({
    kind: 'delivery',
    destination: 'billing',
    cause: 'destination_failed',
    status: 500,
    state: 'open',
    regressed: false,
    events: 12,
    failing: { count: 12, orMore: false },
    sample: { attempt: expect.stringMatching(/^att_/) },
  })
  expect((await api.call('GET', `/api/v1/organizations/acme/attempts/${issue.sample.attempt}`)).status).toBe(
    200,
  )

  const { body: known } = await api.call('POST', `${path}/${issue.id}/acknowledge`)
  expect([known.state, known.changedBy]).toEqual(['acknowledged', expect.stringMatching(/^test /)])
  await api.call('POST', `${path}/${issue.id}/acknowledge`)
  await api.call('POST', `${path}/${issue.id}/resolve`)
  await publish.event('later')
  await publish.attempt('later', 'billing', failure(500))
  await issueWhen('destination=billing', ({ state, regressed }) => state === 'open' && regressed)

  // It is over by itself when all that waited was delivered.
  for (const name of [...names, 'later']) await publish.attempt(name, 'billing', { number: 3 })
  const over = await issueWhen('destination=billing', ({ state }) => state === 'resolved')
  expect([over.changedBy, over.failing.count, over.failures]).toEqual(['recovery', 0, 17])
  const notices = await api.store.query('select change from issue_notices order by at')
  expect(notices.map(({ change }) => change)).toEqual([
    'opened',
    'acknowledged',
    'resolved',
    'regressed',
    'resolved',
  ])
  const { body: detail } = await api.call('GET', `${path}/${issue.id}`)
  expect(detail.trend.reduce((sum: number, { failures }: Json) => sum + failures, 0)).toBe(17)
})

test('an issue that is ignored for so many failures is told again after them', async () => {
  await publish.event('first')
  await publish.attempt('first', 'builds', failure(503))
  const issue = await issueWhen('destination=builds', ({ failures }) => failures === 1)
  const { body: ignored } = await api.call('POST', `${path}/${issue.id}/ignore`, { body: { failures: 2 } })
  expect(ignored).toMatchObject({ state: 'ignored', ignoredFailures: 3 })
  await publish.attempt('first', 'builds', failure(503, 2))
  await issueWhen('destination=builds', ({ failures, state }) => failures === 2 && state === 'ignored')
  await publish.attempt('first', 'builds', failure(503, 3))
  await issueWhen('destination=builds', ({ failures, state }) => failures === 3 && state === 'open')
})

test('requests that do not verify are an issue of their source, one for each reason', async () => {
  for (const reason of ['signature_mismatch', 'signature_mismatch', 'timestamp_too_old']) {
    const kept = headers()
    kept.set(
      rejectionHeader,
      encodeRejectionMeta({
        organization,
        source: 'stripe',
        provider: 'stripe',
        receivedAt: Date.now(),
        reason,
        method: 'POST',
        url: '/webhooks/acme/stripe',
        headers: [],
        size: 2,
      }),
    )
    await jetstream(nats).publish(rejectionsSubject(organization, 'stripe'), '{}', { headers: kept })
  }
  const found = await until(
    async () => {
      const { body } = await api.call('GET', `${path}?kind=refusal`)
      return body.items.length === 2 && body.items
    },
    { what: 'two issues', deadlineMs: 30_000 },
  )
  const counts = found.map(({ source, cause, failures }: Json) => [source, cause, failures])
  expect(counts.sort()).toEqual([
    ['stripe', 'signature_mismatch', 2],
    ['stripe', 'timestamp_too_old', 1],
  ])
})
