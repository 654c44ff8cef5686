import { randomUUID } from 'node:crypto'
import { bucketName } from '@fairlead/wire/streams'
import { partitionCount } from '@fairlead/wire/subjects'
import { failingForMs, openTrouble } from '@fairlead/wire/trouble'
import { watchBucket } from '@fairlead/wire/watch-bucket'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { openClaims } from './claims.ts'
import { type HeldPartition, openHolding } from './holding.ts'
import { deadAfterMs, heartbeatMs, openLiveness } from './liveness.ts'
import { planPartitions } from './plan.ts'

/**
 * Holds this worker's partitions: one owner each, taken over within seconds when a worker dies.
 *
 *   heartbeats (bucket `workers`) ─▶ liveness ─┐
 *   claims (bucket `partitions`) ──────────────┴▶ plan ─▶ a wish for each partition ─▶ its holding takes steps
 *
 * The plan is made when this worker's own heartbeat comes back, about every second, and when a claim changes. A worker that
 * hears nothing plans nothing: it neither takes nor hands back.
 *
 * A worker whose heartbeats aren't stored (NATS is away, or the whole process was stopped) can't know whether it has been
 * replaced: `mayStart` is then false, and nothing new is begun, while what is in hand goes on. After such a time it reads
 * its claims before it begins anything.
 */

export interface OwnOptions<Held> {
  /** Unique among the workers that are alive; the same name after a restart takes its partitions up again at once. */
  readonly worker: string
  /** Copies of the two buckets. */
  readonly replicas: number
  /** `lost` aborts when another worker has the partition: then opening rejects, and what runs stops at once. */
  open(partition: number, lost: AbortSignal): Promise<Held>
  /** Something failed that is tried again. The same failure is reported every 30 s. */
  failed(error: unknown): void
  moved(partition: number, change: 'claimed' | 'released' | 'lost'): void
}

export interface Ownership {
  readonly mayStart: boolean
  /** The partitions that run. */
  readonly held: ReadonlySet<number>
  /** Partitions that are claimed and don't run, and for how long the first of them, ms. */
  readonly overdue: { readonly partitions: readonly number[]; readonly forMs: number }
  /** For how long the watches of heartbeats and claims may have missed changes, ms. */
  readonly deafForMs: number
  /** Drains all partitions and hands them back; gives up after 10 s, when others find them by this worker's silence. */
  release(): Promise<void>
}

const releaseMs = 10_000

export async function ownPartitions<Held extends HeldPartition>(
  nats: NatsConnection,
  options: OwnOptions<Held>,
): Promise<Ownership> {
  const { worker, replicas } = options
  const kvm = new Kvm(nats)
  const workers = await kvm.create(bucketName.workers, { history: 1, ttl: deadAfterMs, replicas })
  const partitions = await kvm.create(bucketName.partitions, { history: 1, replicas })
  const claims = await openClaims(nats, worker)
  const liveness = openLiveness(worker)
  const { failed } = openTrouble(options.failed)
  const holdings = Array.from({ length: partitionCount }, (_, partition) =>
    openHolding(partition, { ...options, failed, me: worker, claims }),
  )
  const watching = new AbortController()
  /** A heartbeat of this process, not of an earlier one with its name. */
  const token = randomUUID()
  let heartbeatOkMs = Number.NEGATIVE_INFINITY
  let echoMs = performance.now()
  let leaving = false

  function heard(name: string, text: string): void {
    const nowMs = performance.now()
    if (name !== worker) liveness.heard(name, nowMs)
    else if (text === token) {
      echoMs = nowMs
      liveness.heard(worker, nowMs)
      balance()
    }
  }

  function balance(): void {
    if (leaving) return
    const owners = holdings.map(({ state }, partition) =>
      state.kind === 'claiming' ? worker : claims.of(partition).owner,
    )
    const alive = liveness.alive(
      owners.filter(owner => owner !== undefined),
      performance.now(),
    )
    if (!alive) return
    const plan = planPartitions({ me: worker, alive, claims: owners })
    for (const [partition, holding] of holdings.entries()) {
      const keeps = owners[partition] === worker && !plan.release.includes(partition)
      // A claim under way replaces the entry that its plan saw: what replaced that meanwhile is another worker's.
      if (keeps && holding.state.kind === 'claiming') continue
      const replacing = claims.of(partition).revision
      const isWanted = keeps || plan.claim.includes(partition)
      holding.wish(isWanted ? { kind: 'wanted', replacing } : { kind: 'unwanted' })
    }
  }

  async function beat(): Promise<void> {
    const sentMs = performance.now()
    await workers.put(worker, token)
    // Silent for so long that others may have taken over: then the claims are read before anything is begun.
    if (sentMs - heartbeatOkMs > deadAfterMs) {
      const busy = [...holdings.keys()].filter(partition => holdings[partition]!.state.kind !== 'idle')
      await Promise.all(busy.map(partition => claims.read(partition)))
      for (const holding of holdings) holding.look()
    }
    heartbeatOkMs = Math.max(heartbeatOkMs, sentMs)
    if (performance.now() - echoMs > deadAfterMs) {
      echoMs = performance.now()
      heartbeats.restart()
    }
  }

  const watch = { signal: watching.signal, failed }
  const heartbeats = await watchBucket(nats, workers, {
    ...watch,
    tell({ key, operation, value }) {
      if (operation === 'PUT') heard(key, Buffer.from(value).toString())
      else liveness.left(key)
    },
  })
  const changes = await watchBucket(nats, partitions, {
    ...watch,
    tell(entry) {
      holdings[claims.told(entry)]?.look()
      balance()
    },
  })

  /** A beat never waits for the one before, and steps that failed are taken again. */
  function tick(): void {
    beat().catch(failed)
    for (const holding of holdings) holding.look()
  }
  tick()
  const ticking = setInterval(tick, heartbeatMs)

  return {
    get held() {
      return new Set([...holdings.keys()].filter(partition => holdings[partition]!.state.kind === 'running'))
    },
    get mayStart() {
      return performance.now() - heartbeatOkMs < deadAfterMs
    },
    get overdue() {
      const late = [...holdings.entries()].filter(([, { overdueSinceMs }]) => overdueSinceMs !== undefined)
      const since = Math.min(...late.map(([, { overdueSinceMs = 0 }]) => overdueSinceMs))
      const forMs = late.length > 0 ? performance.now() - since : 0
      return { partitions: late.map(([partition]) => partition), forMs }
    },
    get deafForMs() {
      return failingForMs([heartbeats.trouble, changes.trouble])
    },
    async release() {
      leaving = true
      const patience = new AbortController()
      void nats.closed().then(() => patience.abort())
      const late = setTimeout(() => patience.abort(), releaseMs)
      await Promise.all(holdings.map(holding => holding.leave(patience.signal)))
      clearInterval(ticking)
      watching.abort()
      clearTimeout(late)
      if (!nats.isClosed()) await workers.delete(worker).catch(options.failed)
    },
  }
}
