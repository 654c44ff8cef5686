import type { MessageInitShape } from '@bufbuild/protobuf'
import { type Code, ConnectError } from '@connectrpc/connect'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { newId, parseId, toUuid } from '@fairlead/webhook/id'
import { decodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { ErrorReason } from '@fairlead/wire/store/error'
import { type ApplyOrganizationRequestSchema, OwnerKind } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { bucketName } from '@fairlead/wire/streams'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'

let store: TestStore
let nats: NatsConnection
let bucket: KV
beforeAll(async () => {
  store = await startTestStore()
  nats = await connectNats({ url: store.natsUrl, name: 'test' })
  bucket = await new Kvm(nats).open(bucketName.config)
})
afterAll(async () => {
  await nats?.close()
  await store?.[Symbol.asyncDispose]()
})

type Desired = Extract<MessageInitShape<typeof ApplyOrganizationRequestSchema>, { $typeName?: never }>

/** What a resource declares; applied again, it is what the operator's next reconciliation asks for. */
const declared = (slug: string, overrides: Partial<Desired> = {}): Desired => ({
  owner: { kind: OwnerKind.KUBERNETES, reference: `tenants/${slug}` },
  slug,
  sources: [
    { name: 'github', settings: { provider: 'github' }, secrets: [{ id: 'a/b', value: 'test-only' }] },
  ],
  destinations: [{ name: 'billing', settings: { url: 'https://billing.example/' } }],
  routes: [{ settings: { source: 'github', eventTypes: ['*'], destinations: ['billing'] } }],
  ...overrides,
})

async function anOrganization(slug: string): Promise<string> {
  const { organization } = await store.client.organizations.applyOrganization(declared(slug))
  return organization!.id
}

const aSource = (
  organizationId: string,
  name: string,
  secrets = [{ id: 'first', value: 'test-only-first' }],
) => ({
  organizationId,
  source: name,
  desired: { name, settings: { provider: 'github' }, secrets },
})
const aDestination = (
  organizationId: string,
  name: string,
  desired: {
    settings?: { url: string }
    headers?: { id: string; value: string }[]
    auth?: string
  } = {},
) => ({
  organizationId,
  destination: name,
  desired: { name, settings: { url: 'https://tenant.example/hooks' }, ...desired },
})
const aRoute = (organizationId: string, source: string, destinations: string[], route = '') => ({
  organizationId,
  route,
  desired: { settings: { source, eventTypes: ['*'], destinations } },
})

async function published(organization: string): Promise<OrganizationConfig> {
  const entry = await bucket.get(organization)
  return decodeConfig(entry!.value)
}

async function failure(
  call: Promise<unknown>,
): Promise<{ code: Code; reason?: ErrorReason; field?: string }> {
  const error = await call.then(
    () => expect.fail('the call was answered'),
    (error: unknown) => error,
  )
  if (!(error instanceof ConnectError)) throw error
  const detail = storeErrorDetail(error)
  return { code: error.code, ...(detail && { reason: detail.reason, field: detail.field }) }
}

async function entries(organizationId: string) {
  const { auditLogs } = await store.client.audit.listAuditLogs({ organizationId })
  return auditLogs.map(({ action, details }) => ({ action, details: details as Record<string, unknown> }))
}

test("what a tenant adds survives the owner's next apply, also one that changes everything else", async () => {
  const id = await anOrganization('survives')
  const { sources, destinations, routes } = store.client
  await sources.putSource(aSource(id, 'own'))
  await destinations.putDestination(
    aDestination(id, 'mine', {
      headers: [{ id: 'x-key', value: 'test-only' }],
      auth: bearer('test-only-token'),
    }),
  )
  await routes.putRoute(aRoute(id, 'own', ['mine', 'billing']))
  const before = await published(id)
  await store.client.organizations.applyOrganization(declared('survives'))
  expect(await published(id)).toEqual(before)
  await store.client.organizations.applyOrganization(
    declared('survives', { sources: [], destinations: [], routes: [], plan: 'pro' }),
  )
  const after = await published(id)
  expect(after.sources).toEqual(before.sources.filter(({ name }) => name === 'own'))
  expect(after.destinations).toEqual(before.destinations.filter(({ name }) => name === 'mine'))
  expect(after.routes).toEqual(before.routes.filter(({ source }) => source === 'own'))
})

const bearer = (token: string) => JSON.stringify([{ kind: 'bearer', token }])

test('what the owner declares is not changed by others, and names its owner as the reason', async () => {
  const id = await anOrganization('owned')
  const before = await published(id)
  const { sources, destinations, routes, organizations } = store.client
  const [route] = (await routes.listRoutes({ organizationId: id })).routes
  const refused = [
    () => sources.putSource(aSource(id, 'github')),
    () => sources.deleteSource({ organizationId: id, sourceId: 'github' }),
    () => destinations.putDestination(aDestination(id, 'billing')),
    () => destinations.deleteDestination({ organizationId: id, destination: 'billing' }),
    () => routes.putRoute(aRoute(id, '*', ['billing'], route!.id)),
    () => routes.deleteRoute({ organizationId: id, route: route!.id }),
  ]
  for (const call of refused)
    expect(await failure(call())).toMatchObject({ reason: ErrorReason.MANAGED_BY_OWNER })
  expect(await failure(organizations.updateOrganization({ organizationId: id }))).toMatchObject({
    reason: ErrorReason.OWNED_BY_ANOTHER,
  })
  expect(await published(id)).toEqual(before)
})

test('two editors who read the same version: the second one is refused, and nothing is overwritten', async () => {
  const id = await anOrganization('editors')
  const { source } = await store.client.sources.putSource(aSource(id, 'own'))
  const edit = (perSecond: number) =>
    store.client.sources.putSource({
      ...aSource(id, 'own', [{ id: 'first', value: '' }]),
      desired: {
        name: 'own',
        settings: { provider: 'github', rateLimit: { perSecond } },
        secrets: [{ id: 'first', value: '' }],
      },
      precondition: { etags: [source!.etag] },
    })
  for (let round = 0; round < 5; round++) {
    const results = await Promise.allSettled([edit(round + 1), edit(round + 101)])
    if (round === 0) expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    else expect(results.every(({ status }) => status === 'rejected')).toBe(true)
  }
  const { sources } = await store.client.sources.listSources({ organizationId: id })
  expect(sources.find(({ name }) => name === 'own')!.settings!.rateLimit!.perSecond % 100).toBe(1)
})

test('a secret that changes under its id makes another version, and so does one that is added', async () => {
  const id = await anOrganization('versions')
  const put = async (secrets: { id: string; value: string }[]) =>
    (await store.client.sources.putSource(aSource(id, 'own', secrets))).source!.etag
  const first = await put([{ id: 'a', value: 'test-only-1' }])
  const same = await put([{ id: 'a', value: '' }])
  const other = await put([{ id: 'a', value: 'test-only-2' }])
  const added = await put([
    { id: 'a', value: '' },
    { id: '', value: 'test-only-3' },
  ])
  expect(same).toBe(first)
  expect(new Set([first, other, added]).size).toBe(3)
  const { sources } = await store.client.sources.listSources({ organizationId: id })
  const ids = sources.find(({ name }) => name === 'own')!.secrets.map(secret => secret.id)
  expect(ids).toEqual(['a', expect.stringMatching(/^[0-9a-f]{12}$/)])
  const keyring = openKeyring(testEncryptionKeys)
  const [sealed] = (await published(id)).sources.find(({ name }) => name === 'own')!.secrets
  expect(keyring.open(sealed!.sealed, sealContext.sourceSecret(id, 'own'))).toBe('test-only-2')
})

test('a dry run answers what would be, and changes, publishes and logs nothing', async () => {
  const id = await anOrganization('rehearsal')
  const before = [await published(id), await entries(id)]
  const answer = await store.client.sources.putSource({ ...aSource(id, 'own'), dryRun: true })
  expect(answer).toMatchObject({ created: true, source: { name: 'own' } })
  expect(answer.changes.map(({ field }) => field)).toContain('provider')
  expect(JSON.stringify(answer.changes)).not.toContain('test-only')
  expect([await published(id), await entries(id)]).toEqual(before)
  const wrong = store.client.sources.putSource({
    ...aSource(id, 'own', [{ id: 'x', value: '' }]),
    dryRun: true,
  })
  expect(await failure(wrong)).toMatchObject({ reason: ErrorReason.INVALID_FIELD, field: 'secrets[0].value' })
})

test('a credential is not carried along to another origin, and a URL on the same one keeps it', async () => {
  const id = await anOrganization('origins')
  const { putDestination } = store.client.destinations
  await putDestination(
    aDestination(id, 'mine', {
      headers: [{ id: 'x-key', value: 'test-only' }],
      auth: bearer('test-only-token'),
    }),
  )
  const moved = (url: string, headers: { id: string; value: string }[], auth: string) =>
    putDestination(aDestination(id, 'mine', { settings: { url }, headers, auth }))
  const kept = [{ id: 'x-key', value: '' }]
  await moved('https://tenant.example/elsewhere', kept, bearer(''))
  expect(await failure(moved('https://thief.example/', kept, bearer('new')))).toMatchObject({
    field: 'headers[0].value',
  })
  expect(await failure(moved('https://thief.example/', [], bearer('')))).toMatchObject({
    field: 'auth[0].bearer.token',
  })
  const oauth2 = (tokenUrl: string, clientSecret: string) =>
    JSON.stringify([{ kind: 'oauth2', tokenUrl, clientId: 'test', clientSecret }])
  const url = 'https://tenant.example/elsewhere'
  await moved(url, [], oauth2('https://login.example/token', 'test-only'))
  expect(await failure(moved(url, [], oauth2('https://thief.example/token', '')))).toMatchObject({
    field: 'auth[0].oauth2.clientSecret',
  })
})

test('what is inactive is stored and not in force; active again, it is as before', async () => {
  const id = await anOrganization('inactive')
  await store.client.sources.putSource(aSource(id, 'own'))
  const before = await published(id)
  const active = async (active: boolean) =>
    store.client.sources.putSource({
      ...aSource(id, 'own'),
      desired: {
        name: 'own',
        settings: { provider: 'github', active },
        secrets: [{ id: 'first', value: '' }],
      },
    })
  await active(false)
  expect((await published(id)).sources.map(({ name }) => name)).toEqual(['github'])
  await active(true)
  expect(await published(id)).toEqual(before)
})

test('nothing that a route names is deleted, and a route names nothing that is not there', async () => {
  const id = await anOrganization('named')
  const { sources, destinations, routes } = store.client
  await sources.putSource(aSource(id, 'own'))
  await destinations.putDestination(aDestination(id, 'mine'))
  const { route } = await routes.putRoute(aRoute(id, 'own', ['mine']))
  const inUse = { reason: ErrorReason.IN_USE }
  expect(await failure(sources.deleteSource({ organizationId: id, sourceId: 'own' }))).toMatchObject(inUse)
  expect(
    await failure(destinations.deleteDestination({ organizationId: id, destination: 'mine' })),
  ).toMatchObject(inUse)
  expect(await failure(routes.putRoute(aRoute(id, 'none', ['mine'])))).toMatchObject({ field: 'source' })
  expect(await failure(routes.putRoute(aRoute(id, '*', ['mine', 'none'])))).toMatchObject({
    field: 'destinations[1]',
  })
  expect(await failure(routes.putRoute(aRoute(id, 'own', ['mine'])))).toMatchObject({
    reason: ErrorReason.NAME_TAKEN,
  })
  const changed = await routes.putRoute(aRoute(id, '*', ['mine'], route!.id))
  expect(changed).toMatchObject({ created: false, route: { id: route!.id, settings: { source: '*' } } })
  await routes.deleteRoute({ organizationId: id, route: route!.id })
  await destinations.deleteDestination({ organizationId: id, destination: 'mine' })
  await sources.deleteSource({ organizationId: id, sourceId: 'own' })
  expect(await published(id)).toMatchObject({ sources: [{ name: 'github' }], routes: [{}] })
  expect(
    await store.query(
      "select * from source_secrets where id = 'first' and organization_id = (select id from organizations where slug = 'named')",
    ),
  ).toEqual([])
})

test('every write stands in the audit log with what was and what is, secrets by a fingerprint', async () => {
  const id = await anOrganization('audited')
  await store.client.sources.putSource(aSource(id, 'own'))
  await store.client.sources.putSource(aSource(id, 'own', [{ id: 'first', value: 'test-only-second' }]))
  await store.client.sources.putSource(aSource(id, 'own', [{ id: 'first', value: '' }]))
  await store.client.sources.deleteSource({ organizationId: id, sourceId: 'own' })
  const [deleted, changed, created, ...earlier] = await entries(id)
  expect(earlier.map(({ action }) => action)).toEqual(['organization.created'])
  expect(created).toMatchObject({
    action: 'source.created',
    details: { source: 'own', after: { provider: 'github', active: true } },
  })
  const secret = { id: 'first', fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) }
  expect(changed).toMatchObject({
    action: 'source.changed',
    details: { before: { secrets: [secret] }, after: { secrets: [secret] } },
  })
  expect(Object.keys(changed!.details.after as object)).toEqual(['secrets'])
  expect(changed!.details.before).not.toEqual(changed!.details.after)
  expect(deleted).toMatchObject({ action: 'source.deleted', details: { before: { name: 'own' } } })
  expect(JSON.stringify(await entries(id))).not.toContain('test-only')
})

