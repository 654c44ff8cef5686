import { createHash } from 'node:crypto'
import { startTestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { MemberRole } from '@fairlead/wire/store/member'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { Client } from 'pg'
import { expect, test } from 'vitest'

test('a key is known and a slug is found while lists of many organizations hold the pool', {
  timeout: 180_000,
}, async () => {
  await using store = await startTestStore()
  const { organizations, apiKeys, attempts } = store.client
  const ids: string[] = []
  for (let n = 0; n < 6; n++) {
    const owner = { kind: OwnerKind.FILE, reference: `tenants.yaml#${n}` }
    const { organization } = await organizations.applyOrganization({ owner, slug: `tenant-${n}` })
    ids.push(organization!.id)
  }
  const { key } = await apiKeys.createApiKey({
    organizationId: ids[0]!,
    name: 'test',
    role: MemberRole.VIEWER,
  })
  const locker = new Client({ connectionString: store.postgresUrl })
  await locker.connect()
  await locker.query('begin; lock table attempts in access exclusive mode')
  let listed = 0
  const lists = [...ids, ...ids].map(organizationId =>
    attempts.listAttempts({ organizationId }).then(
      () => listed++,
      // On a slow machine a list may give up its wait.
      () => {},
    ),
  )
  const held = "select from pg_locks where locktype = 'relation' and not granted"
  await until(async () => (await store.query(held)).length >= 8, { what: 'lists that hold the pool' })
  const sha256 = createHash('sha256').update(key).digest()
  await expect(apiKeys.authenticateApiKey({ sha256 })).resolves.toMatchObject({ apiKey: { name: 'test' } })
  const by = { case: 'slug', value: 'tenant-3' } as const
  await expect(organizations.getOrganization({ by })).resolves.toMatchObject({
    organization: { id: ids[3] },
  })
  expect(listed).toBe(0)
  await locker.end()
  await Promise.all(lists)
})
