import { z } from 'zod'

/**
 * Statuses as they were last written or seen, whichever is newer: a watch tells of older versions of an object for a
 * while after a write, and a status that was reported must not be reported again.
 */
export interface Reported<Status> {
  readonly statuses: ReadonlyMap<string, Status>
  /** The API server's answer to a write of ours. */
  written(key: string, status: Status, object: unknown): void
  /** A version of the object with its status, if that can be read. */
  seen(key: string, status: Status | undefined, object: unknown): void
  forget(key: string): void
}

const versioned = z.looseObject({ metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string() }) })

export function openReported<Status>(): Reported<Status> {
  const statuses = new Map<string, Status>()
  /** The last written status, by key. */
  const writes = new Map<string, { readonly uid: string; readonly version: bigint }>()
  return {
    statuses,
    written(key, status, object) {
      const { uid, resourceVersion } = versioned.parse(object).metadata
      writes.set(key, { uid, version: BigInt(resourceVersion) })
      statuses.set(key, status)
    },
    seen(key, status, object) {
      const { uid, resourceVersion } = versioned.parse(object).metadata
      const write = writes.get(key)
      // Versions of one kind are numbers that grow: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
      if (write?.uid === uid && BigInt(resourceVersion) < write.version) return
      if (status === undefined) statuses.delete(key)
      else statuses.set(key, status)
    },
    forget(key) {
      writes.delete(key)
      statuses.delete(key)
    },
  }
}