test('what can not work is refused with its field: a secret, a certificate, U+0000, another name, one too many', async () => {
  const id = await anOrganization('refused')
  const { sources, destinations } = store.client
  const put = (desired: object) => sources.putSource({ organizationId: id, source: 'own', desired })
  const field = async (call: Promise<unknown>) => (await failure(call)).field
  const secrets = [{ id: 'a', value: 'test-only' }]
  expect(await field(put({ name: 'own', settings: { provider: 'none-such' }, secrets }))).toBe('provider')
  expect(await field(put({ name: 'own', settings: { provider: 'github' }, secrets: [] }))).toBe('secrets')
  expect(await field(put({ name: 'other', settings: { provider: 'github' }, secrets }))).toBe('name')
  const options = { a: [{ b: '\0' }] }
  expect(await field(put({ name: 'own', settings: { provider: 'github', options }, secrets }))).toMatch(
    /options/,
  )
  const mtls = JSON.stringify([{ kind: 'mtls', certPem: 'no certificate', keyPem: 'no key' }])
  expect(await field(destinations.putDestination(aDestination(id, 'mine', { auth: mtls })))).toBe(
    'auth[0].mtls',
  )
  expect(await failure(sources.putSource({ ...aSource(id, newId('src', 1)) }))).toMatchObject({
    reason: ErrorReason.NOT_FOUND,
  })
  await store.query(
    `insert into sources (organization_id, id, name, provider, managed_by)
     select $1, gen_random_uuid(), 's' || i, 'github', 'tenant' from generate_series(1, 99) i`,
    [toUuid(parseId('org', id)!)],
  )
  expect(await failure(sources.putSource(aSource(id, 's100')))).toMatchObject({
    reason: ErrorReason.LIMIT_REACHED,
  })
}, 180_000)

test('a key of one mode makes no more sources than both modes together may have', async () => {
  const names = Array.from({ length: 99 }, (_, i) => `s${i}`)
  const secrets = [{ id: 'a/b', value: 'test-only' }]
  const sources = names.map(name => ({ name, settings: { provider: 'github' }, secrets }))
  const { organization } = await store.client.organizations.applyOrganization(
    declared('crowded', { sources, routes: [] }),
  )
  const id = organization!.id
  const put = (mode: 'live' | 'test', name: string) =>
    store.client.inMode(mode).sources.putSource(aSource(id, name))
  await put('test', 'last')
  for (const mode of ['live', 'test'] as const)
    expect(await failure(put(mode, 'beyond'))).toMatchObject({ reason: ErrorReason.LIMIT_REACHED })
  // One that is there is changed all the same.
  await put('test', 'last')
})
