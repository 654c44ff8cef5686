import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { ErrorDetailSchema } from '@fairlead/wire/store/error'
import type {
  AppliedQuestionSchema,
  ApplyOrganizationRequestSchema,
  Owner,
  OwnerKind,
} from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { openBatches } from './batches.ts'
import { resultOf } from './organization/act.ts'
import type { FindSlug, OrganizationKey } from './organization/declared.ts'
import type { StoreRows } from './organization/holdings.ts'

type ApplyRequest = MessageInitShape<typeof ApplyOrganizationRequestSchema>
type AppliedQuestion = MessageInitShape<typeof AppliedQuestionSchema>
/** About the bytes of its message. */
const weightOf = (request: ApplyRequest): number =>
  JSON.stringify(request, (_, value) => (typeof value === 'bigint' ? String(value) : value)).length

type HealthQuestion = { readonly organizationId: string; readonly version: string }

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

/** Organizations in one call. */
const mostApplied = 64
const mostAsked = 500
/** The store takes four times as much, in bytes. */
const heaviestApply = 8 * 1024 ** 2
/** For a call with many. */
const timeoutMs = 30_000

export function openOwnedRows(store: Pick<StoreClient, 'organizations'>, kind: OwnedBy): OwnedRows {
  const ownerOf = (reference: OrganizationKey) => ({ kind, reference })
  const isOwner = (owner: Owner | undefined, key: OrganizationKey) =>
    owner?.kind === kind && owner.reference === key

  const apply = openBatches(
    async (organizations: ApplyRequest[]) => {
      const { results } = await store.organizations.applyOrganizations({ organizations }, { timeoutMs })
      return results.map(({ result }) => result)
    },
    mostApplied,
    { heaviest: heaviestApply, weigh: weightOf },
  )

  const findApplied = openBatches(async (organizations: AppliedQuestion[]) => {
    const { organizationIds } = await store.organizations.findApplied({ organizations }, { timeoutMs })
    return organizationIds
  }, mostAsked)

  const health = openBatches(async (organizations: HealthQuestion[]) => {
    const { organizations: moved } = await store.organizations.listHealth({ organizations }, { timeoutMs })
    const byId = new Map(moved.map(one => [one.organizationId, one]))
    return organizations.map(({ organizationId }) => byId.get(organizationId))
  }, mostAsked)

  return {
    async apply(key, desired, fingerprint = '') {
      const result = await apply({ ...desired, owner: ownerOf(key), fingerprint })
      if (result.case === 'applied') return result.value
      const { code = Code.Internal, message = '', detail } = result.value ?? {}
      throw new ConnectError(message, code, undefined, detail && [{ desc: ErrorDetailSchema, value: detail }])
    },
    async findApplied(key, slug, fingerprint) {
      try {
        return (await findApplied({ owner: ownerOf(key), slug, fingerprint })) || undefined
      } catch (error) {
        if (resultOf(error).kind === 'unavailable') return 'unavailable'
        throw error
      }
    },
    async delete(key, organizationId) {
      await store.organizations.deleteOrganization({ organizationId, owner: ownerOf(key) })
    },
    async health(organizationId, version = '') {
      try {
        const answer = await health({ organizationId, version })
        if (!answer) return { kind: 'same' }
        if (!answer.organization) return { kind: 'gone' }
        return { ...answer, kind: 'known' }
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
