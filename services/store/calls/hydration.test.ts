import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { decodeConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { ErrorReason } from '@fairlead/wire/store/error'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { bucketName } from '@fairlead/wire/streams'
import { type KV, Kvm } from '@nats-io/kv'
import { afterAll, beforeAll, expect, test } from 'vitest'

const opened = new AsyncDisposableStack()
let store: TestStore
let bucket: KV

beforeAll(async () => {
  store = opened.use(await startTestStore())
  const nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  bucket = await new Kvm(nats).open(bucketName.config)
})
afterAll(() => opened.disposeAsync())

const change = () => ({ actorId: 'test', requestSha256: new Uint8Array(32) })
const declared = (slug: string, hydrationKeys: { id: string; value: string }[] = []) => ({
  owner: { kind: OwnerKind.KUBERNETES, reference: `tenants/${slug}` },
  slug,
  ledgerEnabled: true,
  sources: ['stripe', 'other', 'github'].map(name => ({
    name,
    settings: { provider: name === 'github' ? 'github' : 'stripe' },
    secrets: [{ id: 'a', value: 'test-only' }],
  })),
  hydrationKeys,
})

async function applied(...given: Parameters<typeof declared>): Promise<string> {
  const { organization } = await store.client.organizations.applyOrganization(declared(...given))
  return organization!.id
}

const put = (organizationId: string, keys: { source: string; key?: string }[], more: object = {}) =>
  store.client.ledger.putHydrationKeys({ organizationId, keys, change: change(), ...more })

/** What workers are told: each source with its key. */
async function published(organizationId: string): Promise<Record<string, string>> {
  const { hydrate = [] } = decodeConfig((await bucket.get(organizationId))!.value)
  const keyring = openKeyring(testEncryptionKeys)
  const seal = sealContext.hydrationKey(organizationId)
  return Object.fromEntries(hydrate.map(({ source, sealed }) => [source, keyring.open(sealed, seal)]))
}

test("a key that a tenant enters reaches workers, is never told, and stays when the organization's owner declares others", async () => {
  const organizationId = await applied('acme')
  const { keys } = await put(organizationId, [{ source: 'stripe', key: 'rk_live_test_only' }])
  expect(keys!.keys).toMatchObject([{ source: 'stripe', key: '', managedBy: 'tenant', mode: 'live' }])
  expect(await published(organizationId)).toEqual({ stripe: 'rk_live_test_only' })
  await applied('acme', [{ id: 'other', value: 'rk_test_declared' }])
  expect(await published(organizationId)).toEqual({ stripe: 'rk_live_test_only', other: 'rk_test_declared' })
  const known = await store.client.ledger.getHydrationKeys({ organizationId })
  expect(known.keys!.keys.map(({ source, managedBy, mode }) => [source, managedBy, mode])).toEqual([
    ['other', 'owner', 'test'],
    ['stripe', 'tenant', 'live'],
  ])
  const refused = await put(organizationId, [{ source: 'other', key: 'rk_live_x' }]).catch(storeErrorDetail)
  expect(refused).toMatchObject({ reason: ErrorReason.MANAGED_BY_OWNER })
  // Those that a tenant entered go, and the declared one stays.
  await put(organizationId, [])
  expect(await published(organizationId)).toEqual({ other: 'rk_test_declared' })
  const { auditLogs } = await store.client.audit.listAuditLogs({ organizationId })
  const entries = auditLogs.filter(({ action }) => action === 'ledger.hydration_changed')
  expect(entries).toHaveLength(2)
  expect(JSON.stringify(entries.map(({ details }) => details))).not.toMatch(/rk_/)
})

test('a key that is left out stays, and of two who change the keys of one state the second is refused', async () => {
  const organizationId = await applied('globex')
  const first = await put(organizationId, [{ source: 'stripe', key: 'rk_test_first' }])
  const precondition = { etags: [first.keys!.etag] }
  await put(organizationId, [{ source: 'stripe' }, { source: 'other', key: 'rk_test_other' }], {
    precondition,
  })
  expect(await published(organizationId)).toEqual({ stripe: 'rk_test_first', other: 'rk_test_other' })
  await expect(put(organizationId, [], { precondition })).rejects.toThrow('by now')
  const { changes } = await put(organizationId, [], { dryRun: true })
  expect(changes.map(({ field }) => field).toSorted()).toEqual(['other', 'stripe'])
  expect(Object.keys(await published(organizationId))).toHaveLength(2)
})

test.each([
  ['a key that is not restricted', { source: 'stripe', key: 'sk_live_everything' }, 'restricted key'],
  [
    'a source of another provider',
    { source: 'github', key: 'rk_test_x' },
    'no source github of the provider stripe',
  ],
  ['a source that is not there', { source: 'none', key: 'rk_test_x' }, 'no source none'],
  ['no key where none is stored', { source: 'stripe' }, 'is missing'],
])('%s is refused, and the message says why without the key', async (_name, key, said) => {
  const organizationId = await applied('initech')
  const refused = await put(organizationId, [key]).catch(String)
  expect(refused).toContain(said)
  expect(refused).not.toMatch(/everything|rk_test_x/)
})
