import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { z } from 'zod'
import type { Organization } from '../organization/schema.ts'
import { secretRefsOf } from '../organization/secret-refs.ts'
import { encodeTenantSecret, type TenantSecret, tenantSecretName } from '../organization/tenant-secret.ts'
import type { KubernetesClient } from './client.ts'
import type { DeclaredObject } from './objects.ts'

/** Secrets at the API server: those that an Organization names are read, the tenant's Secret is read and written. */

/** The tenant's Secret, `namespace/name`, of an Organization. */
export const tenantSecretOf = ({ meta }: DeclaredObject<Organization>) =>
  `${meta.namespace}/${tenantSecretName(meta.name)}`

/** The Secrets, `namespace/name`, that an Organization is made from or makes. */
export function secretsOf(object: DeclaredObject<Organization>): readonly string[] {
  const named = secretRefsOf(object.document).map(({ name }) => `${object.meta.namespace}/${name}`)
  return [...named, tenantSecretOf(object)]
}

/** Reads a Secret, with the UIDs of its owners; undefined: there is none. */
export async function readSecret(
  client: KubernetesClient,
  namespace: string,
  name: string,
): Promise<{ data: Readonly<Record<string, string>>; owners: readonly string[] } | undefined> {
  const found = await client.find({ method: 'GET', path: secretPath(namespace, name) })
  if (found === undefined) return undefined
  const { data, metadata } = secretSchema.parse(found)
  return { data: decodeData(data), owners: metadata.ownerReferences.map(({ uid }) => uid) }
}

/** Applies the tenant's Secret of an Organization. Returns its new resource version. */
export async function writeTenantSecret(
  client: KubernetesClient,
  organization: DeclaredObject<Organization>,
  tenant: TenantSecret,
): Promise<string> {
  const written = await client.apply(
    secretPath(organization.meta.namespace, tenantSecretName(organization.meta.name)),
    tenantSecretResource(organization, encodeTenantSecret(tenant)),
  )
  return secretSchema.parse(written).metadata.resourceVersion
}

const secretPath = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`

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
