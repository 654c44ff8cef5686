import { type OrganizationId, parseId } from '@fairlead/webhook/id'
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { decodeConfig, type OrganizationConfig } from './config.ts'
import { bucketName } from './streams.ts'
import { failingForMs } from './trouble.ts'
import { untilAllowed } from './until-allowed.ts'
import { type BucketWatch, watchBucket } from './watch-bucket.ts'

/** The callbacks of a watcher of the configuration bucket. */
export interface ConfigWatcher {
  /** An organization is new or has changed. `revision` counts up with every change in the bucket. */
  put(config: OrganizationConfig, revision: number): void
  /** An organization is gone. */
  remove(organization: OrganizationId): void
  /** A value can't be read: that organization's last readable value stays in force. */
  fault(key: string, error: unknown): void
  /** The watch failed, and is tried again. Called with the same reason every 30 s. */
  failed(error: unknown): void
}

/** Opens the configuration bucket, or makes it; the same wherever it is made, or the second of two would be refused. */
export const openConfigBucket = (nats: NatsConnection, replicas: number): Promise<KV> =>
  new Kvm(nats).create(bucketName.config, {
    history: 1,
    replicas,
    description: 'what receivers and workers know',
  })

/**
 * Follows the configuration bucket until the signal aborts. Resolves once all that is there has been told; goes on
 * telling changes after that. While the watch fails nothing is told and the watcher's last good state stands: `failed` is
 * told why, and the returned watch says since when.
 */
export async function watchConfig(
  nats: NatsConnection,
  watcher: ConfigWatcher,
  signal: AbortSignal,
  replicas: number,
): Promise<BucketWatch> {
  const bucket = await untilAllowed(() => openConfigBucket(nats, replicas))
  return await watchBucket(nats, bucket, {
    signal,
    tell: entry => tell(entry, watcher),
    failed: watcher.failed,
  })
}

/** After so long without a sound watch, ms, a process says that it is not ready: its configuration may be old. */
const staleAfterMs = 15_000

/** A readiness check's answer: nothing while the watch is sound, or has failed for less than 15 s. */
export function configReadiness({ trouble }: Pick<BucketWatch, 'trouble'>): string | undefined {
  const failingMs = failingForMs([trouble])
  if (failingMs < staleAfterMs) return undefined
  return `changes of the configuration may be missing for ${Math.round(failingMs / 1000)} s: the watch of its bucket fails`
}

function tell({ key, operation, value, revision }: KvWatchEntry, watcher: ConfigWatcher): void {
  if (operation === 'PUT') {
    try {
      watcher.put(decodeConfig(value), revision)
    } catch (error) {
      watcher.fault(key, error)
    }
    return
  }
  const organization = parseId('org', key)
  if (organization) watcher.remove(organization)
}
