import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { openKeyring } from '@fairlead/wire/seal'
import { ErrorReason } from '@fairlead/wire/store/error'
import { ApplyOrganizationRequestSchema, OwnerKind } from '@fairlead/wire/store/organization'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Db, inScope } from '../scope.ts'
import { applyOrganizations } from './apply.ts'
import { readDesired } from './desired.ts'

let store: TestStore
beforeAll(async () => {
  store = await startTestStore()
})
afterAll(async () => {
  await store?.[Symbol.asyncDispose]()
})

type Desired = Extract<MessageInitShape<typeof ApplyOrganizationRequestSchema>, { $typeName?: never }>

function desired(slug: string, overrides: Partial<Desired> = {}): Desired {
  return {
    owner: { kind: OwnerKind.KUBERNETES, reference: `tenants/${slug}` },
    slug,
    sources: ['stripe', 'github'].map(name => ({
      name,
      settings: { provider: name },
      secrets: [{ id: `${name}/secret`, value: 'test-secret' }],
    })),
    destinations: [{ name: 'billing', settings: { url: 'https://billing.example/hooks' } }],
    routes: [{ settings: { source: 'stripe', destinations: ['billing'] } }],
    fingerprint: `first of ${slug}`,
    ...overrides,
  }
}

const applyAll = async (organizations: Desired[]) =>
  (await store.client.organizations.applyOrganizations({ organizations })).results.map(({ result }) => result)

async function applied(organizations: Desired[]) {
  const results = await applyAll(organizations)
  return results.map(result => {
    if (result.case !== 'applied') throw new Error(`refused: ${result.value?.message}`)
    return { id: result.value.organization!.id, ...result.value }
  })
}

const named = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => desired(`${name}-${i}`))

/** The statements of an apply. */
async function countStatements(requests: readonly Desired[]): Promise<number> {
  const pool = new Pool({ connectionString: store.postgresUrl, max: 1 })
  let statements = 0
  try {
    await inScope(pool, 'platform', async db => {
      const query = (...given: unknown[]) => {
        statements++
        return Reflect.apply(db.query, db, given)
      }
      const wanted = requests.map(request => ({
        desired: readDesired(create(ApplyOrganizationRequestSchema, request)),
        fingerprint: request.fingerprint ?? '',
        bytes: 0,
      }))
      const context = { keyring: openKeyring(testEncryptionKeys), nowMs: Date.now() }
      return await applyOrganizations({ query } as unknown as Db, wanted, context)
    })
    return statements
  } finally {
    await pool.end()
  }
}

test('many organizations take no more statements than one does, new or unchanged', async () => {
  const one = await countStatements(named('single', 1))
  expect(await countStatements(named('many', 40))).toBe(one)
  expect(one).toBeLessThan(20)
  expect(await countStatements(named('many', 40))).toBe(2)
})

test('one that is refused, or can’t be read, keeps no other from being applied', async () => {
  await applied([desired('taken')])
  const results = await applyAll([
    desired('fine-1'),
    desired('taken', { owner: { kind: OwnerKind.FILE, reference: 'default/other' } }),
    desired('Not-A-Slug'),
    desired('fine-2'),
  ])
  expect(results.map(result => result.value)).toMatchObject([
    { created: true, changed: true },
    { detail: { reason: ErrorReason.SLUG_TAKEN, owner: 'kubernetes tenants/taken' } },
    { detail: { reason: ErrorReason.INVALID_FIELD, field: 'slug' } },
    { created: true, changed: true },
  ])
})

test('of two that want one slug in one call the first gets it', async () => {
  const [first, second] = await applyAll([
    desired('wanted'),
    desired('wanted', { owner: { kind: OwnerKind.KUBERNETES, reference: 'others/wanted' } }),
  ])
  expect([first?.case, second?.case]).toEqual(['applied', 'refused'])
})

test('one whose text Postgres does not take keeps no other from being applied', async () => {
  const results = await applyAll([desired('poisoned', { displayName: 'a\0b' }), desired('healthy')])
  expect(results.map(result => result.case)).toEqual(['refused', 'applied'])
})

test('what is applied together is applied as by itself: changes, removals, audit entries', async () => {
  const before = await applied(named('changing', 3))
  const [first, second, third] = named('changing', 3)
  const after = await applied([
    { ...first!, sources: first!.sources!.slice(1), routes: [] },
    second!,
    { ...third!, displayName: 'Third' },
  ])
  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id))
  expect(after.map(({ changed, sources, routes }) => [changed, sources.length, routes.length])).toEqual([
    [true, 1, 0],
    [false, 2, 1],
    [true, 2, 1],
  ])
  for (const [place, expected] of [2, 1, 2].entries()) {
    const organizationId = before[place]!.id
    const { auditLogs } = await store.client.audit.listAuditLogs({ organizationId })
    expect(auditLogs).toHaveLength(expected)
    expect((await store.client.audit.verifyAuditLog({ organizationId })).faults).toEqual([])
  }
})

const ask = async (slug: string, fingerprint: string) => {
  const owner = { kind: OwnerKind.KUBERNETES, reference: `tenants/${slug}` }
  const { organizationIds } = await store.client.organizations.findApplied({
    organizations: [{ owner, slug, fingerprint }],
  })
  return organizationIds[0]
}

test('what is in force is found by its fingerprint, until anything of it changes', async () => {
  const [organization] = await applied([desired('marked')])
  expect(await ask('marked', 'first of marked')).toBe(organization!.id)
  expect(await ask('marked', 'another')).toBe('')
  // The same rows from other things.
  await applied([desired('marked', { fingerprint: 'second' })])
  expect([await ask('marked', 'first of marked'), await ask('marked', 'second')]).toEqual([
    '',
    organization!.id,
  ])
  await store.client.organizations.deactivateOrganization({ organizationId: organization!.id })
  expect(await ask('marked', 'second')).toBe('')
})

test('health is told where it changed, in one call for many', async () => {
  const organizations = await applied(named('well', 5))
  const questions = organizations.map(({ id }) => ({ organizationId: id, version: '' }))
  const first = await store.client.organizations.listHealth({ organizations: questions })
  expect(first.organizations).toHaveLength(5)
  const again = first.organizations.map(({ organizationId, version }) => ({ organizationId, version }))
  expect((await store.client.organizations.listHealth({ organizations: again })).organizations).toEqual([])
  const [{ organizationId, destinations }] = first.organizations as [(typeof first.organizations)[0]]
  await store.client.destinations.pauseDestination({ organizationId, destinationId: destinations[0]!.id })
  const moved = await store.client.organizations.listHealth({ organizations: again })
  const alone = await store.client.destinations.listDestinations({ organizationId })
  expect(moved.organizations.map(one => one.organizationId)).toEqual([organizationId])
  // What a declaration says is no health.
  const health = alone.destinations.map(one => ({ ...one, declared: undefined }))
  expect(moved.organizations[0]!.destinations).toEqual(health)
  await store.client.organizations.deleteOrganization({ organizationId })
  const gone = await store.client.organizations.listHealth({ organizations: again })
  expect(gone.organizations.map(one => [one.organizationId, one.organization])).toEqual([
    [organizationId, undefined],
  ])
})
