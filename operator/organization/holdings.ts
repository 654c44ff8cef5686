import type { Destination } from '@fairlead/wire/store/destination'
import type { Organization } from '@fairlead/wire/store/organization'
import type { Source } from '@fairlead/wire/store/source'
import type { ConditionReason } from './condition.ts'
import type { OrganizationKey } from './declared.ts'
import type { DesiredOrganization } from './desired.ts'
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
  health(organizationId: string): Promise<Health | Extract<ActResult, { kind: 'unavailable' }>>
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
export type ActResult =
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
