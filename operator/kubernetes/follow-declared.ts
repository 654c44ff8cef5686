import type { Log } from '@fairlead/daemon/log'
import type { Kind } from '../metrics.ts'
import type { Queue } from '../queue.ts'
import { type Follower, keyOfObject } from './follow.ts'

export interface DeclaredContext {
  readonly kind: Kind
  /** Where the objects are kept; `put` answers with a sentence if it can't read one. */
  readonly objects: {
    put(key: string, object: unknown): string | undefined
    remove(key: string): void
  }
  readonly queue: Queue
  readonly log: Log
}

/**
 * Follows the objects of one of our kinds: keeps each, and queues its key when its declaration has changed. A deletion
 * comes as a change first, because the finalizer holds the object; when the object is gone, nothing is left to do.
 */
export function followDeclared({ kind, objects, queue, log }: DeclaredContext): Follower {
  const versions = new Map<string, string>()
  return {
    onObject(object) {
      const key = keyOfObject(object)
      const fault = objects.put(key, object)
      if (fault !== undefined) {
        log.error({ [kind]: key, fault }, `${kind}.unreadable`)
        return
      }
      // Without the status, which this operator writes itself.
      const { generation, deletionTimestamp, annotations, uid } = object.metadata
      const version = JSON.stringify([uid, generation, deletionTimestamp, annotations])
      if (versions.get(key) === version) return
      versions.set(key, version)
      queue.add(key)
    },
    onGone(key) {
      versions.delete(key)
      objects.remove(key)
    },
    onInterrupted: (err, retryMs) => log.warn({ err, retryMs }, `${kind}s.interrupted`),
  }
}
