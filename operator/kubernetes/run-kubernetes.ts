import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Log } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore } from '@fairlead/wire/store-client'
import type { Condition } from '../condition.ts'
import type { OperatorConfig } from '../config.ts'
import { openOperatorMetrics } from '../metrics.ts'
import type { ConditionReason } from '../organization/condition.ts'
import type { OrganizationKey } from '../organization/observe.ts'
import type { Periods } from '../organization/reconcile.ts'
import { apiVersion } from '../organization/schema.ts'
import type { OrganizationStatus } from '../organization/status-schema.ts'
import type { Queue } from '../queue.ts'
import { countReasons, logReport, openReconciler } from '../reconciler.ts'
import { openReplayRows } from '../replay-rows.ts'
import { openOwnedRows } from '../store-rows.ts'
import { announce, type Regarding, transitionsOf } from './announce.ts'
import { type KubernetesClient, openKubernetes } from './client.ts'
import { type Follower, follow, keyOfObject } from './follow.ts'
import { lead } from './lease.ts'
import { followReplays, openReplayQueue } from './reconcile-replays.ts'
import { openResources, type Resources } from './resources.ts'

export interface KubernetesOptions {
  /** Default: in the cluster, or as the kubeconfig says. */
  readonly open?: () => Promise<KubernetesClient>
  readonly periods?: Periods
}

/**
 * Keeps the store as the Kubernetes API says, until the signal aborts. Several may run: one leads, the others wait.
 */
export async function runKubernetes(
  config: OperatorConfig,
  signal: AbortSignal,
  daemon: Daemon,
  { open = openKubernetes, periods = {} }: KubernetesOptions = {},
): Promise<void> {
  const { log } = daemon
  const metrics = openOperatorMetrics(daemon.registry)
  using client = await open()
  await using store = connectStore(config.FAIRLEAD_STORE_URL)
  const identity = `${hostname()}-${randomBytes(4).toString('hex')}`
  using _check = daemon.health.check('kubernetes', async () => {
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
  const tell = (regarding: Regarding, transitions: readonly Condition[]) => {
    for (const condition of transitions) {
      announce(client, regarding, condition, identity).catch((err: unknown) =>
        log.warn({ regarding: regarding.key, err }, 'event.failed'),
      )
    }
  }
  await lead(client, lease, signal, async leading => {
    metrics.leader(true)
    log.info({ identity }, 'operator.leading')
    const resources = openResources(client, {
      onReport(key, uid, status, before) {
        metrics.ready(countReasons(resources.statuses.values()))
        logReport(log, key, status, before)
        const transitions = transitionsOf(status, before)
        tell({ kind: 'Organization', key, uid }, transitions)
        // Those that wait for it.
        if (transitions.length > 0) for (const replay of replays.of(key)) replays.queue.add(replay)
      },
      onRelease(key) {
        log.info({ organization: key }, 'organization.deleted')
        // Its slug is free: for whoever wanted it.
        for (const other of refusedFor('SlugTaken', resources.statuses)) queue.add(other)
      },
      onDisturbed: key => queue.add(key),
    })
    await using queue = openReconciler({
      config,
      log,
      metrics,
      rows: openOwnedRows(store, OwnerKind.KUBERNETES),
      declarations: resources,
      holdings: resources,
      reports: resources,
      fingerprint: resources.fingerprint,
      periods,
    })
    await using replays = openReplayQueue({ client, log, rows: openReplayRows(store), resources, tell })
    await Promise.all(
      scopes(config.FAIRLEAD_OPERATOR_NAMESPACES).map(async scope => {
        // Secrets first, else every one that is found would be news for an Organization that was just reconciled; and
        // Replays last, else their Organizations would seem to be missing.
        const secretsListed = gate(leading)
        const organizationsListed = gate(leading)
        const following = [
          follow(
            client,
            { path: `/api/v1${scope}/secrets`, metadataOnly: true },
            secrets(resources, queue, log, secretsListed.open),
            leading,
          ),
          secretsListed.opened.then(() =>
            follow(
              client,
              { path: `/apis/${apiVersion}${scope}/organizations` },
              organizations(resources, queue, log, organizationsListed.open),
              leading,
            ),
          ),
          organizationsListed.opened.then(() =>
            follow(
              client,
              { path: `/apis/${apiVersion}${scope}/replays` },
              followReplays(replays, log),
              leading,
            ),
          ),
        ]
        await Promise.all(following)
      }),
    )
    metrics.leader(false)
    if (!signal.aborted) log.warn({ identity }, 'operator.deposed')
  })
}

/** Organizations that are not in force for this reason. */
function refusedFor(
  reason: ConditionReason,
  statuses: ReadonlyMap<OrganizationKey, OrganizationStatus>,
): readonly OrganizationKey[] {
  return [...statuses].flatMap(([key, { conditions }]) =>
    conditions.some(condition => condition.type === 'Ready' && condition.reason === reason) ? [key] : [],
  )
}

/** The namespaces to look at; all of them if none is named. */
function scopes(namespaces: readonly string[]): readonly string[] {
  return namespaces.length === 0 ? [''] : namespaces.map(namespace => `/namespaces/${namespace}`)
}

/** Opens once, also when the signal aborts. */
function gate(signal: AbortSignal): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return { open: resolve, opened: promise }
}

function organizations(resources: Resources, queue: Queue, log: Log, onListed: () => void): Follower {
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
    onListed,
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
