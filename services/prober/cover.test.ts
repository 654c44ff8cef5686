import { startTestStore } from '@fairlead/testbed/store'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { partitionCount } from '@fairlead/wire/subjects'
import { expect, test } from 'vitest'
import { coverPartitions } from './cover.ts'

test('organizations that are named as the prober’s, and are not, keep it from starting or are taken over', async () => {
  await using store = await startTestStore()
  const { organizations } = store.client
  const owner = { kind: OwnerKind.KUBERNETES, reference: 'tenants/fairlead-probe-0' }
  await organizations.applyOrganization({ owner, slug: 'fairlead-probe-0', displayName: 'Of a resource' })
  await organizations.createOrganization({ slug: 'fairlead-probe-1', displayName: 'Of the API' })
  const cover = () =>
    coverPartitions(store.client, 'test-only-key-of-the-prober-0123456789', 'http://127.0.0.1:9')

  const targets = await cover()
  expect(new Set(targets.map(({ partition }) => partition)).size).toBe(partitionCount)
  const slugsOf = (covered: typeof targets) => covered.map(({ identity }) => identity.slug).sort()
  expect(slugsOf(targets)).not.toContain('fairlead-probe-0')
  expect(slugsOf(targets)).not.toContain('fairlead-probe-1')
  expect(slugsOf(await cover())).toEqual(slugsOf(targets))
  const all = await organizations.listOrganizations({ limit: 1_000 })
  expect(all.organizations.map(({ slug }) => slug).sort()).toEqual(
    [...slugsOf(targets), 'fairlead-probe-0', 'fairlead-probe-1'].sort(),
  )
  const named = new Map(all.organizations.map(({ slug, displayName }) => [slug, displayName]))
  expect(named.get('fairlead-probe-0')).toBe('Of a resource')
  expect(named.get('fairlead-probe-1')).toBe('Of the API')
}, 240_000)
