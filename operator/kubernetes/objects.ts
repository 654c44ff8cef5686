import { isDeepStrictEqual } from 'node:util'
import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { z } from 'zod'
import type { KubernetesClient } from './client.ts'
import { letGo } from './let-go.ts'
import { openReported } from './reported.ts'

const envelope = z.object({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    generation: z.number().default(1),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).default([]),
  }),
  status: z.unknown().optional(),
})

/** An object as the API server has it. */
export interface DeclaredObject<Document> {
  readonly document: Document
  readonly meta: z.infer<typeof envelope>['metadata']
  /** Of itself in the API. */
  readonly path: string
}

export interface ObjectKind<Document, Status> {
  readonly kind: 'Organization' | 'Replay'
  readonly plural: 'organizations' | 'replays'
  /** The finalizer: holds a deleted object until its resources outside of the cluster are deleted. */
  readonly finalizer: string
  readonly schema: z.ZodType<Document>
  readonly statusSchema: z.ZodType<Status>
}

/** A status was written that differs from the one before. */
export type OnReport<Status> = (key: string, uid: string, status: Status, before: Status | undefined) => void

/** The objects of one of our kinds, by `namespace/name`, as the watch reports them, and writes to them. */
export interface Objects<Document, Status> {
  readonly statuses: ReadonlyMap<string, Status>
  find(key: string): DeclaredObject<Document> | undefined
  all(): Iterable<readonly [key: string, DeclaredObject<Document>]>
  /** One was made or changed. Answers with a sentence if it can't be read, which a CRD of another version could cause. */
  put(key: string, object: unknown): string | undefined
  remove(key: string): void
  /** Marks it with the finalizer, unless it is. */
  claim(key: string): Promise<void>
  /** Takes the finalizer off. Answers whether it was there. */
  release(key: string): Promise<boolean>
  /** Writes a status that differs from what was written or seen last. */
  report(key: string, status: Status): Promise<void>
}

export function openObjects<Document, Status>(
  client: KubernetesClient,
  { kind, plural, finalizer, schema, statusSchema }: ObjectKind<Document, Status>,
  onReport: OnReport<Status>,
): Objects<Document, Status> {
  const objects = new Map<string, DeclaredObject<Document>>()
  const reported = openReported<Status>()
  return {
    statuses: reported.statuses,
    find: key => objects.get(key),
    all: () => objects,
    put(key, object) {
      const parsed = schema.safeParse({ apiVersion, kind, ...(object as object) })
      if (!parsed.success)
        return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
      const { metadata: meta, status } = envelope.parse(object)
      const path = `/apis/${apiVersion}/namespaces/${meta.namespace}/${plural}/${meta.name}`
      objects.set(key, { document: parsed.data, meta, path })
      reported.seen(key, statusSchema.safeParse(status).data, object)
      return undefined
    },
    remove(key) {
      objects.delete(key)
      reported.forget(key)
    },
    async claim(key) {
      const found = objects.get(key)
      if (!found || found.meta.finalizers.includes(finalizer)) return
      const metadata = { ...identityOf(found), finalizers: [finalizer] }
      await client.apply(found.path, { apiVersion, kind, metadata })
    },
    async release(key) {
      const found = objects.get(key)
      if (!found?.meta.finalizers.includes(finalizer)) return false
      await letGo(client, found.path, kind, identityOf(found))
      const now = objects.get(key)
      if (now?.meta.uid === found.meta.uid)
        objects.set(key, { ...now, meta: { ...now.meta, finalizers: [] } })
      return true
    },
    async report(key, status) {
      const found = objects.get(key)
      const before = reported.statuses.get(key)
      if (!found || isDeepStrictEqual(before, status)) return
      const written = await client.apply(`${found.path}/status`, {
        apiVersion,
        kind,
        metadata: identityOf(found),
        status,
      })
      reported.written(key, status, written)
      onReport(key, found.meta.uid, status, before)
    },
  }
}

/** Names an object by name and uid, so that a write can't reach a later object with the same name. */
function identityOf({ meta }: Pick<DeclaredObject<unknown>, 'meta'>) {
  return { name: meta.name, namespace: meta.namespace, uid: meta.uid }
}
