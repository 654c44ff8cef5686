import type { Destination } from '@fairlead/wire/store/destination'
import { ErrorReason } from '@fairlead/wire/store/error'
import type { Organization } from '@fairlead/wire/store/organization'
import type { Source } from '@fairlead/wire/store/source'
import { storeFailureOf } from '../store-failure.ts'
import type { ConditionReason } from './condition.ts'
import type { DesiredOrganization } from './desired.ts'
import type { Action } from './diff.ts'
import type { OrganizationKey } from './observe.ts'
import type { TenantSecret } from './tenant-secret.ts'

/** What stands with the declaration: beside the file, or in the Kubernetes API. */
export interface Holdings {
  /** Marks the declaration, so that its deletion waits for `release`. Writes nothing if it is marked. */
  claim(key: OrganizationKey): Promise<void>
  writeTenantSecret(key: OrganizationKey, secret: TenantSecret): Promise<void>
  /** Lets a deleted declaration go, and with it the tenant's Secret. */
  release(key: OrganizationKey): Promise<void>
}

/** The store, as one owner sees it. */
export interface StoreRows {
  apply(key: OrganizationKey, desired: DesiredOrganization): Promise<InForce>
  delete(key: OrganizationKey, organizationId: string): Promise<void>
  /** How sources and destinations do. */
  health(organizationId: string): Promise<Health | Extract<Outcome, { kind: 'unavailable' }>>
}

export interface Health {
  readonly kind: 'known'
  readonly sources: readonly Source[]
  readonly destinations: readonly Destination[]
}

/** What the store has in force. */
export interface InForce extends Omit<Health, 'kind'> {
  readonly organization?: Organization | undefined
}

/** What became of the actions. */
export type Outcome =
  | { readonly kind: 'applied'; readonly answer: InForce }
  /** Nothing was to be applied. */
  | { readonly kind: 'held' }
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'refused'
      readonly reason: Extract<ConditionReason, 'SlugTaken' | 'OwnedByAnother' | 'StoreRefused'>
      readonly message: string
    }
  /** The store is away; what is in force stays so. */
  | { readonly kind: 'unavailable'; readonly message: string }

/**
 * Does what was decided, in order, up to the first action that fails. What the store says is an outcome; rejects
 * only where the holdings can't be reached or something is broken.
 */
export async function act(
  key: OrganizationKey,
  actions: readonly Action[],
  { holdings, rows }: { readonly holdings: Holdings; readonly rows: StoreRows },
): Promise<Outcome> {
  let outcome: Outcome = { kind: 'held' }
  for (const action of actions) {
    switch (action.kind) {
      case 'claim':
        await holdings.claim(key)
        break
      case 'write-tenant-secret':
        await holdings.writeTenantSecret(key, action.secret)
        break
      case 'apply':
        try {
          outcome = { kind: 'applied', answer: await rows.apply(key, action.desired) }
        } catch (error) {
          return outcomeOf(error)
        }
        break
      case 'delete':
        try {
          await rows.delete(key, action.organizationId)
        } catch (error) {
          return outcomeOf(error)
        }
        break
      case 'release':
        await holdings.release(key)
        outcome = { kind: 'gone' }
        break
      default:
        throw new TypeError(`unknown action ${action satisfies never}`)
    }
  }
  return outcome
}

/** What an error of the store means for the Organization. Throws what isn't the store's. */
export function outcomeOf(error: unknown): Extract<Outcome, { kind: 'refused' | 'unavailable' }> {
  const failure = storeFailureOf(error)
  if (failure.kind === 'unavailable') return failure
  const { detail } = failure
  switch (detail?.reason) {
    case ErrorReason.SLUG_TAKEN: {
      const message = `${detail.owner || 'another Organization'} has this slug: give another spec.slug`
      return { kind: 'refused', reason: 'SlugTaken', message }
    }
    case ErrorReason.OWNED_BY_ANOTHER: {
      const message = `${detail.owner || 'another owner'} declares this organization: delete one of the two`
      return { kind: 'refused', reason: 'OwnedByAnother', message }
    }
    default:
      return { kind: 'refused', reason: 'StoreRefused', message: failure.message }
  }
}
