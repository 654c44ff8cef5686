import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Holdings } from '../organization/act.ts'
import type { Declarations, OrganizationKey } from '../organization/observe.ts'
import type { Reports } from '../organization/reconcile.ts'
import { apiVersion, type Organization, organizationSchema } from '../organization/schema.ts'
import { secretRefsOf } from '../organization/secret-refs.ts'
import { type OrganizationStatus, statusSchema } from '../organization/status-schema.ts'
import { encodeTenantSecret, tenantSecretName } from '../organization/tenant-secret.ts'
import type { KubernetesClient } from './client.ts'
import { letGo } from './let-go.ts'
import { openReported } from './reported.ts'

/** Holds an Organization until the store has let it go. */
export const finalizer = 'fairlead.dev/organization'

const resource = z.object({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    generation: z.number().default(1),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).default([]),
  }),
  status: z.unknown().optional(),
})

/** An Organization as the API server has it. */
interface Resource {
  readonly organization: Organization
  readonly meta: z.infer<typeof resource>['metadata']
}

/** What the Kubernetes API declares, as the reconcile code sees it, from what is followed. */
export interface Resources extends Declarations, Holdings, Reports {
  readonly statuses: ReadonlyMap<OrganizationKey, OrganizationStatus>
  /** An Organization was made or changed. Answers with a sentence if it can't be read, which a CRD of another version could cause. */
  put(key: OrganizationKey, object: unknown): string | undefined
  remove(key: OrganizationKey): void
  /**
   * A Secret was made or changed; undefined: it is gone. Answers with the Organizations that this is news for: what
   * the operator itself wrote is none.
   */
  putSecret(namespace: string, name: string, resourceVersion: string | undefined): readonly OrganizationKey[]
  /** Names the version of an Organization, without its status, and of every Secret that concerns it. */
  fingerprint(key: OrganizationKey): string | undefined
}

export interface ResourcesEvents {
  onReport(
    key: OrganizationKey,
    uid: string,
    status: OrganizationStatus,
    before: OrganizationStatus | undefined,
  ): void
  onRelease(key: OrganizationKey): void
  /** Someone else wrote the tenant's Secret while it was written. */
  onDisturbed(key: OrganizationKey): void
}

