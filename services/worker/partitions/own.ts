import { bucketName } from '@fairlead/wire/streams'
import { partitionCount } from '@fairlead/wire/subjects'
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { planPartitions } from './plan.ts'

/**
 * Holds this worker's partitions: one owner each, taken over within seconds when a worker dies.
 *
 * Two key-value buckets: in `workers` each worker writes its heartbeat; in `partitions` each key names the worker that
 * claims it. Liveness is judged by the arrival of heartbeats on this machine's monotonic clock, so that no two
 * clocks are compared. A claim is taken by compare-and-set, so that one worker wins.
 *
 * A worker whose own heartbeats fail (a partition, a pause of the whole process) can't know whether it has been
 * replaced: `mayStart` is then false and nothing new is begun, while what is in hand goes on.
 */

export const heartbeatMs = 1_000
export const deadAfterMs = 3_000

/** What is run for each partition that is held. */
export interface HeldPartition {
  /** Finishes what is in hand, so that little is repeated by the next owner. */
  drain(): Promise<void>
  /** Another worker has it already: stop at once. */
  abandon(): Promise<void>
}

export interface OwnOptions {
  /** Unique among the workers that are alive; the same name after a restart takes its partitions up again at once. */
  readonly worker: string
  /** Copies of the two buckets. */
  readonly replicas: number
  open(partition: number): Promise<HeldPartition>
  failed(error: unknown): void
  moved(partition: number, what: 'claimed' | 'released' | 'lost'): void
}

export interface Ownership {
  readonly mayStart: boolean
  readonly held: ReadonlyMap<number, HeldPartition>
  /** Drains all partitions and hands them back. */
  release(): Promise<void>
}

export async function ownPartitions(nats: NatsConnection, options: OwnOptions): Promise<Ownership> {
  const { worker, replicas } = options
  const kvm = new Kvm(nats)
  const workers = await kvm.create(bucketName.workers, { history: 1, ttl: deadAfterMs, replicas })
  const partitions = await kvm.create(bucketName.partitions, { history: 1, replicas })
  const stopping = new AbortController()

  const lastSeen = new Map<string, number>()
  const claims = new Map<number, { owner: string; revision: number }>()
  const held = new Map<number, HeldPartition>()
  const releasing = new Set<number>()
  let heartbeatOkMs = Number.NEGATIVE_INFINITY
  let wake: (() => void) | undefined

  await follow(workers, stopping.signal, options.failed, ({ key, operation }) => {
    if (operation === 'PUT') lastSeen.set(key, performance.now())
    else lastSeen.delete(key)
  })
  await follow(partitions, stopping.signal, options.failed, ({ key, operation, value, revision }) => {
    const partition = Number(key)
    // A claim of our own may be known before the watch tells of what it replaced.
    if (revision < (claims.get(partition)?.revision ?? 0)) return
    if (operation === 'PUT') claims.set(partition, { owner: Buffer.from(value).toString(), revision })
    else claims.delete(partition)
    if (claims.get(partition)?.owner !== worker) lose(partition)
    wake?.()
  })

  async function beat(): Promise<void> {
    const sentMs = performance.now()
    const overdue = sentMs - heartbeatOkMs > deadAfterMs
    await workers.put(worker, '')
    heartbeatOkMs = sentMs
    // Whoever was silent while we heard nothing gets as long again as if just seen.
    if (overdue) for (const name of lastSeen.keys()) lastSeen.set(name, performance.now())
    lastSeen.set(worker, performance.now())
  }

  function alive(): Set<string> {
    const since = performance.now() - deadAfterMs
    return new Set([worker, ...[...lastSeen].filter(([, seen]) => seen >= since).map(([name]) => name)])
  }

  /** Another worker has it: at once, whatever else is being done. */
  function lose(partition: number): void {
    const running = held.get(partition)
    if (!running || releasing.has(partition)) return
    held.delete(partition)
    options.moved(partition, 'lost')
    running.abandon().catch(options.failed)
  }

  async function balance(): Promise<void> {
    const view = Array.from({ length: partitionCount }, (_, partition) => claims.get(partition)?.owner)
    const plan = planPartitions({ me: worker, alive: alive(), claims: view })
    // What is ours by name, but not running: claimed before a restart.
    const unopened = view.flatMap((owner, partition) =>
      owner === worker && !held.has(partition) && !plan.release.includes(partition) ? [partition] : [],
    )
    await Promise.all([
      ...unopened.map(start),
      ...plan.release.map(hand),
      ...plan.claim.map(async partition => {
        if (await claim(partition)) await start(partition)
      }),
    ])
  }

  async function claim(partition: number): Promise<boolean> {
    const known = claims.get(partition)
    try {
      const revision = known
        ? await partitions.update(`${partition}`, worker, known.revision)
        : await partitions.create(`${partition}`, worker)
      claims.set(partition, { owner: worker, revision })
      return true
    } catch {
      return false // another worker was quicker; the watch tells who
    }
  }

  async function start(partition: number): Promise<void> {
    const running = await options.open(partition)
    held.set(partition, running)
    options.moved(partition, 'claimed')
    if (claims.get(partition)?.owner !== worker) lose(partition) // while it was being opened
  }

  async function hand(partition: number): Promise<void> {
    releasing.add(partition)
    try {
      await held.get(partition)?.drain()
      held.delete(partition)
      const known = claims.get(partition)
      claims.delete(partition)
      if (known?.owner === worker) await partitions.delete(`${partition}`, { previousSeq: known.revision })
      options.moved(partition, 'released')
    } finally {
      releasing.delete(partition)
    }
  }

  async function repeatedly(work: () => Promise<void>, rest: () => Promise<void>): Promise<void> {
    while (!stopping.signal.aborted) {
      await work().catch(options.failed)
      await rest()
    }
  }
  // The heart beats by itself: opening and draining partitions takes time, and a silent worker is a dead one.
  await beat().catch(options.failed)
  const beating = repeatedly(beat, () => nap(heartbeatMs, () => {}))
  const balancing = repeatedly(balance, () =>
    nap(heartbeatMs, resume => {
      wake = resume
    }),
  )

  return {
    held,
    get mayStart() {
      return performance.now() - heartbeatOkMs < deadAfterMs
    },
    async release() {
      const stillBeating = setInterval(() => void beat().catch(options.failed), heartbeatMs)
      stopping.abort()
      wake?.()
      await balancing
      await Promise.all([...held.keys()].map(partition => hand(partition).catch(options.failed)))
      clearInterval(stillBeating)
      await beating
      await workers.delete(worker).catch(options.failed)
    },
  }
}

/** Tells all entries of a bucket, then its changes, until the signal aborts. Resolves when all that is there was told. */
async function follow(
  bucket: KV,
  signal: AbortSignal,
  failed: (error: unknown) => void,
  tell: (entry: KvWatchEntry) => void,
): Promise<void> {
  const initial = Promise.withResolvers<void>()
  if ((await bucket.status()).values === 0) initial.resolve()
  const watch = await bucket.watch()
  signal.addEventListener('abort', () => watch.stop(), { once: true })
  void (async () => {
    for await (const entry of watch) {
      tell(entry)
      if (entry.delta === 0) initial.resolve()
    }
  })().catch(error => {
    initial.reject(error)
    failed(error)
  })
  await initial.promise
}

/** Waits, or less if `resume` is called. */
function nap(ms: number, register: (resume: () => void) => void): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    register(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
