import { createHash } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { openLog } from '@fairlead/daemon/log'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { decodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { ActorKind } from '@fairlead/wire/store/audit'
import { ErrorReason } from '@fairlead/wire/store/error'
import { MemberRole } from '@fairlead/wire/store/member'
import { ApplyOrganizationRequestSchema, OwnerKind } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { bucketName } from '@fairlead/wire/streams'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyOrganization } from './organizations/apply.ts'
import { readDesired } from './organizations/desired.ts'
import { findOrganization } from './organizations/find.ts'
import { openConfigPublisher } from './publish/publish.ts'
import { type Db, inScope } from './scope.ts'

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

/** An organization as its owner declares it; the slug names the test. */
function desired(slug: string, overrides: Partial<Desired> = {}): Desired {
  return {
    owner: { kind: OwnerKind.KUBERNETES, reference: `tenants/${slug}` },
    slug,
    members: [{ email: 'Ada@acme.example', role: MemberRole.OWNER }],
    sources: [aSource('stripe'), aSource('github')],
    destinations: [aDestination('billing'), aDestination('audit')],
    routes: [{ settings: { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing'] } }],
    ...overrides,
  }
}
const aSource = (name: string, secret = `test-secret-of-${name}`) => ({
  name,
  settings: { provider: name },
  secrets: [{ id: `${name}/secret`, value: secret }],
})
const aDestination = (name: string) => ({
  name,
  settings: { url: `https://${name}.acme.example/hooks` },
  headers: [{ id: 'x-token', value: `test-token-of-${name}` }],
})

const apply = (request: Desired) => store.client.organizations.applyOrganization(request)

/** What receivers and workers are told, and at which revision. */
async function published(
  organization: string,
): Promise<{ config: OrganizationConfig; revision: number } | undefined> {
  const entry = await bucket.get(organization)
  return entry?.operation === 'PUT'
    ? { config: decodeConfig(entry.value), revision: entry.revision }
    : undefined
}

async function failure(call: Promise<unknown>): Promise<{ code: Code; reason: ErrorReason | undefined }> {
  const error = await call.then(
    () => expect.fail('the call was answered'),
    (error: unknown) => error,
  )
  if (!(error instanceof ConnectError)) throw error
  return { code: error.code, reason: storeErrorDetail(error)?.reason }
}

test('what is applied is published, sealed; applied again, nothing is written', async () => {
  const first = await apply(desired('once'))
  expect(first).toMatchObject({ created: true, changed: true })
  const id = first.organization!.id
  const before = (await published(id))!
  const [source] = before.config.sources.filter(({ name }) => name === 'stripe')
  const keyring = openKeyring(testEncryptionKeys)
  expect(keyring.open(source!.secrets[0]!.sealed, sealContext.sourceSecret(id, 'stripe'))).toBe(
    'test-secret-of-stripe',
  )
  expect(keyring.open(before.config.signingSecrets[0]!.sealed, sealContext.signingSecret(id))).toMatch(
    /^whsec_/,
  )
  expect(JSON.stringify(before.config)).not.toContain('test-secret')

  const again = await apply(desired('once'))
  expect(again).toMatchObject({ created: false, changed: false, organization: { id } })
  expect((await published(id))!.revision).toBe(before.revision)
})

test('a change writes only what it changes: ids and other seals stay', async () => {
  const first = await apply(desired('change'))
  const id = first.organization!.id
  const before = (await published(id))!
  const rotated = aSource('stripe')
  rotated.secrets.unshift({ id: 'stripe/new', value: 'test-secret-that-is-new' })
  const second = await apply(desired('change', { sources: [rotated, aSource('github')], plan: 'pro' }))
  expect(second.changed).toBe(true)
  expect(second.sources.map(({ id }) => id)).toEqual(first.sources.map(({ id }) => id))
  const after = (await published(id))!
  const secrets = (config: OrganizationConfig) =>
    config.sources.find(({ name }) => name === 'stripe')!.secrets
  expect(secrets(after.config).map(({ id }) => id)).toEqual(['stripe/new', 'stripe/secret'])
  expect(secrets(after.config)[1]).toEqual(secrets(before.config)[0])
  expect(after.config.signingSecrets).toEqual(before.config.signingSecrets)
})

test('two routes that differ in their order alone converge: applied again, nothing is written', async () => {
  const route = { source: 'stripe', eventTypes: ['*'], destinations: ['billing'] }
  const ordered = (value: string) => ({ ...route, order: { key: { case: 'pointer' as const, value } } })
  const twice = desired('orders', {
    routes: [{ settings: ordered('/first') }, { settings: ordered('/second') }],
  })
  const { routes, organization } = await apply(twice)
  // The first, because a delivery takes the order of the first route that matches.
  expect(routes.map(({ settings }) => settings?.order?.key)).toEqual([{ case: 'pointer', value: '/first' }])
  const before = (await published(organization!.id))!
  expect(await apply(twice)).toMatchObject({ created: false, changed: false })
  expect((await published(organization!.id))!.revision).toBe(before.revision)
})

test('a slug is resolved by one statement, because the API asks at each of its calls', async () => {
  const applied = await apply(desired('resolved'))
  const pool = new Pool({ connectionString: store.postgresUrl, max: 1 })
  try {
    const statements: string[] = []
    const found = await inScope(pool, 'platform', async db => {
      const counted = {
        query: (...given: unknown[]) => {
          statements.push(String(given[0]))
          return Reflect.apply(db.query, db, given)
        },
      } as Db
      return findOrganization(counted, { case: 'slug', value: 'resolved' })
    })
    expect(found?.id).toBe(toUuid(applied.organization!.id as OrganizationId))
    expect(statements).toHaveLength(1)
  } finally {
    await pool.end()
  }
})

test('an unchanged organization is applied again with no write, and by one statement', async () => {
  const request = desired('unchanged', {
    apiKeys: [{ name: 'ci', prefix: 'k', sha256: Buffer.alloc(32, 1) }],
  })
  const first = await apply(request)
  const row = async () =>
    (await rowsAsPlatform("select *, xmin from organizations where slug = 'unchanged'"))[0]
  const before = await row()
  expect(await apply(request)).toEqual({ ...first, created: false, changed: false })
  expect(await row()).toEqual(before)

  const { statements } = await applyCounted(request)
  expect(statements).toHaveLength(1)
})

test.each([
  ['a destination that a member paused', "update destinations set paused = true where name = 'billing'"],
  ['a secret that was rotated elsewhere', "update source_secrets set id = 'other'"],
  ['a header that went', 'delete from destination_headers'],
  ['a source that was removed', "update sources set deleted_at = now() where name = 'github'"],
  ['a route that went', 'delete from routes'],
  ['a member with another role', "update members set role = 'viewer'"],
  ['a weight that was changed', 'update organizations set weight = 3'],
  ['an organization that was deactivated', 'update organizations set active = false'],
  ['an API key that was revoked', 'update api_keys set revoked_at = now()'],
  ['an API key with another prefix', "update api_keys set prefix = 'other'"],
])('%s is put right by the next apply', async (_name, change) => {
  const slug = `drift-${createHash('sha256').update(change).digest('hex').slice(0, 8)}`
  const apiKeys = [{ name: 'ci', prefix: 'key', sha256: createHash('sha256').update(slug).digest() }]
  const request = desired(slug, { apiKeys })
  const { organization } = await apply(request)
  const { config: before } = (await published(organization!.id))!
  const column = change.startsWith('update organizations') ? 'id' : 'organization_id'
  const where = `${change.includes(' where ') ? 'and' : 'where'} ${column} = '${toUuid(organization!.id as OrganizationId)}'`
  expect(await asPlatform(`${change} ${where}`)).toBeGreaterThan(0)
  expect(await apply(request)).toMatchObject({ created: false, changed: true })
  expect(withoutSeals((await published(organization!.id))!.config)).toEqual(withoutSeals(before))
  expect(await apply(request)).toMatchObject({ changed: false })
})

test('a change that is committed while an apply has read, and not written yet, is put right by the next one', async () => {
  const request = desired('meanwhile')
  await apply(request)
  const next = { ...request, plan: 'pro' }
  const paused = () =>
    asPlatform(
      `update destinations set paused = true where name = 'billing'
         and organization_id = (select id from organizations where slug = 'meanwhile')`,
    )
  await applyCounted(next, async text => {
    // The organization's own row is written first: until then the change doesn't have to wait.
    if (text.startsWith('insert into organizations')) expect(await paused()).toBe(1)
  })
  const { changed, destinations } = await apply(next)
  expect(changed).toBe(true)
  expect(destinations.find(({ name }) => name === 'billing')?.settings?.paused).toBe(false)
})

test('what was sealed with other encryption keys is compared, though the declaration is the same', async () => {
  const request = desired('rotated')
  await apply(request)
  const other = openKeyring(`next:${Buffer.alloc(32, 9).toString('base64')}`)
  const { statements, applied } = await applyCounted(request, async () => {}, other)
  expect(statements.length).toBeGreaterThan(1)
  // Nothing opens any more: sealed anew.
  expect(applied.changed).toBe(true)
  expect((await apply(request)).changed).toBe(true)
})

test('what is declared no longer goes; declared again, it is the same', async () => {
  const first = await apply(desired('shrink'))
  const less = await apply(desired('shrink', { sources: [aSource('github')], routes: [], members: [] }))
  expect(less.sources.map(({ name }) => name)).toEqual(['github'])
  expect(less.routes).toEqual([])
  const id = first.organization!.id
  expect((await store.client.members.listMembers({ organizationId: id })).members).toEqual([])
  const back = await apply(desired('shrink'))
  expect(back.sources.map(({ id }) => id)).toEqual(first.sources.map(({ id }) => id))
})

test('what a tenant made stays, and is the tenant’s to delete', async () => {
  const { organization } = await apply(desired('tenant'))
  const id = organization!.id
  await asPlatform(
    `insert into sources (organization_id, id, name, provider, managed_by)
     select id, gen_random_uuid(), 'own', 'github', 'tenant' from organizations where slug = 'tenant'`,
  )
  const { sources } = await apply(desired('tenant', { plan: 'pro' }))
  expect(sources.map(({ name }) => name)).toEqual(['github', 'own', 'stripe'])
  const deleted = (name: string) =>
    store.client.sources.deleteSource({
      organizationId: id,
      sourceId: sources.find(source => source.name === name)!.id,
    })
  expect(await failure(deleted('stripe'))).toEqual({
    code: Code.FailedPrecondition,
    reason: ErrorReason.MANAGED_BY_OWNER,
  })
  await deleted('own')
  expect((await published(id))!.config.sources.map(({ name }) => name)).toEqual(['github', 'stripe'])
})

test('a slug has one owner, also when several ask at once; a deleted one gives it up', async () => {
  const owners = ['a', 'b', 'c'].map(name => ({ kind: OwnerKind.KUBERNETES, reference: `${name}/slug` }))
  const answers = await Promise.allSettled(owners.map(owner => apply(desired('slug', { owner }))))
  const won = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
  expect(won).toHaveLength(1)
  for (const answer of answers) {
    if (answer.status === 'fulfilled') continue
    expect(answer.reason.code).toBe(Code.AlreadyExists)
    const holder = won[0]!.organization!.owner!.reference
    expect(storeErrorDetail(answer.reason)).toMatchObject({
      reason: ErrorReason.SLUG_TAKEN,
      owner: `kubernetes ${holder}`,
    })
  }
  const id = won[0]!.organization!.id
  await store.client.organizations.deleteOrganization({ organizationId: id })
  await until(async () => (await published(id)) === undefined)
  const loser = owners.find(({ reference }) => reference !== won[0]!.organization!.owner!.reference)!
  const next = await apply(desired('slug', { owner: loser }))
  expect(next.created).toBe(true)
  expect(next.organization!.id).not.toBe(id)
})

const ofFile = (slug: string) =>
  desired(slug, { owner: { kind: OwnerKind.FILE, reference: `default/${slug}` } })
const remove = (organizationId: string) => store.client.organizations.deleteOrganization({ organizationId })

test('a file that comes back within a day has the ids, and with them the log, that it had', async () => {
  const first = await apply(ofFile('returns'))
  const id = first.organization!.id
  await remove(id)
  await until(async () => (await published(id)) === undefined)
  const bySlug = store.client.organizations.getOrganization({ by: { case: 'slug', value: 'returns' } })
  expect((await failure(bySlug)).code).toBe(Code.NotFound)
  const back = await apply(ofFile('returns'))
  expect(back).toMatchObject({ created: false, changed: true, organization: { id } })
  expect(back.sources.map(source => source.id)).toEqual(first.sources.map(source => source.id))
  expect((await published(id))!.config).toMatchObject({ active: true, slug: 'returns' })
  expect(await apply(ofFile('returns'))).toMatchObject({ changed: false, organization: { id } })
})

test('a file that comes back suspended is published as such at once', async () => {
  const suspended = { ...ofFile('returns-suspended'), active: false }
  const { organization } = await apply(suspended)
  await remove(organization!.id)
  await until(async () => (await published(organization!.id)) === undefined)
  expect(await apply(suspended)).toMatchObject({ changed: true, organization: { id: organization!.id } })
  expect((await published(organization!.id))!.config.active).toBe(false)
})

test('a file that comes back after a day is a new organization', async () => {
  const { organization } = await apply(ofFile('returns-late'))
  await remove(organization!.id)
  await asPlatform(
    `update organizations set deleted_at = now() - interval '24 hours 1 second' where slug = 'returns-late'`,
  )
  const late = await apply(ofFile('returns-late'))
  expect(late.created).toBe(true)
  expect(late.organization!.id).not.toBe(organization!.id)
})

test('a slug that returns under another owner shows nobody the log of the owner before', async () => {
  const { organization } = await apply(ofFile('returns-other'))
  await remove(organization!.id)
  const other = desired('returns-other')
  const taken = await apply(other)
  expect(taken.created).toBe(true)
  expect(taken.organization!.id).not.toBe(organization!.id)
  expect((await failure(apply(ofFile('returns-other')))).reason).toBe(ErrorReason.SLUG_TAKEN)
  await remove(taken.organization!.id)
  const again = await apply(other)
  expect(again.created).toBe(true)
  expect(again.organization!.id).not.toBe(taken.organization!.id)
})

test('an owner can neither rename its organization nor delete another’s', async () => {
  const { organization } = await apply(desired('mine'))
  const owner = organization!.owner!
  expect(await failure(apply(desired('renamed', { owner })))).toEqual({
    code: Code.FailedPrecondition,
    reason: ErrorReason.OWNED_BY_ANOTHER,
  })
  const other = { kind: OwnerKind.FILE, reference: 'x' }
  const deletion = store.client.organizations.deleteOrganization({
    organizationId: organization!.id,
    owner: other,
  })
  expect((await failure(deletion)).reason).toBe(ErrorReason.OWNED_BY_ANOTHER)
})

test.each([
  ['no owner', { owner: undefined as never }, 'owner'],
  ['a slug with capitals', { slug: 'Acme' }, 'slug'],
  ['one source twice', { sources: [aSource('stripe'), aSource('stripe')] }, 'sources[1].name'],
  ['an empty secret', { sources: [aSource('stripe', '')] }, 'sources[0].secrets[0].value'],
  ['a route to nowhere', { destinations: [] }, 'routes[0].settings.destinations'],
  [
    'a URL that is none',
    { destinations: [{ name: 'billing', settings: { url: 'ftp://x' } }] },
    'destinations[0].settings.url',
  ],
  ['a retention of 20 years', { retentionDays: 7300 }, 'retentionDays'],
])('%s is refused, and the field named', async (_name, overrides, field) => {
  const error = await apply(desired('faulty', overrides)).catch((error: unknown) => error)
  expect(storeErrorDetail(error)).toMatchObject({ reason: ErrorReason.INVALID_FIELD, field })
})

test('deactivated, it is published as inactive', async () => {
  const { organization } = await apply(desired('off'))
  await store.client.organizations.deactivateOrganization({ organizationId: organization!.id })
  expect((await published(organization!.id))!.config.active).toBe(false)
})

test('organizations are listed page by page', async () => {
  for (const slug of ['page-a', 'page-b', 'page-c']) await apply(desired(slug))
  const seen: string[] = []
  let cursor = ''
  do {
    const page = await store.client.organizations.listOrganizations({ cursor, limit: 2 })
    seen.push(...page.organizations.map(({ slug }) => slug))
    cursor = page.next
  } while (cursor)
  expect(seen).toEqual([...new Set(seen)].sort())
  expect(seen).toEqual(expect.arrayContaining(['page-a', 'page-b', 'page-c']))
})

test('a member is found by address in any case, and signs in', async () => {
  await apply(desired('member', { members: [{ email: 'Grace@acme.example', role: MemberRole.VIEWER }] }))
  const { members } = await store.client.members.getMemberByEmail({ email: 'GRACE@acme.example' })
  expect(members).toMatchObject([
    { email: 'grace@acme.example', role: MemberRole.VIEWER, organizationSlug: 'member' },
  ])
  const [{ id, organizationId }] = members as [(typeof members)[0]]
  const byId = (memberId: string, ofOrganization = organizationId) =>
    store.client.members.getMember({ organizationId: ofOrganization, memberId })
  expect((await byId(id)).member).toEqual(members[0])
  const { organization: other } = await apply(desired('no-member'))
  await expect(byId(id, other!.id)).rejects.toThrow('no such member')
  const { member } = await store.client.members.updateLastLogin({ organizationId, memberId: id })
  expect(member!.lastLoginAt).toBeDefined()
})

test('a source’s secret is told to who may ask', async () => {
  await apply(desired('secret'))
  const { source } = await store.client.sources.getSourceByOrganizationAndName({
    organizationSlug: 'secret',
    name: 'stripe',
  })
  const { organizationId, id } = source!
  expect(await store.client.sources.getSourceSecret({ organizationId, sourceId: id })).toMatchObject({
    id: 'stripe/secret',
    value: 'test-secret-of-stripe',
  })
  expect(
    await store.client.sources.listSourceSecrets({ organizationId, firstSourceId: id, limit: 1 }),
  ).toMatchObject({
    secrets: [{ sourceId: id, id: 'stripe/secret', value: 'test-secret-of-stripe' }],
  })
})

test('API keys: made, found by digest, revoked; those of an owner come and go with its declaration', async () => {
  const { apiKeys } = store.client
  const sha256 = (key: string) => createHash('sha256').update(key).digest()
  const { key, apiKey } = await apiKeys.createApiKey({ name: 'admin', role: MemberRole.OWNER })
  expect(key).toMatch(/^sk_live_fl_[A-Za-z0-9]{49}$/)
  expect(key.startsWith(apiKey!.prefix)).toBe(true)
  expect((await apiKeys.authenticateApiKey({ sha256: sha256(key) })).apiKey).toMatchObject({ id: apiKey!.id })
  expect((await failure(apiKeys.createApiKey({ name: 'admin' }))).reason).toBe(ErrorReason.NAME_TAKEN)
  await apiKeys.revokeApiKey({ apiKeyId: apiKey!.id })
  const unknown = { code: Code.Unauthenticated, reason: ErrorReason.API_KEY_UNKNOWN }
  expect(await failure(apiKeys.authenticateApiKey({ sha256: sha256(key) }))).toEqual(unknown)

  const declared = (text: string) => [{ name: 'operator', prefix: 'key_live_test', sha256: sha256(text) }]
  const { organization } = await apply(desired('keys', { apiKeys: declared('test-key-1') }))
  const found = await apiKeys.authenticateApiKey({ sha256: sha256('test-key-1') })
  expect(found.apiKey).toMatchObject({ organizationId: organization!.id, role: MemberRole.DEVELOPER })
  await apply(desired('keys', { apiKeys: declared('test-key-2') }))
  expect(await failure(apiKeys.authenticateApiKey({ sha256: sha256('test-key-1') }))).toEqual(unknown)
  await apply(desired('keys', { apiKeys: declared('test-key-1') }))
  await apiKeys.authenticateApiKey({ sha256: sha256('test-key-1') })
  const again = await apply(desired('keys', { apiKeys: declared('test-key-1') }))
  expect(again.changed).toBe(false)
})

test('the audit log is added to, listed, and can’t be changed', async () => {
  const { organization } = await apply(desired('audit'))
  const organizationId = organization!.id
  const entry = { organizationId, actorKind: ActorKind.SYSTEM, actorId: 'store', subjectId: organizationId }
  await store.client.audit.createAuditLog({
    ...entry,
    action: 'organization.applied',
    details: { plan: 'pro' },
  })
  await store.client.audit.createAuditLog({ ...entry, action: 'event.retried' })
  const { auditLogs, next } = await store.client.audit.listAuditLogs({ organizationId, limit: 1 })
  expect(auditLogs).toMatchObject([{ action: 'event.retried' }])
  const rest = await store.client.audit.listAuditLogs({ organizationId, cursor: next })
  expect(rest.auditLogs).toMatchObject([
    { action: 'organization.applied', details: { plan: 'pro' } },
    { action: 'organization.created', actorKind: ActorKind.OWNER, details: { slug: 'audit' } },
  ])
  expect(await asPlatform('update audit_logs set action = action')).toBe(0)
  expect(await asPlatform('delete from audit_logs')).toBe(0)
})

test('comparing all organizations puts back a key that went, removes one of nobody, and then has nothing to do', async () => {
  const { organization } = await apply(desired('level'))
  const id = organization!.id
  const config = (await bucket.get(id))!.string()
  const stray = newId('org', Date.now())
  const pool = new Pool({ connectionString: store.postgresUrl, max: 1 })
  const log = openLog({ service: 'store', level: 'silent' })
  const publisher = openConfigPublisher(pool, nats, 1, { written: { inc: () => {} } }, log)
  const compared = async (): Promise<number> => {
    await bucket.delete(id)
    await bucket.put(stray, config)
    return await publisher.reconcile()
  }
  // The store compares too, each minute, and may be first.
  await until(async () => (await compared()) === 2, { what: 'a key put back and one removed' })
  expect((await bucket.get(id))!.string()).toBe(config)
  expect(await published(stray)).toBeUndefined()
  expect(await publisher.reconcile()).toBe(0)
  await pool.end()
})

test('a call’s deadline ends it', async () => {
  const lock = new Client({ connectionString: store.postgresUrl })
  await lock.connect()
  await lock.query('begin; lock table organizations in access exclusive mode')
  const call = store.client.organizations.getOrganization(
    { by: { case: 'slug', value: 'acme' } },
    { timeoutMs: 300 },
  )
  expect((await failure(call)).code).toBe(Code.DeadlineExceeded)
  await lock.query('rollback')
  await lock.end()
})

/** Applies without the service in between; answers with the statements, of which `before` is told before they run. */
async function applyCounted(
  request: Desired,
  before: (text: string) => Promise<void> = async () => {},
  keyring = openKeyring(testEncryptionKeys),
) {
  const pool = new Pool({ connectionString: store.postgresUrl, max: 1 })
  const statements: string[] = []
  try {
    const applied = await inScope(pool, 'platform', async db => {
      const counted = {
        async query(...given: unknown[]) {
          statements.push(String(given[0]))
          await before(String(given[0]))
          return Reflect.apply(db.query, db, given)
        },
      } as unknown as Db
      const wanted = readDesired(create(ApplyOrganizationRequestSchema, request))
      return applyOrganization(counted, wanted, { keyring, nowMs: Date.now() })
    })
    return { applied, statements }
  } finally {
    await pool.end()
  }
}

function withoutSeals(config: OrganizationConfig): unknown {
  return JSON.parse(
    JSON.stringify(config, (name, value) => (name === 'sealed' || name === 'id' ? undefined : value)),
  )
}

/** Runs a statement as the store's own role under the platform's scope; answers how many rows it touched. */
async function asPlatform(sql: string): Promise<number> {
  return (await runAsPlatform(sql)).rowCount ?? 0
}

async function rowsAsPlatform(sql: string): Promise<unknown[]> {
  return (await runAsPlatform(sql)).rows
}

async function runAsPlatform(sql: string) {
  const client = new Client({ connectionString: store.postgresUrl })
  await client.connect()
  try {
    await client.query("set fairlead.scope = 'platform'")
    return await client.query(sql)
  } finally {
    await client.end()
  }
}
