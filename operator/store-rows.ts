import { Code, ConnectError } from '@connectrpc/connect'
import type { Owner, OwnerKind } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { resultOf } from './organization/act.ts'
import type { FindSlug, OrganizationKey } from './organization/declared.ts'
import type { StoreRows } from './organization/holdings.ts'

/** An organization that the store has from this kind of owner. */
export interface StoredOrganization {
  readonly key: OrganizationKey
  readonly id: string
  readonly slug: string
}

/** The store as one kind of owner sees it; the owner's reference is the key, `namespace/name`. */
export interface OwnedRows extends StoreRows {
  readonly findSlug: FindSlug
  /** Everything that owners of this kind declared, and has not deleted. */
  list(): Promise<readonly StoredOrganization[]>
}

export type OwnedBy = OwnerKind.KUBERNETES | OwnerKind.FILE

export function openOwnedRows(
  store: Pick<StoreClient, 'organizations' | 'sources' | 'destinations'>,
  kind: OwnedBy,
): OwnedRows {
  const ownerOf = (reference: OrganizationKey) => ({ kind, reference })
  const isOwner = (owner: Owner | undefined, key: OrganizationKey) =>
    owner?.kind === kind && owner.reference === key
  return {
    apply: (key, desired) => store.organizations.applyOrganization({ ...desired, owner: ownerOf(key) }),
    async delete(key, organizationId) {
      await store.organizations.deleteOrganization({ organizationId, owner: ownerOf(key) })
    },
    async health(organizationId) {
      try {
        const [{ sources }, { destinations }] = await Promise.all([
          store.sources.listSources({ organizationId }),
          store.destinations.listDestinations({ organizationId }),
        ])
        return { kind: 'known', sources, destinations }
      } catch (error) {
        const outcome = resultOf(error)
        if (outcome.kind === 'unavailable') return outcome
        throw error
      }
    },
    async findSlug(key, slug) {
      try {
        const { organization } = await store.organizations.getOrganization({
          by: { case: 'slug', value: slug },
        })
        return organization && { id: organization.id, ours: isOwner(organization.owner, key) }
      } catch (error) {
        if (error instanceof ConnectError && error.code === Code.NotFound) return undefined
        if (resultOf(error).kind === 'unavailable') return 'unavailable'
        throw error
      }
    },
    async list() {
      const found: StoredOrganization[] = []
      for (let cursor = ''; ; ) {
        const page = await store.organizations.listOrganizations({ ownerKind: kind, cursor, limit: 1000 })
        found.push(
          ...page.organizations.map(({ id, slug, owner }) => ({ id, slug, key: owner?.reference ?? '' })),
        )
        cursor = page.next
        if (cursor === '') return found
      }
    },
  }
}
