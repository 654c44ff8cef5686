import { until } from '@fairlead/testbed/until'
import { newId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { MemberRole } from '@fairlead/wire/store/member'
import type { Organization } from '@fairlead/wire/store/organization'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

let api: TestApi
let nats: NatsConnection
let acme: Organization
let globex: Organization
let event: string

beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  globex = await anOrganization(api.store, 'globex')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  const publish = await openPublishing(nats, api.store.client, globex.id)
  event = await publish.event('evt_of_the_provider')
  await publish.attempt('evt_of_the_provider', 'billing', {
    outcome: 'gone',
    status: 410,
    settlement: { kind: 'dead', reason: 'gone' },
  })
  await until(async () => {
    const { body } = await api.call('GET', '/api/v1/organizations/globex/dead-letters')
    return body.items.length === 1
  })
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

const search = async (q: string) =>
  (await api.call('GET', `/api/v1/platform/search?q=${encodeURIComponent(q)}`)).body.items

test('staff who is told an id finds nothing, or another organization than the one whose it is', async () => {
  const { body } = await api.call('GET', '/api/v1/organizations/globex/dead-letters')
  const delivery: string = body.items[0].id
  const owner = { slug: 'globex', displayName: globex.displayName }
  for (const [q, kind, id, eventId] of [
    [event, 'event', event, null],
    ['evt_of_the_provider', 'event', event, null],
    [delivery, 'delivery', delivery, event],
    [`att_${delivery.slice(4)}-1`, 'delivery', delivery, event],
    [globex.id, 'organization', globex.id, null],
  ] as const) {
    expect(await search(q), q).toEqual([expect.objectContaining({ kind, id, eventId, organization: owner })])
  }
  const { body: sources } = await api.call('GET', '/api/v1/organizations/acme/sources')
  expect(await search(sources.items[0].id)).toMatchObject([
    { kind: 'source', name: sources.items[0].name, organization: { slug: 'acme' } },
  ])
  expect(await search(newId('evt', 1))).toEqual([])
})

test('organizations and destinations are not found by part of what people call them', async () => {
  expect((await search('LOBE')).map(({ id }: { id: string }) => id)).toEqual([globex.id])
  const hits = await search('illin')
  expect(hits.map(({ kind }: { kind: string }) => kind)).toEqual(['destination', 'destination'])
  expect(hits.map(({ organization }: { organization: { slug: string } }) => organization.slug)).toEqual([
    'acme',
    'globex',
  ])
})

test('what a text has of SQL or of patterns is taken for such', async () => {
  for (const q of ["'; drop table events; --", '%%', '__', 'a%', '\\%'])
    expect(await search(q), q).toEqual([])
})

test('the health of the platform leaves out what waits, died or fails', async () => {
  // How far the log is, is told a moment after its rows are there.
  const body = await until(async () => {
    const { body } = await api.call('GET', '/api/v1/platform/health')
    return body.log.behindMessages === 0 && body
  })
  expect(body.counts).toMatchObject({ organizations: 2, inactiveOrganizations: 0, deadLetters: 1 })
  expect(body.lastHour).toMatchObject({ events: 1, attempts: 1, delivered: 0, failed: 1, dead: 1 })
  expect(body.troubled).toEqual([
    {
      slug: 'globex',
      displayName: globex.displayName,
      deadLetters: 1,
      failedAttempts: 1,
      failingDestinations: 1,
    },
  ])
  expect(body.streams.map(({ name }: { name: string }) => name)).toContain('EVENTS')
})

test('a tenant looks into the platform, or finds what is another’s', async () => {
  const key = await api.makeKey(acme)
  for (const path of ['/api/v1/platform/health', `/api/v1/platform/search?q=${event}`]) {
    const { status, body } = await api.call('GET', path, { key })
    expect([status, body.code]).toEqual([403, 'forbidden'])
  }
  const viewer = await api.makeKey(undefined, MemberRole.VIEWER)
  expect((await api.call('GET', '/api/v1/platform/health', { key: viewer })).status).toBe(200)
})
