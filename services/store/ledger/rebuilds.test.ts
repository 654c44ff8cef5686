import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpLedger, recordEvents } from './fixtures/record-life.ts'
import { stripeLife } from './fixtures/stripe-life.ts'

const opened = new AsyncDisposableStack()
const change = { actorId: 'test', actorName: 'tester', requestSha256: new Uint8Array(32) }
let store: TestStore

beforeAll(async () => {
  store = opened.use(await startTestStore())
})
afterAll(() => opened.disposeAsync())

async function anOrganization(slug: string): Promise<OrganizationId> {
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
  })
  const id = organization!.id as OrganizationId
  await recordEvents(store, id, stripeLife({ name: slug }))
  return id
}

const ended = (organizationId: OrganizationId, rebuildId: string) =>
  until(
    async () => {
      const { rebuild } = await store.client.ledger.getLedgerRebuild({ organizationId, rebuildId })
      return rebuild?.endedAt && rebuild
    },
    { what: 'the end of the rebuild', deadlineMs: 60_000 },
  )

const entriesOf = async (organization: OrganizationId): Promise<unknown[]> => {
  const rows = await store.query(
    `select action from audit_logs where organization_id = $1 and action like 'ledger.%' order by seq`,
    [toUuid(organization)],
  )
  return rows.map(({ action }) => action)
}

test('a rebuild that nobody waits for goes on, and its beginning and end are in the audit log', async () => {
  const organizationId = await anOrganization('left')
  const before = await dumpLedger(store, organizationId)
  const { rebuild } = await store.client.ledger.rebuildLedger({ organizationId, startOnly: true, change })
  expect(rebuild).toMatchObject({ objects: 0n, createdBy: 'tester' })
  const done = await ended(organizationId, rebuild!.id)
  expect(done).toMatchObject({ state: 'completed', fault: '' })
  expect(done.objects).toBeGreaterThan(8n)
  expect(await dumpLedger(store, organizationId)).toBe(before)
  expect(await entriesOf(organizationId)).toEqual(['ledger.rebuild_requested', 'ledger.rebuilt'])
  const { rebuilds } = await store.client.ledger.listLedgerRebuilds({ organizationId })
  expect(rebuilds.map(({ id }) => id)).toEqual([rebuild!.id])
})

test('a rebuild whose store was killed is begun anew by another', async () => {
  const organizationId = await anOrganization('killed')
  const before = await dumpLedger(store, organizationId)
  const id = newId('rbd', Date.now())
  await store.query(
    `insert into ledger_rebuilds (organization_id, id, state, of, created_by, started_at, alive_at, tries)
     values ($1, $2, 'running', 9, 'tester', now() - interval '1 minute', now() - interval '31 seconds', 1)`,
    [toUuid(organizationId), toUuid(id)],
  )
  expect(await ended(organizationId, id)).toMatchObject({ state: 'completed' })
  expect(await dumpLedger(store, organizationId)).toBe(before)
})

test('a rebuild that kills each store that carries it out is given up, with its entry, and claimed by no further one', async () => {
  const organizationId = await anOrganization('deadly')
  const before = await dumpLedger(store, organizationId)
  const id = newId('rbd', Date.now())
  await store.query(
    `insert into ledger_rebuilds (organization_id, id, state, objects, of, created_by, started_at, alive_at, tries)
     values ($1, $2, 'running', 4, 9, 'tester', now() - interval '1 hour', now() - interval '31 seconds', 20)`,
    [toUuid(organizationId), toUuid(id)],
  )
  const done = await ended(organizationId, id)
  expect(done).toMatchObject({ state: 'failed', objects: 4n })
  expect(done.fault).toContain('20 times')
  expect(await dumpLedger(store, organizationId)).toBe(before)
  expect(await entriesOf(organizationId)).toEqual(['ledger.rebuild_failed'])
})

test('while a rebuild has not ended, asking for another answers it, and one of the other mode is its own', async () => {
  const organizationId = await anOrganization('twice')
  const id = newId('rbd', Date.now())
  await store.query(
    `insert into ledger_rebuilds (organization_id, id, state, of, created_by, started_at, alive_at)
     values ($1, $2, 'running', 9, 'tester', now(), now() + interval '1 hour')`,
    [toUuid(organizationId), toUuid(id)],
  )
  const again = await store.client.ledger.rebuildLedger({ organizationId, startOnly: true, change })
  expect(again.rebuild?.id).toBe(id)
  const { rebuild } = await store.client
    .inMode('test')
    .ledger.rebuildLedger({ organizationId, startOnly: true, change })
  expect(rebuild).toMatchObject({ mode: 'test' })
  expect(rebuild?.id).not.toBe(id)
  expect(await entriesOf(organizationId)).toContain('ledger.rebuild_requested')
})

test('a fault of ours ends a rebuild as failed, with its entry, and leaves the rows as they were', async () => {
  const organizationId = await anOrganization('faulty')
  const before = await dumpLedger(store, organizationId)
  await store.query(
    `update ledger_facts set after = '{"status": 7, "items": "none"}' where organization_id = $1 and kind = 'subscription'
       and after is not null`,
    [toUuid(organizationId)],
  )
  const { rebuild } = await store.client.ledger.rebuildLedger({ organizationId, startOnly: true, change })
  const done = await ended(organizationId, rebuild!.id)
  expect(done.state).toBe('failed')
  expect(done.fault).not.toBe('')
  expect(await dumpLedger(store, organizationId)).toBe(before)
  expect(await entriesOf(organizationId)).toEqual(['ledger.rebuild_requested', 'ledger.rebuild_failed'])
})
