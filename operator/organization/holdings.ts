import type { Destination } from '@fairlead/wire/store/destination'
import type { ObjectiveBudget, Organization, Probe } from '@fairlead/wire/store/organization'
import type { Source } from '@fairlead/wire/store/source'
import type { ConditionReason } from './condition-types.ts'
import type { OrganizationKey } from './declared.ts'
import type { DesiredOrganization } from './desired.ts'
import type { TenantSecret } from './tenant-secret.ts'

/** Resources beside the declaration: in files, or in the Kubernetes API. */
export interface Holdings {
  /** Marks the declaration, so that its deletion waits for `release`. Writes nothing if it is marked. */
  claim(key: OrganizationKey): Promise<void>
  /** Answers with the version that it made, if it is known. */
  writeTenantSecret(key: OrganizationKey, secret: TenantSecret): Promise<string | undefined>
  /** Lets a deleted declaration go, and with it the tenant's Secret. */
  release(key: OrganizationKey): Promise<void>
}

/** The store, as one owner sees it. */
export interface StoreRows {
  /** @param fingerprint names all that it was made from; absent: not all of it is applied */
  apply(key: OrganizationKey, desired: DesiredOrganization, fingerprint?: string): Promise<InForce>
  /** The id of what is in force as it was applied with this fingerprint; undefined: it has to be applied. */
  findApplied(
    key: OrganizationKey,
    slug: string,
    fingerprint: string,
  ): Promise<string | 'unavailable' | undefined>
  delete(key: OrganizationKey, organizationId: string): Promise<void>
  /** How sources and destinations do. @param version of the last answer: nothing is read where it is the same */
  health(organizationId: string, version?: string): Promise<HealthAnswer>
}

export type HealthAnswer =
  | Health
  | { readonly kind: 'same' }
  /** The store has no such organization any more. */
  | { readonly kind: 'gone' }
  | Extract<ActResult, { kind: 'unavailable' }>

export interface Health {
  readonly kind: 'known'
  readonly version: string
  readonly organization?: Organization | undefined
  readonly sources: readonly Source[]
  readonly destinations: readonly Destination[]
  /** Absent: not asked for. */
  readonly budgets?: readonly ObjectiveBudget[]
  /** Of the prober, in the organization's partition. Absent: not asked for, or it has no objectives, or there is no prober. */
  readonly probe?: Probe | undefined
}

/** What the store has in force. */
export type InForce = Omit<Health, 'kind' | 'version'> & {
  /** True where it was made just now: nothing can be ill yet. */
  readonly created?: boolean
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
