import { parseId } from '@fairlead/webhook/id'
import { OwnerKind } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { partitionCount, partitionOf } from '@fairlead/wire/subjects'
import { desiredOrganization, type Identity, identityOf, slugPrefix } from './identity.ts'

/** An organization of the prober's own. */
export interface Target {
  readonly partition: number
  readonly identity: Identity
}

/** All partitions are covered after some 54 names; 1 in a million runs needs more than these. */
const mostNames = 400

/**
 * Makes sure that each partition has an organization of the prober's own. The store draws ids, and an id decides the partition, so
 * names are tried until all are covered; an organization whose partition has one already is deleted at once. Safe to repeat.
 *
 * @param key FAIRLEAD_PROBER_KEY. @param sinkUrl where workers reach the prober
 * @throws Error where the names do not suffice; ConnectError
 */
export async function coverPartitions(
  { organizations: store }: Pick<StoreClient, 'organizations'>,
  key: string,
  sinkUrl: string,
): Promise<readonly Target[]> {
  const covered = new Map<number, Identity>()
  const apply = async (slug: string): Promise<void> => {
    const identity = identityOf(key, slug)
    const owner = { kind: OwnerKind.API, reference: '' }
    const { organization } = await store.applyOrganization({
      ...desiredOrganization(identity, sinkUrl),
      owner,
    })
    const id = parseId('org', organization?.id ?? '')
    if (!id) throw new Error(`the store answered no id for ${slug}`)
    const partition = partitionOf(id)
    if (covered.has(partition)) await store.deleteOrganization({ organizationId: id, owner })
    else covered.set(partition, identity)
  }
  const known = await listSlugs(store)
  for (const slug of known) await apply(slug)
  for (let number = 0; number < mostNames && covered.size < partitionCount; number++) {
    const slug = `${slugPrefix}${number}`
    if (!known.has(slug)) await apply(slug)
  }
  if (covered.size < partitionCount)
    throw new Error(`${mostNames} names cover ${covered.size} partitions only`)
  return [...covered].map(([partition, identity]) => ({ partition, identity }))
}

async function listSlugs(store: StoreClient['organizations']): Promise<ReadonlySet<string>> {
  const slugs = new Set<string>()
  for (let cursor = ''; ; ) {
    const page = await store.listOrganizations({
      ownerKind: OwnerKind.API,
      text: slugPrefix,
      cursor,
      limit: 1_000,
    })
    for (const { slug } of page.organizations) if (slug.startsWith(slugPrefix)) slugs.add(slug)
    cursor = page.next
    if (cursor === '') return slugs
  }
}
