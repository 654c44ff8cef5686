import { isDeepStrictEqual } from 'node:util'
import { fromUuid, newId, toUuid } from '@fairlead/webhook/id'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import type {
  DesiredDestination,
  DesiredOrganization,
  DesiredRoute,
  DesiredSettings,
  DesiredSource,
} from './desired.ts'
import type { StoredDestination, StoredOrganization, StoredSource } from './read.ts'
import type { HydrationKeyRow, ManagedBy, OrganizationRow, RouteRow, SealedRow } from './rows.ts'
import type { Change, Row } from './write.ts'

/** Ids, keys and time that the decision needs beside the two states; passed in, so that it stays pure. */
export interface DiffContext {
  /** The organization's UUID, also where it is to be created. */
  organizationId: string
  keyring: Keyring
  nowMs: number
  /** A signing secret of one's own (`whsec_…`), for an organization that has and declares none. */
  makeSigningSecret: () => string
}

/** Of that what the decision about one source or destination needs. */
export type PartContext = Pick<DiffContext, 'organizationId' | 'keyring' | 'nowMs'>

/**
 * Decides which rows have to be written so that the stored state is the desired state. Resources that the owner declared
 * before and no longer declares are deleted. Resources that tenants made stay, unless the owner declares the same name:
 * then they are the owner's.
 */
export function diff(
  stored: StoredOrganization | undefined,
  desired: DesiredOrganization,
  context: DiffContext,
): Change[] {
  return [
    ...organizationChanges(stored, desired, context),
    ...memberChanges(stored, desired, context),
    ...sourceChanges(stored, desired, context),
    ...destinationChanges(stored, desired, context),
    ...routeChanges(stored, desired, context),
    ...signingChanges(stored, desired, context),
    ...hydrationChanges(stored?.hydrationKeys ?? [], desired.hydrationKeys, 'owner', context),
    ...apiKeyChanges(stored, desired, context),
  ]
}

export function organizationChanges(
  stored: OrganizationRow | undefined,
  desired: DesiredSettings,
  { organizationId }: Pick<DiffContext, 'organizationId'>,
): Change[] {
  const row = {
    slug: desired.slug,
    display_name: desired.displayName || desired.slug,
    plan: desired.plan || 'free',
    webhook_limit: desired.webhookLimit?.toString() ?? null,
    active: desired.active ?? true,
    retention_days: desired.retentionDays,
    weight: desired.weight,
    slo: desired.slo ?? null,
    ledger_enabled: desired.ledgerEnabled,
    ...desired.rateLimit,
    ...desired.owner,
  }
  return same(stored, row)
    ? []
    : [{ kind: 'put', table: 'organizations', row: { id: organizationId, ...row } }]
}

function memberChanges(
  stored: StoredOrganization | undefined,
  { members }: DesiredOrganization,
  { organizationId, nowMs }: DiffContext,
): Change[] {
  const before = new Map(stored?.members.map(row => [row.email, row]))
  const changes = members.flatMap(({ email, role }): Change[] => {
    const row = { email, role, active: true, managed_by: 'owner' }
    const old = before.get(email)
    before.delete(email)
    if (same(old, row)) return []
    const id = old?.id ?? toUuid(newId('mem', nowMs))
    return [{ kind: 'put', table: 'members', row: { organization_id: organizationId, id, ...row } }]
  })
  return [...changes, ...leftovers('members', before.values())]
}

function sourceChanges(
  stored: StoredOrganization | undefined,
  { sources }: DesiredOrganization,
  context: DiffContext,
): Change[] {
  const before = new Map(stored?.sources.map(row => [row.name, row]))
  const changes = sources.flatMap(source => {
    const old = before.get(source.row.name)
    before.delete(source.row.name)
    return sourceChange(old, source, 'owner', context)
  })
  return [...changes, ...leftovers('sources', undeleted(before.values()))]
}

/** @param old of the same name, deleted or not */
export function sourceChange(
  old: StoredSource | undefined,
  { row: settings, secrets }: DesiredSource,
  managedBy: ManagedBy,
  { organizationId, nowMs, keyring }: PartContext,
): Change[] {
  const row = { ...settings, managed_by: managedBy, deleted_at: null }
  const id = old?.id ?? toUuid(newId('src', nowMs))
  const put: Change[] = same(old, row)
    ? []
    : [{ kind: 'put', table: 'sources', row: { organization_id: organizationId, id, ...row } }]
  const key = { organization_id: organizationId, source_id: id }
  const seal = sealContext.sourceSecret(fromUuid('org', organizationId), row.name)
  return [...put, ...sealedChanges('source_secrets', key, 'id', old?.secrets ?? [], secrets, seal, keyring)]
}

