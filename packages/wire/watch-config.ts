import { type OrganizationId, parseId } from '@fairlead/webhook/id'
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { decodeConfig, type OrganizationConfig } from './config.ts'
import { bucketName } from './streams.ts'
import { untilAllowed } from './until-allowed.ts'

/** What a watcher of the configuration bucket is told. */
export interface ConfigWatcher {
  /** An organization is new or has changed. `revision` counts up with every change in the bucket. */
  put(config: OrganizationConfig, revision: number): void
  /** An organization is gone. */
  remove(organization: OrganizationId): void
  /** A value can't be read: whatever was known of that organization stays. */
  fault(key: string, error: unknown): void
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
 * telling changes after that. While NATS is away nothing is told, and the watcher's last good state stands.
 */
export async function watchConfig(
  nats: NatsConnection,
  watcher: ConfigWatcher,
  signal: AbortSignal,
  replicas: number,
): Promise<void> {
  const bucket = await untilAllowed(() => openConfigBucket(nats, replicas))
  const initial = Promise.withResolvers<void>()
  if ((await bucket.status()).values === 0) initial.resolve()
  const watch = await bucket.watch()
  signal.addEventListener('abort', () => watch.stop(), { once: true })

  void (async () => {
    for await (const entry of watch) {
      tell(entry, watcher)
      if (entry.delta === 0) initial.resolve()
    }
  })().catch(initial.reject)
  return initial.promise
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
