import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { type DestinationId, eventId, type OrganizationId, type SourceId } from '@fairlead/webhook/id'
import { decodeConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { decodeDestinationAuth } from '@fairlead/wire/destination-auth'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { PauseReason } from '@fairlead/wire/store/destination'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { Kvm } from '@nats-io/kv'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishEvent, publishRecords } from '../project/fixture/publish-story.ts'
import { anEventMeta, recordsOf } from '../project/fixture/story.ts'

const auth = JSON.stringify([{ kind: 'bearer', token: 'test-token' }])
const declared = {
  owner: { kind: OwnerKind.FILE, reference: 'acme.yaml' },
  slug: 'acme',
  sources: [
    { name: 'stripe', settings: { provider: 'stripe' }, secrets: [{ id: 'one', value: 'test-secret' }] },
  ],
  destinations: [
    { name: 'billing', settings: { url: 'https://billing.acme.example' }, auth },
    { name: 'bus', settings: { nats: true } },
    { name: 'count', settings: { processor: 'tally' } },
  ],
  routes: [
    {
      settings: {
        source: 'stripe',
        eventTypes: ['*'],
        destinations: ['billing', 'bus', 'count'],
        order: { key: { case: 'pointer' as const, value: '/data/object/customer' }, maxWaitSeconds: 60 },
      },
    },
  ],
}

async function open() {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await startTestStore())
  const nats = await connectNats({ url: store.natsUrl, name: 'test' })
  stack.defer(() => nats.close())
  const applied = await store.client.organizations.applyOrganization(declared)
  const organization = applied.organization!.id as OrganizationId
  const bucket = await new Kvm(nats).open('config')
  return {
    store,
    nats,
    organization,
    source: applied.sources[0]!.id as SourceId,
    destination: applied.destinations.find(({ name }) => name === 'billing')!.id as DestinationId,
    async published() {
      const entry = await bucket.get(organization)
      if (!entry) throw new Error('nothing is published yet')
      return { revision: entry.revision, config: decodeConfig(entry.value) }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('kinds, authentication and order reach the bucket; the same again writes nothing', async () => {
  await using opened = await open()
  const { config, revision } = await opened.published()
  expect(
    config.destinations.map(({ name, kind, url, processor }) => ({ name, kind, url, processor })),
  ).toEqual([
    { name: 'billing', kind: 'http', url: 'https://billing.acme.example', processor: '' },
    { name: 'bus', kind: 'nats', url: '', processor: '' },
    { name: 'count', kind: 'processor', url: '', processor: 'tally' },
  ])
  expect(config.routes[0]!.order).toEqual({
    key: { from: 'body', pointer: '/data/object/customer' },
    maxWaitSeconds: 60,
  })
  const context = sealContext.destinationAuth(opened.organization, 'billing')
  const sealed = config.destinations[0]!.auth!
  expect(sealed).not.toContain('test-token')
  const plain = openKeyring(testEncryptionKeys).open(sealed, context)
  expect(decodeDestinationAuth(plain)).toEqual([{ kind: 'bearer', token: 'test-token' }])
  await opened.store.client.organizations.applyOrganization(declared)
  expect((await opened.published()).revision).toBe(revision)
})

describe('what leaves the store as it is', () => {
  let store: TestStore
  beforeAll(async () => {
    store = await startTestStore()
  })
  afterAll(() => store?.[Symbol.asyncDispose]())

  test.each([
    ['two kinds', { name: 'x', settings: { url: 'https://x.example', nats: true } }],
    ['no kind', { name: 'x', settings: {} }],
    [
      'an authentication that no one could use',
      { name: 'x', settings: { nats: true }, auth: '[{"kind":"none"}]' },
    ],
  ])('refuses %s', async (_name, destination) => {
    const request = { ...declared, destinations: [...declared.destinations, destination] }
    await expect(store.client.organizations.applyOrganization(request)).rejects.toThrow('destinations[3]')
  })

  test('an audit entry that code writes around the chain is refused', async () => {
    await expect(
      store.query(
        `insert into audit_logs (organization_id, id, at, actor_kind, actor_id, action, subject_id, details)
         values (null, gen_random_uuid(), now(), 'system', 'store', 'destination.paused', 'dst_x', '{}')`,
      ),
    ).rejects.toThrow('audit_logs_chained')
  })
})

test('a destination that answers 410 is paused and shown as paused, stays so over an apply, and can be resumed', async () => {
  await using opened = await open()
  const { client } = opened.store
  const id = eventId(opened.organization, 'stripe', { id: 'test-1' })
  const meta = anEventMeta({
    organization: opened.organization,
    sourceId: opened.source,
    id,
    receivedAt: Date.now() - 1_000,
    secret: 'one',
  })
  const seq = await publishEvent(opened.nats, meta)
  const attempts = [{ outcome: 'gone', status: 410 }]
  const planned = {
    meta,
    matched: true,
    deliveries: [{ destination: opened.destination, attempts: 1, end: 'dead' as const }],
  }
  const records = recordsOf(planned, seq).map(record =>
    record.kind === 'attempted' ? { ...record, ...attempts[0] } : record,
  )
  await publishRecords(opened.nats, records)

  const key = { organizationId: opened.organization }
  const billing = async () =>
    (await client.destinations.listDestinations(key)).destinations.find(({ name }) => name === 'billing')!
  await until(async () => (await billing()).pauseReason === PauseReason.GONE, {
    what: 'the pause',
  })
  const paused = async () => (await opened.published()).config.destinations[0]!.paused
  await until(paused, { what: 'the published pause' })
  const { auditLogs } = await client.audit.listAuditLogs(key)
  expect(auditLogs.filter(({ action }) => action === 'destination.paused')).toHaveLength(1)
  expect(Number((await client.audit.verifyAuditLog(key)).entries)).toBe(auditLogs.length)

  await client.organizations.applyOrganization({ ...declared, displayName: 'Acme Corp' })
  expect((await billing()).pauseReason).toBe(PauseReason.GONE)
  expect(await paused()).toBe(true)

  await client.destinations.resumeDestination({ ...key, destinationId: opened.destination })
  expect((await billing()).pauseReason).toBe(PauseReason.UNSPECIFIED)
  await until(async () => !(await paused()), { what: 'the published resumption' })
  await client.destinations.pauseDestination({ ...key, destinationId: opened.destination })
  expect((await billing()).pauseReason).toBe(PauseReason.ASKED)
})

test('destinations that are paused together each have their entry in their organization’s audit chain', async () => {
  await using opened = await open()
  const { client } = opened.store
  const key = { organizationId: opened.organization }
  const other = await client.organizations.applyOrganization({
    ...declared,
    slug: 'beta',
    owner: { ...declared.owner, reference: 'beta.yaml' },
  })
  const others = { organizationId: other.organization!.id }
  await opened.store.query(
    `insert into destination_health (organization_id, destination_id, last_attempt_at, last_error)
     select organization_id, id, now(), '410' from destinations`,
  )
  const pausesOf = async (of: { organizationId: string }) =>
    (await client.audit.listAuditLogs(of)).auditLogs.filter(({ action }) => action === 'destination.paused')
  await until(async () => (await pausesOf(key)).length === 3 && (await pausesOf(others)).length === 3, {
    what: 'the pauses of both organizations',
  })
  for (const of of [key, others]) {
    const { entries, faults } = await client.audit.verifyAuditLog(of)
    expect(faults).toEqual([])
    expect(Number(entries)).toBe((await client.audit.listAuditLogs(of)).auditLogs.length)
  }
})
