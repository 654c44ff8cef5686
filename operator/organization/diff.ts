import { isDeepStrictEqual } from 'node:util'
import { openScheme } from '@fairlead/webhook/open'
import { SchemeError } from '@fairlead/webhook/verify/scheme-error'
import type { ConditionReason } from './condition.ts'
import { type DesiredOrganization, desiredOrganization } from './desired.ts'
import { type Snapshot, secretId, secretRefsOf } from './observe.ts'
import type { SourceSpec } from './source.ts'
import { desiredTenantSecret, type TenantSecret, tenantSecretName } from './tenant-secret.ts'

export type Action =
  /** Notes at the resource that something stands outside of it. */
  | { readonly kind: 'claim' }
  | { readonly kind: 'write-tenant-secret'; readonly secret: TenantSecret }
  | { readonly kind: 'apply'; readonly desired: DesiredOrganization }
  | { readonly kind: 'delete'; readonly organizationId: string }
  /** Lets a deleted resource go. */
  | { readonly kind: 'release' }

/** Why nothing is applied. What was in force before stays in force. */
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
}

/**
 * Decides what is to be done for an Organization. Pure.
 *
 * All or nothing: while a secret is missing or a source can't work, the store keeps what it has, because a source
 * without its secret would refuse requests that it accepts now.
 */
export function diff(snapshot: Snapshot): Plan {
  if (snapshot.declared.deleting) return takeDown(snapshot)
  const obstacle = findObstacle(snapshot)
  if (obstacle) return { actions: [{ kind: 'claim' }], obstacle }
  const { organization } = snapshot.declared
  const tenant = desiredTenantSecret(organization, snapshot.tenantSecret, snapshot.fresh, snapshot.publicUrl)
  const write: readonly Action[] = isDeepStrictEqual(tenant, snapshot.tenantSecret)
    ? []
    : // Before the store knows a key, so that none is lost.
      [{ kind: 'write-tenant-secret', secret: tenant }]
  return {
    actions: [
      { kind: 'claim' },
      ...write,
      { kind: 'apply', desired: desiredOrganization(organization, snapshot.secrets, tenant) },
    ],
  }
}

function takeDown({ stored }: Snapshot): Plan {
  if (stored === 'unavailable') {
    const message = 'it is being deleted, which waits for the store to be reached'
    return { actions: [], obstacle: { reason: 'StoreUnavailable', message } }
  }
  // A slug that another owner has by now is none of ours: there is nothing left to delete.
  const remove: readonly Action[] = stored?.ours ? [{ kind: 'delete', organizationId: stored.id }] : []
  return { actions: [...remove, { kind: 'release' }] }
}

function findObstacle({ declared, secrets, tenantSecretTaken }: Snapshot): Obstacle | undefined {
  const { organization } = declared
  const { name, namespace } = organization.metadata
  if (tenantSecretTaken) {
    const secret = `${namespace}/${tenantSecretName(name)}`
    return {
      reason: 'SecretNotOurs',
      message: `the Secret ${secret} is kept for this organization's keys, but someone else made it: rename or delete it`,
    }
  }
  const missing = secretRefsOf(organization).filter(ref => !secrets.get(secretId(ref)))
  if (missing.length > 0) {
    const list = missing.map(({ name, key }) => `key ${key} of Secret ${name}`).join(', ')
    return { reason: 'SecretMissing', message: `missing or empty: ${list}` }
  }
  const faults = organization.spec.sources.flatMap(source => faultOf(source, secrets))
  return faults.length > 0 ? { reason: 'SourceInvalid', message: faults.join(' ') } : undefined
}

/** Opens a source as the receiver will, so that whoever wrote it learns now what doesn't work. */
function faultOf(source: SourceSpec, secrets: ReadonlyMap<string, string>): readonly string[] {
  if (!source.active) return []
  const { provider, options, scheme, toleranceSeconds } = source
  try {
    openScheme({
      provider,
      secrets: source.secrets.map(({ secretRef }) => secrets.get(secretId(secretRef)) ?? ''),
      ...(options === undefined ? {} : { options }),
      ...(scheme === undefined ? {} : { scheme }),
      ...(toleranceSeconds === undefined ? {} : { toleranceSeconds }),
    })
    return []
  } catch (error) {
    if (error instanceof SchemeError) return [`Source ${source.name}: ${error.message}`]
    throw error
  }
}
