import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Log } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore } from '@fairlead/wire/store-client'
import type { OperatorConfig } from '../config.ts'
import { openOperatorMetrics } from '../metrics.ts'
import { apiVersion } from '../organization/schema.ts'
import type { Queue } from '../queue.ts'
import { countReasons, logReport, openReconciler } from '../reconciler.ts'
import { openOwnedRows } from '../store-rows.ts'
import { announce, transitionsOf } from './announce.ts'
import { type KubernetesClient, openKubernetes } from './client.ts'
import { type Follower, follow, keyOfObject } from './follow.ts'
import { lead } from './lease.ts'
import { openResources, type Resources } from './resources.ts'

/**
 * Keeps the store as the Kubernetes API says, until the signal aborts. Several may run: one leads, the others wait.
 */
export async function runKubernetes(
  config: OperatorConfig,
  signal: AbortSignal,
  { log, registry, health }: Daemon,
  open: () => Promise<KubernetesClient> = openKubernetes,
): Promise<void> {
  const metrics = openOperatorMetrics(registry)
  using client = await open()
  await using store = connectStore(config.FAIRLEAD_STORE_URL)
  const rows = openOwnedRows(store, OwnerKind.KUBERNETES)
  const identity = `${hostname()}-${randomBytes(4).toString('hex')}`
  using _check = health.check('kubernetes', async () => {
    await client.call({ method: 'GET', path: '/version' })
    return undefined
  })
  const lease = {
    namespace: config.FAIRLEAD_OPERATOR_LEASE_NAMESPACE ?? client.namespace,
    name: 'fairlead-operator',
    identity,
    durationMs: config.FAIRLEAD_OPERATOR_LEASE_SECONDS * 1000,
    onError: (err: unknown) => log.warn({ err }, 'lease.failed'),
  }
  await lead(client, lease, signal, async leading => {
    metrics.leader(true)
    log.info({ identity }, 'operator.leading')
    const resources = openResources(client, {
      onReport(key, uid, status, before) {
        metrics.ready(countReasons(resources.statuses.values()))
        logReport(log, key, status, before)
        for (const condition of transitionsOf(status, before)) {
          announce(client, key, uid, condition, identity).catch((err: unknown) =>
            log.warn({ organization: key, err }, 'event.failed'),
          )
        }
      },
      onRelease: key => log.info({ organization: key }, 'organization.deleted'),
      onDisturbed: key => queue.add(key),
    })
    await using queue = openReconciler({
      config,
      log,
      metrics,
      rows,
      declarations: resources,
      holdings: resources,
      reports: resources,
      fingerprint: resources.fingerprint,
    })
    await Promise.all(
      scopes(config.FAIRLEAD_OPERATOR_NAMESPACES).map(async scope => {
        const secretsListed = Promise.withResolvers<void>()
        leading.addEventListener('abort', () => secretsListed.resolve(), { once: true })
        const ofSecrets = secrets(resources, queue, log, secretsListed.resolve)
        const following = follow(
          client,
          { path: `/api/v1${scope}/secrets`, metadataOnly: true },
          ofSecrets,
          leading,
        )
        // Else every Secret that is found would be news for an Organization that was just reconciled.
        await secretsListed.promise
        const path = `/apis/${apiVersion}${scope}/organizations`
        await follow(client, { path }, organizations(resources, queue, log), leading)
        await following
      }),
    )
    metrics.leader(false)
    if (!signal.aborted) log.warn({ identity }, 'operator.deposed')
  })
}

/** The namespaces to look at; all of them if none is named. */
function scopes(namespaces: readonly string[]): readonly string[] {
  return namespaces.length === 0 ? [''] : namespaces.map(namespace => `/namespaces/${namespace}`)
}

function organizations(resources: Resources, queue: Queue, log: Log): Follower {
  const versions = new Map<string, string>()
  return {
    onObject(object) {
      const key = keyOfObject(object)
      const fault = resources.put(key, object)
      if (fault !== undefined) {
        log.error({ organization: key, fault }, 'organization.unreadable')
        return
      }
      // A status that was written, by us, is nothing to act on.
      const { generation, deletionTimestamp, annotations, uid } = object.metadata
      const version = JSON.stringify([uid, generation, deletionTimestamp, annotations])
      if (versions.get(key) === version) return
      versions.set(key, version)
      queue.add(key)
    },
    onGone(key) {
      versions.delete(key)
      resources.remove(key)
    },
    onListed() {},
    onInterrupted: (err, retryMs) => log.warn({ err, retryMs }, 'organizations.interrupted'),
  }
}

function secrets(resources: Resources, queue: Queue, log: Log, onListed: () => void): Follower {
  const changed = (key: string, resourceVersion: string | undefined) => {
    const at = key.indexOf('/')
    for (const concerned of resources.putSecret(key.slice(0, at), key.slice(at + 1), resourceVersion))
      queue.add(concerned)
  }
  return {
    onObject: object => changed(keyOfObject(object), object.metadata.resourceVersion),
    onGone: key => changed(key, undefined),
    onListed,
    onInterrupted: (err, retryMs) => log.warn({ err, retryMs }, 'secrets.interrupted'),
  }
}
