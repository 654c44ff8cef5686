import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'

let store: TestStore
beforeAll(async () => {
  store = await startTestStore()
})
afterAll(async () => await store?.[Symbol.asyncDispose]())

const apply = (secret: string, urls: Readonly<Record<string, string>>) =>
  store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.KUBERNETES, reference: 'tenants/acme' },
    slug: 'acme',
    sources: [{ name: 'stripe', settings: { provider: 'stripe' }, secrets: [{ id: 'a/b', value: secret }] }],
    destinations: Object.entries(urls).map(([name, url]) => ({ name, settings: { url } })),
  })

test('an entry of what an owner applied says what was and what is, and no secret', async () => {
  await apply('whsec_test_only_first', {
    billing: 'https://user:test-only-pass@one.example/',
    old: 'https://old.example/',
  })
  await apply('whsec_test_only_second', { billing: 'https://two.example/' })
  const [entry] = await store.query(
    "select details, actor_kind from audit_logs where action = 'organization.applied'",
  )
  expect(entry!.actor_kind).toBe('owner')
  const told = (fingerprint: unknown) => ({ secrets: [{ id: 'a/b', fingerprint }] })
  expect(entry!.details).toEqual({
    slug: 'acme',
    changes: [
      { part: 'source stripe', before: told(expect.any(String)), after: told(expect.any(String)) },
      {
        part: 'destination billing',
        before: { url: expect.stringMatching(/^https:\/\/user:[0-9a-f]{12}@one\.example\/$/) },
        after: { url: 'https://two.example/' },
      },
      { part: 'destination old', before: expect.objectContaining({ url: 'https://old.example/' }) },
    ],
  })
  expect(JSON.stringify(entry)).not.toMatch(/whsec|test-only/)
  const organizationId = String(
    (await store.client.organizations.getOrganization({ by: { case: 'slug', value: 'acme' } })).organization!
      .id,
  )
  expect((await store.client.audit.verifyAuditLog({ organizationId })).faults).toEqual([])
})
