import type { Destination } from '@fairlead/wire/store/destination'
import type { Organization } from '@fairlead/wire/store/organization'
import type { Source } from '@fairlead/wire/store/source'
import type { ConditionReason } from './condition.ts'
import type { OrganizationKey } from './declared.ts'
import type { DesiredOrganization } from './desired.ts'
import type { TenantSecret } from './tenant-secret.ts'

/** Resources beside the declaration: in files, or in the Kubernetes API. */
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
  /** Health of sources and destinations. */
  health(organizationId: string): Promise<Health | Extract<ActResult, { kind: 'unavailable' }>>
}

export interface Health {
  readonly kind: 'known'
  readonly sources: readonly Source[]
  readonly destinations: readonly Destination[]
}

/** The Organization as the store has it in force. */
export interface InForce extends Omit<Health, 'kind'> {
  readonly organization?: Organization | undefined
}

/** The outcome of the actions. */
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
  /** The store is away; the Organization stays in force as it is. */
  | { readonly kind: 'unavailable'; readonly message: string }