function destinationChanges(
  stored: StoredOrganization | undefined,
  { destinations }: DesiredOrganization,
  context: DiffContext,
): Change[] {
  const before = new Map(stored?.destinations.map(row => [row.name, row]))
  const changes = destinations.flatMap(destination => {
    const old = before.get(destination.row.name)
    before.delete(destination.row.name)
    return destinationChange(old, destination, 'owner', context)
  })
  return [...changes, ...leftovers('destinations', undeleted(before.values()))]
}

/** @param old of the same name, deleted or not */
export function destinationChange(
  old: StoredDestination | undefined,
  { row: settings, headers, auth }: DesiredDestination,
  managedBy: ManagedBy,
  { organizationId, nowMs, keyring }: PartContext,
): Change[] {
  const row = { ...settings, managed_by: managedBy, deleted_at: null }
  const id = old?.id ?? toUuid(newId('dst', nowMs))
  const put: Change[] = same(old, row)
    ? []
    : [{ kind: 'put', table: 'destinations', row: { organization_id: organizationId, id, ...row } }]
  const key = { organization_id: organizationId, destination_id: id }
  const seal = sealContext.destinationHeader(fromUuid('org', organizationId), row.name)
  const authSeal = sealContext.destinationAuth(fromUuid('org', organizationId), row.name)
  const auths = auth === '' ? [] : [{ id: 'auth', value: auth }]
  return [
    ...put,
    ...sealedChanges('destination_headers', key, 'name', old?.headers ?? [], headers, seal, keyring),
    ...sealedChanges('destination_auths', key, 'id', old?.auths ?? [], auths, authSeal, keyring),
  ]
}

/** An owner's route has no name: a route with another content is another route. */
function routeChanges(
  stored: StoredOrganization | undefined,
  { routes }: DesiredOrganization,
  { organizationId, nowMs }: DiffContext,
): Change[] {
  const before = new Map(stored?.routes.map(row => [routeContent(row), row]))
  const changes = routes.flatMap((route): Change[] => {
    const old = before.get(routeContent(route))
    before.delete(routeContent(route))
    const row = { ...route, managed_by: 'owner' }
    if (same(old, row)) return []
    const id = old?.id ?? toUuid(newId('rte', nowMs))
    return [{ kind: 'put', table: 'routes', row: { organization_id: organizationId, id, ...row } }]
  })
  return [...changes, ...leftovers('routes', before.values())]
}

/** A tenant's route keeps its id, whatever it says. */
export function routeChange(
  old: RouteRow | undefined,
  route: DesiredRoute,
  { organizationId, nowMs }: Pick<PartContext, 'organizationId' | 'nowMs'>,
): Change[] {
  const row = { ...route, managed_by: 'tenant' }
  if (same(old, row)) return []
  const id = old?.id ?? toUuid(newId('rte', nowMs))
  return [
    {
      kind: old ? 'set' : 'put',
      table: 'routes',
      row: { organization_id: organizationId, id, ...row },
    },
  ]
}

/** Two routes that say the same are one. */
export const routeContent = (row: Pick<RouteRow, 'source' | 'event_types' | 'destinations'>): string =>
  JSON.stringify([row.source, row.event_types, row.destinations])

function signingChanges(
  stored: StoredOrganization | undefined,
  { signingSecrets }: DesiredOrganization,
  { organizationId, keyring, makeSigningSecret }: DiffContext,
): Change[] {
  const before = stored?.signingSecrets ?? []
  if (signingSecrets.length === 0 && before.length > 0) return []
  const wanted = signingSecrets.length > 0 ? signingSecrets : [{ id: 'store', value: makeSigningSecret() }]
  const key = { organization_id: organizationId }
  const seal = sealContext.signingSecret(fromUuid('org', organizationId))
  return sealedChanges('signing_secrets', key, 'id', before, wanted, seal, keyring)
}

/**
 * Of the keys that the owner manages, or of those that the tenant does: the keys of the other stay, unless the owner declares a key for the same source.
 * @param wanted all keys that it manages from now on
 */