export function openResources(client: KubernetesClient, events: ResourcesEvents): Resources {
  const resources = new Map<OrganizationKey, Resource>()
  const reported = openReported<OrganizationStatus>()
  /** `namespace/secret` → keys. */
  const bySecret = new Map<string, Set<OrganizationKey>>()
  const secretVersions = new Map<string, string>()
  /** Versions that the operator itself wrote. */
  const ownVersions = new Map<string, string>()
  /** Secrets that are being written. */
  const writing = new Set<string>()

  function index(key: OrganizationKey, organization: Organization, change: 'add' | 'delete'): void {
    const { namespace } = organization.metadata
    for (const secret of secretsOf(organization)) {
      const concerned = bySecret.get(`${namespace}/${secret}`) ?? new Set()
      concerned[change](key)
      if (concerned.size > 0) bySecret.set(`${namespace}/${secret}`, concerned)
      else bySecret.delete(`${namespace}/${secret}`)
    }
  }

  function forget(key: OrganizationKey): void {
    const old = resources.get(key)
    if (old) index(key, old.organization, 'delete')
    resources.delete(key)
  }

  /** Names an object of ours, so that a write can't reach another one that has its name by now. */
  const identityOf = ({ meta }: Resource) => ({ name: meta.name, namespace: meta.namespace, uid: meta.uid })

  return {
    statuses: reported.statuses,
    put(key, object) {
      const parsed = organizationSchema.safeParse({ apiVersion, kind: 'Organization', ...(object as object) })
      if (!parsed.success)
        return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
      const { metadata, status } = resource.parse(object)
      forget(key)
      resources.set(key, { organization: parsed.data, meta: metadata })
      reported.seen(key, statusSchema.safeParse(status).data, object)
      index(key, parsed.data, 'add')
      return undefined
    },
    remove(key) {
      const { namespace, name } = resources.get(key)?.meta ?? { namespace: '', name: '' }
      ownVersions.delete(`${namespace}/${tenantSecretName(name)}`)
      forget(key)
      reported.forget(key)
    },
    putSecret(namespace, name, resourceVersion) {
      const secret = `${namespace}/${name}`
      const isOurs = resourceVersion !== undefined && ownVersions.get(secret) === resourceVersion
      const isNews = secretVersions.get(secret) !== resourceVersion && !isOurs
      if (resourceVersion === undefined) secretVersions.delete(secret)
      else secretVersions.set(secret, resourceVersion)
      // While the operator writes it, whose version this is isn't known yet.
      return isNews && !writing.has(secret) ? [...(bySecret.get(secret) ?? [])] : []
    },
    fingerprint(key) {
      const found = resources.get(key)
      if (!found || found.meta.deletionTimestamp !== undefined) return undefined
      const { organization, meta } = found
      const versions = secretsOf(organization).map(name => {
        const secret = `${meta.namespace}/${name}`
        const version = secretVersions.get(secret)
        return version === ownVersions.get(secret) ? 'own' : version
      })
      return JSON.stringify([meta.uid, meta.generation, organization.metadata.annotations, versions])
    },
    async readOrganization(key) {
      const found = resources.get(key)
      if (!found) return undefined
      const { organization, meta } = found
      return { organization, generation: meta.generation, deleting: meta.deletionTimestamp !== undefined }
    },
    async readSecret(namespace, name) {
      const found = await client.find({ method: 'GET', path: secretPath(namespace, name) })
      if (found === undefined) return undefined
      const { data, metadata } = secretSchema.parse(found)
      const owner = resources.get(`${namespace}/${name.slice(0, -tenantSecretName('').length)}`)
      const ours = owner !== undefined && metadata.ownerReferences.some(({ uid }) => uid === owner.meta.uid)
      const decoded = Object.entries(data).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString('utf8'),
      ])
      return { data: Object.fromEntries(decoded), ours }
    },
    async claim(key) {
      const found = resources.get(key)
      if (!found || found.meta.finalizers.includes(finalizer)) return
      await client.apply(pathOf(found), {
        apiVersion,
        kind: 'Organization',
        metadata: { ...identityOf(found), finalizers: [finalizer] },
      })
    },
    async writeTenantSecret(key, tenant) {
      const found = resources.get(key)
      if (!found) return
      const { name, namespace, uid } = found.meta
      const owner = {
        apiVersion,
        kind: 'Organization',
        name,
        uid,
        controller: true,
        blockOwnerDeletion: true,
      }
      const encoded = Object.entries(encodeTenantSecret(tenant)).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ])
      const secret = `${namespace}/${tenantSecretName(name)}`
      const before = secretVersions.get(secret)
      writing.add(secret)
      try {
        const written = await client.apply(secretPath(namespace, tenantSecretName(name)), {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {
            name: tenantSecretName(name),
            namespace,
            labels: { 'app.kubernetes.io/managed-by': 'fairlead', 'fairlead.dev/organization': name },
            ownerReferences: [owner],
          },
          type: 'Opaque',
          data: Object.fromEntries(encoded),
        })
        ownVersions.set(secret, secretSchema.parse(written).metadata.resourceVersion)
      } finally {
        writing.delete(secret)
        const seen = secretVersions.get(secret)
        if (seen !== before && seen !== ownVersions.get(secret)) events.onDisturbed(key)
      }
    },
    async release(key) {
      const found = resources.get(key)
      if (!found?.meta.finalizers.includes(finalizer)) return
      // The tenant's Secret goes with its owner.
      await letGo(client, pathOf(found), 'Organization', identityOf(found))
      const now = resources.get(key)
      if (now?.meta.uid === found.meta.uid)
        resources.set(key, { ...now, meta: { ...now.meta, finalizers: [] } })
      events.onRelease(key)
    },
    readStatus: async key => reported.statuses.get(key),
    async report(key, status) {
      const found = resources.get(key)
      const before = reported.statuses.get(key)
      if (!found || isDeepStrictEqual(before, status)) return
      const written = await client.apply(`${pathOf(found)}/status`, {
        apiVersion,
        kind: 'Organization',
        metadata: identityOf(found),
        status,
      })
      reported.written(key, status, written)
      events.onReport(key, found.meta.uid, status, before)
    },
  }
}

/** Names of the Secrets that an Organization is made from or makes. */
function secretsOf(organization: Organization): readonly string[] {
  return [...secretRefsOf(organization).map(ref => ref.name), tenantSecretName(organization.metadata.name)]
}

const secretSchema = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    ownerReferences: z.array(z.looseObject({ uid: z.string() })).default([]),
  }),
  data: z.record(z.string(), z.string()).default({}),
})

const secretPath = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`
const pathOf = ({ meta }: Resource) =>
  `/apis/${apiVersion}/namespaces/${meta.namespace}/organizations/${meta.name}`
