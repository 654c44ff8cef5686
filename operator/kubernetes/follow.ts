import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { errorOfWatch, type KubernetesClient, KubernetesError } from './client.ts'

/** The fields of every object. */
export const objectMeta = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
})
const listed = z.looseObject({ metadata: objectMeta })
export type KubernetesObject = z.infer<typeof listed>

const list = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().optional() }),
  // An empty list of metadata has null here.
  items: z
    .array(listed)
    .nullable()
    .transform(items => items ?? []),
})

/** Callbacks for the objects of a collection. Called again with unchanged objects: the receiver compares. */
export interface Follower {
  /** An object was made or changed, or is found in a list. */
  onObject(object: KubernetesObject): void
  /** An object is gone. */
  onGone(key: string): void
  /** Following is interrupted, and goes on after a while. */
  onInterrupted(error: unknown, retryMs: number): void
}

export interface Collection {
  /** Such as `/apis/fairlead.dev/v1alpha1/organizations`. */
  readonly path: string
  /** Only metadata: enough to know which Secret changed, without holding every Secret. */
  readonly metadataOnly?: boolean
}

/** Waits after interruptions in a row, ms: doubled up to the last, of which up to a half is chance. */
const [firstRetryMs, lastRetryMs] = [200, 30_000]

/**
 * Follows a collection until the signal aborts: list, watch, and list again after anything goes wrong (the client
 * library's own informer stops for good after any error but 410). Objects that were deleted between watches are
 * reported as gone. Never rejects.
 *
 * @param onListed a whole list is read: at first, and again after each interruption
 */
export async function follow(
  client: KubernetesClient,
  collection: Collection,
  follower: Follower,
  signal: AbortSignal,
  onListed: () => void,
): Promise<void> {
  const known = new Set<string>()
  let failures = 0
  while (!signal.aborted) {
    try {
      const resourceVersion = await listAll(client, collection, follower, known, signal)
      onListed()
      failures = 0
      await watchFrom(client, collection, follower, known, resourceVersion, signal)
    } catch (error) {
      if (signal.aborted) return
      // A list that is too old, or a watch that ends: both are everyday.
      const isExpired =
        error instanceof KubernetesError && (error.status === 410 || error.reason === 'Expired')
      const retryMs = Math.max(
        error instanceof KubernetesError ? (error.retryAfterMs ?? 0) : 0,
        Math.min(lastRetryMs, firstRetryMs * 2 ** failures) * (0.5 + Math.random() / 2),
      )
      if (!isExpired) follower.onInterrupted(error, Math.round(retryMs))
      failures++
      await delay(retryMs, undefined, { signal }).catch(() => {})
    }
  }
}

export const keyOfObject = ({ metadata }: KubernetesObject): string =>
  `${metadata.namespace}/${metadata.name}`

const metadataTypes = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1`

/** Reads the whole collection in pages. Answers with the version to watch from. */
async function listAll(
  client: KubernetesClient,
  { path, metadataOnly }: Collection,
  follower: Follower,
  known: Set<string>,
  signal: AbortSignal,
): Promise<string> {
  const found = new Set<string>()
  for (let next = ''; ; ) {
    const query = { limit: '500', ...(next ? { continue: next } : {}) }
    const accept = metadataOnly ? { accept: metadataTypes('PartialObjectMetadataList') } : {}
    const page = list.parse(await client.call({ method: 'GET', path, query, signal, ...accept }))
    for (const item of page.items) {
      found.add(keyOfObject(item))
      known.add(keyOfObject(item))
      follower.onObject(item)
    }
    next = page.metadata.continue ?? ''
    if (next === '') {
      for (const key of known) {
        if (found.has(key)) continue
        known.delete(key)
        follower.onGone(key)
      }
      return page.metadata.resourceVersion
    }
  }
}

/** Follows from a version on, over watches that the server ends now and then. Throws when a list is needed again. */
async function watchFrom(
  client: KubernetesClient,
  { path, metadataOnly }: Collection,
  follower: Follower,
  known: Set<string>,
  from: string,
  signal: AbortSignal,
): Promise<void> {
  const accept = metadataOnly ? { accept: metadataTypes('PartialObjectMetadata') } : {}
  for (let resourceVersion = from; !signal.aborted; ) {
    const before = resourceVersion
    for await (const event of client.watch({ path, query: { resourceVersion }, signal, ...accept })) {
      if (event.type === 'ERROR') throw errorOfWatch(event.object)
      const { metadata } = z
        .looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) })
        .parse(event.object)
      resourceVersion = metadata.resourceVersion
      if (event.type === 'BOOKMARK') continue
      const object = listed.parse(event.object)
      const key = keyOfObject(object)
      if (event.type === 'DELETED') {
        known.delete(key)
        follower.onGone(key)
      } else {
        known.add(key)
        follower.onObject(object)
      }
    }
    // A server that ends watches at once must not be asked in a loop.
    if (resourceVersion === before) await delay(firstRetryMs, undefined, { signal })
  }
}
