import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import type { Declared, OrganizationKey } from '../organization/declared.ts'
import {
  type Organization,
  organizationSchema,
  type SecretDocument,
  slugOfOrganization,
} from '../organization/schema.ts'
import { secretRefsOf } from '../organization/secret-refs.ts'
import type { OrganizationStatus } from '../organization/status-schema.ts'
import { encodeTenantSecret, tenantSecretName } from '../organization/tenant-secret.ts'
import type { DeclaredOrganizations } from '../organization-queue.ts'
import type { StoredOrganization } from '../store-rows.ts'
import type { FolderState } from './merge.ts'
import type { TenantSecrets } from './tenant-secrets.ts'

/** Organizations and Secrets that files declare, for the reconcile code. */
export interface DeclaredFiles extends DeclaredOrganizations {
  /** The slugs that Organizations have, and keep. */
  readonly slugs: ReadonlyMap<OrganizationKey, string>
  /** Sets the Organizations that the store has from files. */
  remember(stored: readonly StoredOrganization[]): void
  /** Takes over the folder's present state. Returns the keys of Organizations to reconcile. */
  update(folder: Pick<FolderState, 'organizations' | 'secrets' | 'absent'>): readonly OrganizationKey[]
}

export interface DeclaredFilesEvents {
  onReport(key: OrganizationKey, status: OrganizationStatus, before: OrganizationStatus | undefined): void
  onRelease(key: OrganizationKey): void
}

export function openDeclaredFiles(tenantSecrets: TenantSecrets, events: DeclaredFilesEvents): DeclaredFiles {
  const declared = new Map<OrganizationKey, Declared>()
  const statuses = new Map<OrganizationKey, OrganizationStatus>()
  const slugs = new Map<OrganizationKey, string>()
  let secrets: FolderState['secrets'] = new Map()
  /** Digests of documents, each made once. */
  const digests = new WeakMap<object, string>()

  function digestOf(document: object | undefined): string {
    if (!document) return ''
    const known = digests.get(document)
    if (known !== undefined) return known
    const digest = createHash('sha256').update(JSON.stringify(document)).digest('base64url')
    digests.set(document, digest)
    return digest
  }

  function take(key: OrganizationKey, organization: Organization): boolean {
    const old = declared.get(key)
    slugs.set(key, slugOfOrganization(organization))
    if (old && !old.deleting && isDeepStrictEqual(old.organization, organization)) return false
    declared.set(key, { organization, generation: (old?.generation ?? 0) + 1, deleting: false })
    return true
  }

  return {
    statuses,
    slugs,
    readOrganization: async key => declared.get(key),
    async readSecret(namespace, name) {
      const own = await tenantSecrets.read(namespace, name)
      if (own) return { data: own, ours: true }
      const document = secrets.get(`${namespace}/${name}`)
      return document && { data: dataOf(document), ours: false }
    },
    // The store lists the Organizations that it has from files, so they need no mark.
    claim: async () => {},
    async writeTenantSecret(key, secret) {
      const [namespace, name] = splitKey(key)
      return await tenantSecrets.write(namespace, tenantSecretName(name), encodeTenantSecret(secret))
    },
    async release(key) {
      // Declared again meanwhile: the next reconciliation makes it anew, with the keys it had.
      if (declared.get(key)?.deleting !== true) return
      const [namespace, name] = splitKey(key)
      await tenantSecrets.remove(namespace, tenantSecretName(name))
      declared.delete(key)
      statuses.delete(key)
      slugs.delete(key)
      events.onRelease(key)
    },
    readStatus: async key => statuses.get(key),
    async report(key, status) {
      const before = statuses.get(key)
      statuses.set(key, status)
      events.onReport(key, status, before)
    },
    fingerprint(key) {
      const found = declared.get(key)
      if (!found || found.deleting) return undefined
      const [namespace, name] = splitKey(key)
      const refs = new Set(secretRefsOf(found.organization).map(ref => ref.name))
      const used = [...refs].map(ref => [
        ref,
        tenantSecrets.versionOf(namespace, ref) || digestOf(secrets.get(`${namespace}/${ref}`)),
      ])
      return {
        declared: JSON.stringify([digestOf(found.organization), used]),
        tenantSecret: tenantSecrets.versionOf(namespace, tenantSecretName(name)),
      }
    },
    remember(stored) {
      for (const { key, slug } of stored) slugs.set(key, slug)
    },
    update(folder) {
      const changedSecrets = changedNames(secrets, folder.secrets)
      secrets = folder.secrets
      const affected = new Set<OrganizationKey>()
      for (const [key, organization] of folder.organizations) {
        if (take(key, organization) || usesAny(organization, changedSecrets)) affected.add(key)
      }
      for (const [key, { kind }] of folder.absent) {
        const old = declared.get(key)
        const slug = slugs.get(key)
        if (kind !== 'gone' || old?.deleting || slug === undefined) continue
        declared.set(key, { organization: bare(key, slug), generation: 1, ...old, deleting: true })
        affected.add(key)
      }
      return [...affected]
    },
  }
}

/** An Organization whose document is gone. */
function bare(key: OrganizationKey, slug: string): Organization {
  const [namespace, name] = splitKey(key)
  return organizationSchema.parse({
    apiVersion,
    kind: 'Organization',
    metadata: { namespace, name },
    spec: { slug },
  })
}

function splitKey(key: OrganizationKey): [namespace: string, name: string] {
  const at = key.indexOf('/')
  return [key.slice(0, at), key.slice(at + 1)]
}

function dataOf({ data, stringData }: SecretDocument): Readonly<Record<string, string>> {
  const decoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString('utf8'),
  ])
  return { ...Object.fromEntries(decoded), ...stringData }
}

function changedNames(before: FolderState['secrets'], after: FolderState['secrets']): ReadonlySet<string> {
  const names = new Set([...before.keys(), ...after.keys()])
  return new Set([...names].filter(name => !isDeepStrictEqual(before.get(name), after.get(name))))
}

function usesAny(organization: Organization, changed: ReadonlySet<string>): boolean {
  const { namespace } = organization.metadata
  if (changed.size === 0) return false
  return secretRefsOf(organization).some(({ name }) => changed.has(`${namespace}/${name}`))
}
