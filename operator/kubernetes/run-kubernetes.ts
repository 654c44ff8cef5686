import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Log } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import type { Condition } from '../condition.ts'
import type { OperatorConfig } from '../config.ts'
import { type OperatorMetrics, openOperatorMetrics } from '../metrics.ts'
import type { ConditionReason } from '../organization/condition-types.ts'
import type { OrganizationKey } from '../organization/declared.ts'
import type { Periods } from '../organization/reconcile.ts'
import type { OrganizationStatus } from '../organization/status-schema.ts'
import { logReport, openOrganizationQueue } from '../organization-queue.ts'
import type { Queue } from '../queue.ts'
import { openReplayRows } from '../replay-rows.ts'
import { openOwnedRows } from '../store-rows.ts'
import { type OperatorTraces, openOperatorTraces } from '../traces.ts'
import { announce, type Regarding, transitionsOf } from './announce.ts'
import { type KubernetesClient, openKubernetes } from './client.ts'
import { type Follower, keyOfObject } from './follow.ts'
import { followDeclared } from './follow-declared.ts'
import { followInTurn } from './follow-in-turn.ts'
import { lead } from './lease.ts'
import { type Organizations, openOrganizations } from './organizations.ts'
import { openReplayQueue } from './replay-queue.ts'

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
  {
    open = () => openKubernetes(undefined, config.FAIRLEAD_OPERATOR_REQUESTS_PER_SECOND),
    periods = {},
  }: KubernetesOptions = {},
): Promise<void> {
  const { log } = daemon
  const metrics = openOperatorMetrics(daemon.registry)
  using client = await open()
  await using traces = (await openOperatorTraces(config, daemon.registry)) ?? null
  await using store = connectStore(config.FAIRLEAD_STORE_URL, {
    token: config.FAIRLEAD_STORE_TOKEN,
    traced: traces?.calls,
  })
  const identity = `${hostname()}-${randomBytes(4).toString('hex')}`
  using _check = daemon.health.check('kubernetes', async () => {
    await client.call({ method: 'GET', path: '/version' })
    return undefined
  })
  const lease = {
    namespace: config.FAIRLEAD_OPERATOR_LEASE_NAMESPACE ?? client.namespace,
    name: config.FAIRLEAD_OPERATOR_LEASE_NAME,
    identity,
    durationMs: config.FAIRLEAD_OPERATOR_LEASE_SECONDS * 1000,
    onError: (err: unknown) => log.warn({ err }, 'lease.failed'),
  }
  await lead(client, lease, signal, async leading => {
    metrics.leader(true)
    log.info({ identity }, 'operator.leading')
    await reconcileAll(
      { config, client, store, log, metrics, identity, periods, traces: traces ?? undefined },
      leading,
    )
    metrics.leader(false)
    if (!signal.aborted) log.warn({ identity }, 'operator.deposed')
  })
}

interface Leadership {
  readonly config: OperatorConfig
  readonly client: KubernetesClient
  readonly store: StoreClient
  readonly log: Log
  readonly metrics: OperatorMetrics
  readonly identity: string
  readonly periods: Periods
  readonly traces: OperatorTraces | undefined
}

/** Reconciles all Organizations and Replays, as the leader, until the signal aborts. */
async function reconcileAll(leadership: Leadership, signal: AbortSignal): Promise<void> {
  const { config, client, store, log, metrics, identity, periods, traces } = leadership
  const tell = (regarding: Regarding, transitions: readonly Condition[]) => {
    for (const condition of transitions) {
      announce(client, regarding, condition, identity).catch((err: unknown) =>
        log.warn({ regarding: regarding.key, err }, 'event.failed'),
      )
    }
  }
  const organizations = openOrganizations(client, {
    onReport(key, uid, status, before) {
      logReport(log, key, status, before)
      const transitions = transitionsOf(status, before)
      tell({ kind: 'Organization', key, uid }, transitions)
      if (transitions.length === 0) return
      // They may wait for it.
      for (const replay of replays.objects.ofOrganization(key)) replays.queue.add(replay)
    },
    onRelease(key) {
      log.info({ organization: key }, 'organization.deleted')
      // Its slug is free now for Organizations that wait for it.
      for (const other of refusedFor('SlugTaken', organizations.statuses)) queue.add(other)
    },
    onDisturbed: key => queue.add(key),
  })
  await using queue = openOrganizationQueue({
    config,
    log,
    metrics,
    rows: openOwnedRows(store, OwnerKind.KUBERNETES),
    organizations,
    periods,
    traces,
  })
  await using replays = openReplayQueue({
    client,
    log,
    metrics,
    rows: openReplayRows(store),
    organizations,
    tell,
    traces,
  })

  // Secrets first, else every one that is found would be news for an Organization that was just reconciled; and
  // Replays last, else their Organizations would seem to be missing.
  const follow = (scope: string) => {
    const ours = `/apis/${apiVersion}${scope}`
    return followInTurn(
      client,
      [
        [{ path: `/api/v1${scope}/secrets`, metadataOnly: true }, followSecrets(organizations, queue, log)],
        [
          { path: `${ours}/organizations` },
          followDeclared({ kind: 'organization', objects: organizations, queue, log }),
        ],
        [{ path: `${ours}/replays` }, followDeclared({ kind: 'replay', ...replays, log })],
      ],
      signal,
    )
  }
  await Promise.all(scopesOf(config.FAIRLEAD_OPERATOR_NAMESPACES).map(follow))
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
function scopesOf(namespaces: readonly string[]): readonly string[] {
  return namespaces.length === 0 ? [''] : namespaces.map(namespace => `/namespaces/${namespace}`)
}

/** Follows Secrets, and queues the Organizations that a change concerns. */
function followSecrets(organizations: Organizations, queue: Queue, log: Log): Follower {
  const changed = (secret: string, resourceVersion: string | undefined) => {
    for (const key of organizations.putSecret(secret, resourceVersion)) queue.add(key)
  }
  return {
    onObject: object => changed(keyOfObject(object), object.metadata.resourceVersion),
    onGone: secret => changed(secret, undefined),
    onInterrupted: (err, retryMs) => log.warn({ err, retryMs }, 'secrets.interrupted'),
  }
}
