import type { ConditionReason } from './condition-types.ts'
import type { DesiredOrganization } from './desired.ts'
import type { TenantSecret } from './tenant-secret.ts'
import type { Unresolved } from './unresolved.ts'

export type Action =
  /** Adds the finalizer to the resource. */
  | { readonly kind: 'claim' }
  | { readonly kind: 'write-tenant-secret'; readonly secret: TenantSecret }
  | { readonly kind: 'apply'; readonly desired: DesiredOrganization }
  | { readonly kind: 'delete'; readonly organizationId: string }
  /** Lets a deleted resource go. */
  | { readonly kind: 'release' }

/** Why the declaration is not applied whole. */
export interface Obstacle {
  readonly reason: Extract<
    ConditionReason,
    'SecretMissing' | 'SecretNotOurs' | 'SourceInvalid' | 'StoreUnavailable'
  >
  readonly message: string
}

export interface Plan {
  /** In this order; each is safe to repeat. */
  readonly actions: readonly Action[]
  readonly obstacle?: Obstacle
  /** Parts that are not in force although the rest is applied: sources left out, destinations paused. */
  readonly unresolved?: readonly Unresolved[]
}
