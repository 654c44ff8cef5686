import type { OrganizationKey } from '../organization/declared.ts'
import { organizationSchema } from '../organization/schema.ts'
import { type OrganizationStatus, statusSchema } from '../organization/status-schema.ts'
import { tenantSecretName } from '../organization/tenant-secret.ts'
import type { DeclaredOrganizations } from '../organization-queue.ts'
import type { KubernetesClient } from './client.ts'
import { type OnReport, openObjects } from './objects.ts'
import { openSecretVersions } from './secret-versions.ts'
import { readSecret, secretsOf, tenantSecretOf, writeTenantSecret } from './secrets.ts'

/** Organizations as the API server has them, and their Secrets, as the reconcile code sees them, from what is followed. */
export interface Organizations extends DeclaredOrganizations {
  /** One was made or changed. Answers with a sentence if it can't be read, which a CRD of another version could cause. */
  put(key: OrganizationKey, object: unknown): string | undefined
  remove(key: OrganizationKey): void
  /**
   * A Secret, `namespace/name`, was made or changed; undefined: it is gone. Answers with the Organizations that this is
   * news for: what the operator itself wrote is none.
   */
  putSecret(secret: string, resourceVersion: string | undefined): readonly OrganizationKey[]
}

export interface OrganizationsEvents {
  readonly onReport: OnReport<OrganizationStatus>
  onRelease(key: OrganizationKey): void
  /** Another writer changed the tenant's Secret while it was written. */
  onDisturbed(key: OrganizationKey): void
}

const kind = {
  kind: 'Organization',
  plural: 'organizations',
  /** Holds an Organization until the store has let it go. */
  finalizer: 'fairlead.dev/organization',
  schema: organizationSchema,
  statusSchema,
} as const

export function openOrganizations(client: KubernetesClient, events: OrganizationsEvents): Organizations {
  const objects = openObjects(client, kind, events.onReport)
  const secrets = openSecretVersions()
  return {
    statuses: objects.statuses,
    put(key, object) {
      const fault = objects.put(key, object)
      const found = objects.find(key)
      if (fault === undefined && found) secrets.setSecretsOf(key, secretsOf(found))
      return fault
    },
    remove(key) {
      const found = objects.find(key)
      if (found) secrets.disown(tenantSecretOf(found))
      secrets.setSecretsOf(key, [])
      objects.remove(key)
    },
    putSecret: secrets.seen,
    fingerprint(key) {
      const found = objects.find(key)
      if (!found || found.meta.deletionTimestamp !== undefined) return undefined
      const { document, meta } = found
      const tenant = tenantSecretOf(found)
      const named = secretsOf(found).filter(secret => secret !== tenant)
      const versions = named.map(secret => [secret, secrets.versionOf(secret)])
      return {
        declared: JSON.stringify([meta.uid, meta.generation, document.metadata.annotations, versions]),
        tenantSecret: secrets.versionOf(tenant) ?? '',
      }
    },
    async readOrganization(key) {
      const found = objects.find(key)
      if (!found) return undefined
      const { document, meta } = found
      const deleting = meta.deletionTimestamp !== undefined
      return { organization: document, generation: meta.generation, deleting }
    },
    async readSecret(namespace, name) {
      const secret = await readSecret(client, namespace, name)
      if (!secret) return undefined
      const owner = objects.find(`${namespace}/${name.slice(0, -tenantSecretName('').length)}`)
      return { data: secret.data, ours: owner !== undefined && secret.owners.includes(owner.meta.uid) }
    },
    claim: objects.claim,
    async writeTenantSecret(key, tenant) {
      const found = objects.find(key)
      if (!found) return undefined
      return await secrets.whileWriting(
        tenantSecretOf(found),
        () => writeTenantSecret(client, found, tenant),
        () => events.onDisturbed(key),
      )
    },
    async release(key) {
      // The tenant's Secret goes with its owner.
      if (await objects.release(key)) events.onRelease(key)
    },
    readStatus: async key => objects.statuses.get(key),
    report: objects.report,
  }
}
