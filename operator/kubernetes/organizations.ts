import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { z } from 'zod'
import type { OrganizationKey } from '../organization/declared.ts'
import { type Organization, organizationSchema } from '../organization/schema.ts'
import { secretRefsOf } from '../organization/secret-refs.ts'
import { type OrganizationStatus, statusSchema } from '../organization/status-schema.ts'
import { encodeTenantSecret, tenantSecretName } from '../organization/tenant-secret.ts'
import type { DeclaredOrganizations } from '../organization-queue.ts'
import type { KubernetesClient } from './client.ts'
import { type DeclaredObject, type OnReport, openObjects } from './objects.ts'
import { openSecretVersions } from './secret-versions.ts'

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
      const found = await client.find({ method: 'GET', path: secretPath(namespace, name) })
      if (found === undefined) return undefined
      const { data, metadata } = secretSchema.parse(found)
      const owner = objects.find(`${namespace}/${name.slice(0, -tenantSecretName('').length)}`)
      const ours = owner !== undefined && metadata.ownerReferences.some(({ uid }) => uid === owner.meta.uid)
      return { data: decodeData(data), ours }
    },
    claim: objects.claim,
    async writeTenantSecret(key, tenant) {
      const found = objects.find(key)
      if (!found) return undefined
      const write = async () => {
        const written = await client.apply(
          secretPath(found.meta.namespace, tenantSecretName(found.meta.name)),
          tenantSecretResource(found, encodeTenantSecret(tenant)),
        )
        return secretSchema.parse(written).metadata.resourceVersion
      }
      return await secrets.whileWriting(tenantSecretOf(found), write, () => events.onDisturbed(key))
    },
    async release(key) {
      // The tenant's Secret goes with its owner.
      if (await objects.release(key)) events.onRelease(key)
    },
    readStatus: async key => objects.statuses.get(key),
    report: objects.report,
  }
}

const secretPath = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`

const tenantSecretOf = ({ meta }: DeclaredObject<Organization>) =>
  `${meta.namespace}/${tenantSecretName(meta.name)}`

/** The Secrets, `namespace/name`, that an Organization is made from or makes. */
function secretsOf(object: DeclaredObject<Organization>): readonly string[] {
  const named = secretRefsOf(object.document).map(({ name }) => `${object.meta.namespace}/${name}`)
  return [...named, tenantSecretOf(object)]
}

/** The tenant's Secret as a resource; owned by the Organization, so that it goes with it. */
function tenantSecretResource(
  { meta: { name, namespace, uid } }: DeclaredObject<Organization>,
  data: Readonly<Record<string, string>>,
) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: tenantSecretName(name),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'fairlead', 'fairlead.dev/organization': name },
      ownerReferences: [
        { apiVersion, kind: 'Organization', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  }
}

const secretSchema = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    ownerReferences: z.array(z.looseObject({ uid: z.string() })).default([]),
  }),
  data: z.record(z.string(), z.string()).default({}),
})

function decodeData(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
}
