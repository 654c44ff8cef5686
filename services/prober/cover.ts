import { parseId } from '@fairlead/webhook/id'
import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { partitionCount, partitionOf } from '@fairlead/wire/subjects'
import {
  desiredOrganization,
  type Identity,
  identityOf,
  probersName,
  probersPlan,
  slugPrefix,
} from './identity.ts'

/** An organization of the prober's own. */
export interface Target {
  readonly partition: number
  readonly identity: Identity
}

/** All partitions are covered after some 54 names; 1 in a million runs needs more than these. */
const mostNames = 400

/**
 * Makes sure that each partition has an organization of the prober's own. The store draws ids, and an id decides the partition, so
 * names are tried until all are covered; an organization whose partition has one already is deleted at once. A name that somebody
 * else's organization has is left alone. Safe to repeat.
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
  const known = await listNamed(store)
  const taken = new Set(known.map(({ slug }) => slug))
  for (const organization of known) if (isProbers(organization)) await apply(organization.slug)
  for (let number = 0; number < mostNames && covered.size < partitionCount; number++) {
    const slug = `${slugPrefix}${number}`
    if (!taken.has(slug)) await apply(slug)
  }
  if (covered.size < partitionCount)
    throw new Error(`${mostNames} names cover ${covered.size} partitions only`)
  return [...covered].map(([partition, identity]) => ({ partition, identity }))
}

/** Whether the prober made it: resources, files and other callers of the API may use such a slug too. */
const isProbers = ({ owner, displayName, plan }: Organization): boolean =>
  owner?.kind === OwnerKind.API && displayName === probersName && plan === probersPlan

/** All organizations with slugs of the prober's, whoever made them. */
async function listNamed(store: StoreClient['organizations']): Promise<readonly Organization[]> {
  const named: Organization[] = []
  for (let cursor = ''; ; ) {
    const page = await store.listOrganizations({ text: slugPrefix, cursor, limit: 1_000 })
    named.push(...page.organizations.filter(({ slug }) => slug.startsWith(slugPrefix)))
    cursor = page.next
    if (cursor === '') return named
  }
}
