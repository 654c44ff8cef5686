import type { Declarations, Declared, FindSlug, OrganizationKey, SlugOwner } from './declared.ts'
import type { Health, StoreRows } from './holdings.ts'
import { type Organization, slugOfOrganization } from './schema.ts'
import { secretId, secretRefsOf } from './secret-refs.ts'
import { decodeTenantSecret, type FreshKeys, type TenantSecret, tenantSecretName } from './tenant-secret.ts'
import { unresolvedOf } from './unresolved.ts'

/** The snapshot that `diff` decides on. */
export interface Snapshot {
  readonly key: OrganizationKey
  readonly declared: Declared
  /** The secrets that the spec names: `name/key` → value. Those that aren't there are left out. */
  readonly secrets: ReadonlyMap<string, string>
  readonly tenantSecret: TenantSecret | undefined
  /** A Secret of that name exists, and isn't the operator's. */
  readonly tenantSecretTaken: boolean
  /** Only looked up for an Organization that is being deleted. */
  readonly stored: SlugOwner | 'unavailable' | undefined
  /**
   * What the store has in force, and how it does; only looked up where something is unresolved. Undefined: it has no
   * such organization of ours.
   */
  readonly inForce: Health | 'unavailable' | undefined
  /** Random keys, used where the tenant's Secret needs a new one. */
  readonly fresh: FreshKeys
  /** Base of the webhook URLs, without a slash at its end. */
  readonly publicUrl: string
}

export interface ObserveContext {
  readonly declarations: Declarations
  readonly findSlug: FindSlug
  readonly rows: Pick<StoreRows, 'health'>
  readonly makeKeys: () => FreshKeys
  readonly publicUrl: string
}

/** Reads everything about one Organization; undefined if there is none. Rejects if something can't be reached. */
export async function observe(key: OrganizationKey, context: ObserveContext): Promise<Snapshot | undefined> {
  const { declarations, findSlug, makeKeys, publicUrl } = context
  const declared = await declarations.readOrganization(key)
  if (!declared) return undefined
  const { organization, deleting } = declared
  const { namespace, name } = organization.metadata
  const tenant = await declarations.readSecret(namespace, tenantSecretName(name))
  const secrets = deleting ? new Map<string, string>() : await readSecrets(organization, declarations)
  const isWhole = deleting || unresolvedOf(organization, secrets).length === 0
  return {
    key,
    declared,
    secrets,
    tenantSecret: tenant?.ours ? decodeTenantSecret(tenant.data) : undefined,
    tenantSecretTaken: tenant !== undefined && !tenant.ours,
    stored: deleting ? await findSlug(key, slugOfOrganization(organization)) : undefined,
    inForce: isWhole ? undefined : await findInForce(key, organization, context),
    fresh: makeKeys(),
    publicUrl,
  }
}

async function findInForce(
  key: OrganizationKey,
  organization: Organization,
  { findSlug, rows }: ObserveContext,
): Promise<Snapshot['inForce']> {
  const stored = await findSlug(key, slugOfOrganization(organization))
  if (stored === 'unavailable') return 'unavailable'
  if (!stored?.ours) return undefined
  const health = await rows.health(stored.id)
  switch (health.kind) {
    case 'known':
      return health
    case 'unavailable':
      return 'unavailable'
    case 'gone':
    case 'same':
      return undefined
    default:
      return health satisfies never
  }
}

async function readSecrets(
  organization: Organization,
  declarations: Declarations,
): Promise<ReadonlyMap<string, string>> {
  const refs = secretRefsOf(organization)
  const names = [...new Set(refs.map(({ name }) => name))]
  const read = await Promise.all(
    names.map(
      async name => [name, await declarations.readSecret(organization.metadata.namespace, name)] as const,
    ),
  )
  const byName = new Map(read)
  return new Map(
    refs.flatMap(ref => {
      const value = byName.get(ref.name)?.data[ref.key]
      return value === undefined ? [] : [[secretId(ref), withoutLineEnd(value)] as const]
    }),
  )
}

/** `echo secret | base64` leaves a line end that is no part of any provider's secret. */
function withoutLineEnd(value: string): string {
  return value.replace(/\r?\n$/, '')
}
