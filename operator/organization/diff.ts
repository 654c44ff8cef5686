import { isDeepStrictEqual } from 'node:util'
import { desiredOrganization } from './desired.ts'
import type { Snapshot } from './observe.ts'
import type { Action, Obstacle, Plan } from './plan.ts'
import { desiredTenantSecret, tenantSecretName } from './tenant-secret.ts'
import { type Unresolved, unresolvedOf } from './unresolved.ts'

/**
 * Decides the actions for an Organization. Pure.
 *
 * A missing secret takes nothing out of force. New sources without their secrets are left out and answer 404 as before;
 * new destinations without theirs are paused; the rest is applied. While a part that is in force lacks a secret, nothing
 * is applied: without its secret a source would refuse requests that it accepts now.
 */
export function diff(snapshot: Snapshot): Plan {
  if (snapshot.declared.deleting) return takeDown(snapshot)
  const unresolved = unresolvedOf(snapshot.declared.organization, snapshot.secrets)
  const obstacle = findObstacle(snapshot, unresolved)
  const holds = obstacle !== undefined && !canApplyRest(snapshot, unresolved)
  if (holds) return { actions: [{ kind: 'claim' }], obstacle }
  const { organization } = snapshot.declared
  const tenant = desiredTenantSecret(organization, snapshot.tenantSecret, snapshot.fresh, snapshot.publicUrl)
  const write: readonly Action[] = isDeepStrictEqual(tenant, snapshot.tenantSecret)
    ? []
    : // The Secret is written before the store knows its keys, so that none is lost.
      [{ kind: 'write-tenant-secret', secret: tenant }]
  const desired = desiredOrganization(organization, snapshot.secrets, tenant, {
    sources: namesOf(unresolved, 'source'),
    destinations: namesOf(unresolved, 'destination'),
  })
  return {
    actions: [{ kind: 'claim' }, ...write, { kind: 'apply', desired }],
    ...(obstacle && { obstacle, unresolved }),
  }
}

const namesOf = (unresolved: readonly Unresolved[], kind: Unresolved['kind']): ReadonlySet<string> =>
  new Set(unresolved.filter(one => one.kind === kind).map(({ name }) => name))

/** Whether applying the resolved rest removes no source or destination that is in force now. */
function canApplyRest({ inForce, tenantSecretTaken }: Snapshot, unresolved: readonly Unresolved[]): boolean {
  if (tenantSecretTaken || inForce === 'unavailable') return false
  return !unresolved.some(({ kind, name }) => partsOf(inForce, kind).some(one => one.name === name))
}

/** A source without its hydration key does what it did, so that a missing key keeps nothing from being applied. */
function partsOf(
  inForce: Exclude<Snapshot['inForce'], 'unavailable'>,
  kind: Unresolved['kind'],
): readonly { readonly name: string }[] {
  switch (kind) {
    case 'source':
      return inForce?.sources ?? []
    case 'destination':
      return inForce?.destinations ?? []
    case 'hydration':
      return []
    default:
      return kind satisfies never
  }
}

function takeDown({ stored }: Snapshot): Plan {
  if (stored === 'unavailable') {
    const message = 'it is being deleted, which waits for the store to be reached'
    return { actions: [], obstacle: { reason: 'StoreUnavailable', message } }
  }
  // Another owner has the slug by now: there is nothing left to delete.
  const remove: readonly Action[] = stored?.ours ? [{ kind: 'delete', organizationId: stored.id }] : []
  return { actions: [...remove, { kind: 'release' }] }
}

function findObstacle(snapshot: Snapshot, unresolved: readonly Unresolved[]): Obstacle | undefined {
  const { name, namespace } = snapshot.declared.organization.metadata
  if (snapshot.tenantSecretTaken) {
    const secret = `${namespace}/${tenantSecretName(name)}`
    return {
      reason: 'SecretNotOurs',
      message: `the Secret ${secret} is kept for this organization's keys, but someone else made it: rename or delete it`,
    }
  }
  const [first] = unresolved
  if (!first) return undefined
  // Missing Secrets come first, then faulty ones.
  const reason = unresolved.some(one => one.reason === 'SecretMissing') ? 'SecretMissing' : first.reason
  const parts = unresolved.map(({ kind, name, message }) => `${kind} ${name}: ${message}`).join('; ')
  const rest = canApplyRest(snapshot, unresolved)
    ? 'the rest is in force'
    : snapshot.inForce === 'unavailable'
      ? 'what was in force before stays so'
      : 'all that was in force before stays so, and no other change is applied until then'
  return { reason, message: `${parts} (${rest})` }
}