export function hydrationChanges(
  stored: readonly HydrationKeyRow[],
  wanted: readonly { id: string; value: string }[],
  managedBy: ManagedBy,
  { organizationId, keyring }: Pick<DiffContext, 'organizationId' | 'keyring'>,
): Change[] {
  const key = { organization_id: organizationId }
  const seal = sealContext.hydrationKey(fromUuid('org', organizationId))
  const before = stored.filter(row => row.managed_by === managedBy)
  const changes = sealedChanges('ledger_hydration_keys', key, 'id', before, wanted, seal, keyring)
  return changes.map(change =>
    change.kind === 'put' ? { ...change, row: { ...change.row, managed_by: managedBy } } : change,
  )
}

function apiKeyChanges(
  stored: StoredOrganization | undefined,
  { apiKeys }: DesiredOrganization,
  { organizationId, nowMs }: DiffContext,
): Change[] {
  const before = new Map(stored?.apiKeys.map(row => [row.name, row]))
  const puts = apiKeys.flatMap(({ name, prefix, role, sha256 }): Change[] => {
    const row = { name, prefix, role, sha256: Buffer.from(sha256), managed_by: 'owner' }
    const old = before.get(name)
    const kept = old?.sha256.equals(row.sha256) ? old : undefined
    if (kept) before.delete(name)
    if (same(kept, row)) return []
    const id = kept?.id ?? toUuid(newId('key', nowMs))
    return [
      {
        kind: 'put',
        table: 'api_keys',
        row: { organization_id: organizationId, id, ...row, revoked_at: null },
      },
    ]
  })
  // First what goes: a key that was made anew has the name of the one before.
  const declared = new Set(apiKeys.map(({ name }) => name))
  const revoked = [...before.values()].filter(row => row.managed_by === 'owner' || declared.has(row.name))
  const removes = revoked.map(
    ({ id }): Change => ({ kind: 'remove', table: 'api_keys', row: { organization_id: organizationId, id } }),
  )
  return [...removes, ...puts]
}

/**
 * A secret is sealed anew only where its plain text changed, because the sealed text stands in the configuration bucket
 * too and must not change by itself; and where it no longer opens because its key is gone.
 */
function sealedChanges(
  table:
    | 'source_secrets'
    | 'destination_headers'
    | 'destination_auths'
    | 'signing_secrets'
    | 'ledger_hydration_keys',
  key: Row,
  idColumn: 'id' | 'name',
  before: readonly SealedRow[],
  wanted: readonly { id: string; value: string }[],
  seal: string,
  keyring: Keyring,
): Change[] {
  const left = new Map(before.map(row => [row.id, row]))
  const puts = wanted.flatMap(({ id, value }, position): Change[] => {
    const old = left.get(id)
    left.delete(id)
    const unchanged = old !== undefined && openOrUndefined(keyring, old.sealed, seal) === value
    if (unchanged && old.position === position) return []
    const sealed = unchanged ? old.sealed : keyring.seal(value, seal)
    return [{ kind: 'put', table, row: { ...key, [idColumn]: id, position, sealed } }]
  })
  const removes = [...left.values()].map(
    ({ id }): Change => ({ kind: 'remove', table, row: { ...key, [idColumn]: id } }),
  )
  return [...puts, ...removes]
}

/** Undefined: its key is gone, or it was damaged. */
export function openOrUndefined(keyring: Keyring, sealed: string, seal: string): string | undefined {
  try {
    return keyring.open(sealed, seal)
  } catch {
    return undefined
  }
}

/** Whether an old row has all values of a new row. */
function same(old: object | undefined, row: Row): boolean {
  return (
    old !== undefined &&
    Object.entries(row).every(([column, value]) => isDeepStrictEqual((old as Row)[column], value))
  )
}

function undeleted<R extends { deleted_at: Date | null }>(rows: Iterable<R>): R[] {
  return [...rows].filter(row => row.deleted_at === null)
}

/** Rows that the owner declared before and no longer declares. */
function leftovers(
  table: 'members' | 'sources' | 'destinations' | 'routes',
  rows: Iterable<{ organization_id: string; id: string; managed_by: string }>,
): Change[] {
  return [...rows]
    .filter(row => row.managed_by === 'owner')
    .map(({ organization_id, id }): Change => ({ kind: 'remove', table, row: { organization_id, id } }))
}
