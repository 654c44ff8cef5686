import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type KubernetesClient, KubernetesError } from './client.ts'

/**
 * Leader election over a Lease (https://kubernetes.io/docs/concepts/architecture/leases/): of several operators only
 * the leader acts.
 *
 *   free or expired ──update wins──▶ ours ──renewed every third──▶ ours
 *                                     │ not renewed for renewMs: we stop acting
 *                                     ▼ before anyone else may begin (durationMs)
 *                                   lost
 *
 * Clocks of different machines aren't compared: a lease is expired when we saw no change of it for its duration.
 */
export interface LeaseOptions {
  readonly namespace: string
  readonly name: string
  /** Unique to this process: the pod's name and something random. */
  readonly identity: string
  /** How long a leader that fell silent keeps others waiting. */
  readonly durationMs: number
  readonly onError: (error: unknown) => void
}

const leaseSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
      leaseDurationSeconds: z.number().nullish(),
    })
    .default({}),
})
type Lease = z.infer<typeof leaseSchema>

/**
 * Runs `act` whenever this process is the leader, with a signal that aborts when it no longer is; goes on until
 * `signal` aborts. Then the lease is given up, so that the next one begins at once.
 */
export async function lead(
  client: KubernetesClient,
  options: LeaseOptions,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    if (!(await acquire(client, options, signal))) return
    const leading = new AbortController()
    const acting = act(AbortSignal.any([signal, leading.signal]))
    const renewing = renew(client, options, AbortSignal.any([signal, leading.signal]))
    try {
      // Either the lease is lost, or we are to stop, or acting failed.
      await Promise.race([renewing, acting])
    } finally {
      leading.abort(new Error('no longer the leader'))
      await Promise.all([acting, renewing])
    }
    await release(client, options).catch(options.onError)
  }
}

/** Waits until the lease is ours. False if the signal aborted first. */
async function acquire(
  client: KubernetesClient,
  options: LeaseOptions,
  signal: AbortSignal,
): Promise<boolean> {
  let seen: { version: string; atMs: number } | undefined
  while (!signal.aborted) {
    try {
      const lease = await read(client, options)
      if (lease === undefined) {
        await create(client, options)
        return true
      }
      if (seen?.version !== lease.metadata.resourceVersion) {
        seen = { version: lease.metadata.resourceVersion, atMs: performance.now() }
      }
      const { holderIdentity, leaseDurationSeconds } = lease.spec
      const durationMs = (leaseDurationSeconds ?? 0) * 1000 || options.durationMs
      if (
        !holderIdentity ||
        holderIdentity === options.identity ||
        performance.now() - seen.atMs > durationMs
      ) {
        await update(client, options, lease, options.identity)
        return true
      }
    } catch (error) {
      // Another operator was quicker.
      if (!isConflict(error)) options.onError(error)
    }
    await delay(options.durationMs / 6, undefined, { signal }).catch(() => {})
  }
  return false
}

/** Renews the lease until it is lost or the signal aborts. Never rejects. */
async function renew(client: KubernetesClient, options: LeaseOptions, signal: AbortSignal): Promise<void> {
  // Stops acting well before others may begin.
  const renewMs = (options.durationMs * 2) / 3
  for (let renewedAtMs = performance.now(); !signal.aborted; ) {
    await delay(options.durationMs / 5, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const startedAtMs = performance.now()
    try {
      const leftMs = Math.max(1, Math.ceil(renewedAtMs + renewMs - startedAtMs))
      await renewOnce(client, options, AbortSignal.any([signal, AbortSignal.timeout(leftMs)]))
      renewedAtMs = startedAtMs
    } catch (error) {
      if (error instanceof LeaseLost) return
      if (!isConflict(error) && !signal.aborted) options.onError(error)
    }
    if (performance.now() - renewedAtMs >= renewMs) return
  }
}

class LeaseLost extends Error {}

async function renewOnce(
  client: KubernetesClient,
  options: LeaseOptions,
  signal: AbortSignal,
): Promise<void> {
  const lease = await read(client, options, signal)
  if (lease?.spec.holderIdentity !== options.identity) throw new LeaseLost('another one leads')
  await update(client, options, lease, options.identity, signal)
}

async function release(client: KubernetesClient, options: LeaseOptions): Promise<void> {
  const lease = await read(client, options)
  if (lease?.spec.holderIdentity === options.identity) await update(client, options, lease, '')
}

const collectionOf = ({ namespace }: LeaseOptions) =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`

async function read(
  client: KubernetesClient,
  options: LeaseOptions,
  signal?: AbortSignal,
): Promise<Lease | undefined> {
  const path = `${collectionOf(options)}/${options.name}`
  const found = await client.find({ method: 'GET', path, ...(signal ? { signal } : {}) })
  return found === undefined ? undefined : leaseSchema.parse(found)
}

async function create(client: KubernetesClient, options: LeaseOptions): Promise<void> {
  const { namespace, name, identity } = options
  const body = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace },
    spec: specOf(options, identity, 0),
  }
  await client.call({ method: 'POST', path: collectionOf(options), body })
}

/** Refused with a conflict if anyone has changed the lease since it was read. */
async function update(
  client: KubernetesClient,
  options: LeaseOptions,
  lease: Lease,
  identity: string,
  signal?: AbortSignal,
): Promise<void> {
  const changes = lease.spec.holderIdentity !== identity && identity !== ''
  const transitions = (lease.spec.leaseTransitions ?? 0) + (changes ? 1 : 0)
  const spec = { ...lease.spec, ...specOf(options, identity, transitions) }
  await client.call({
    method: 'PUT',
    path: `${collectionOf(options)}/${options.name}`,
    body: { ...lease, spec },
    ...(signal ? { signal } : {}),
  })
}

function specOf(options: LeaseOptions, identity: string, transitions: number) {
  // MicroTime: six digits.
  const now = new Date().toISOString().replace('Z', '000Z')
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.round(options.durationMs / 1000)),
    renewTime: now,
    leaseTransitions: transitions,
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 409
}
