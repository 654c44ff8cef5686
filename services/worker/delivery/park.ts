import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { readNext } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { parkedSubject } from '@fairlead/wire/subjects'
import type { Destination } from '../directory.ts'
import { attemptStored, forsake } from './resume.ts'
import type { Scene } from './scene.ts'
import { removeMessage, untilDone } from './until-done.ts'

/**
 * Parked deliveries of one partition. They lie in DELIVERIES under their destination's own subject and are read by
 * sequence when the lane has room: no consumer, no memory and no wake-up for a lane that only waits. What is settled
 * is deleted; what was in hand at a crash still lies there.
 */
export interface Park {
  /** Attempts as many of a lane's parked deliveries as it has room for, oldest first. Cheap if there is nothing to do. */
  drain(organization: OrganizationId, id: DestinationId): void
  /** Resolves when nothing of the park is in hand. */
  idle(): Promise<void>
}

interface ParkedDelivery {
  readonly seq: number
  readonly reference: DeliveryReference
}

/** What is known of one lane's parked deliveries. Forgotten when none is left. */
interface Queue {
  /** Fetched, oldest first, and not yet taken. */
  readonly fetched: ParkedDelivery[]
  /** Fetched or taken, and still in the stream. */
  readonly known: Set<number>
  /** Of these, those whose fate is stored: to be taken out of the stream. */
  readonly settled: Set<number>
  removing: boolean
  /** So often something was taken out. */
  rounds: number
  /** All before this sequence are known or gone. */
  nextSeq: number
}

/** Fetched at one time. */
const fetchCount = 16
const retryMs = 500

export function openPark(scene: Scene, taking: AbortSignal): Park {
  const { engine, lanes } = scene
  const { streams } = engine.manager
  const queues = new Map<DestinationId, Queue>()
  const draining = new Set<DestinationId>()
  /** Asked for while it was being done: what the answer depends on may have changed since it looked. */
  const again = new Set<DestinationId>()
  const inHand = new Set<Promise<void>>()

  function drain(organization: OrganizationId, id: DestinationId): void {
    if (taking.aborted || lanes.waiting(id) === 0) return
    if (draining.has(id)) {
      again.add(id)
      return
    }
    draining.add(id)
    const loop = drainLane(organization, id)
      .catch(error => {
        if (!taking.aborted) engine.log.error({ err: error, destination: id }, 'worker.failed')
        return 'later' as const
      })
      .then(next => {
        draining.delete(id)
        inHand.delete(loop)
        if (again.delete(id)) drain(organization, id)
        else if (next === 'later' && !taking.aborted)
          setTimeout(() => drain(organization, id), retryMs).unref()
      })
    inHand.add(loop)
  }

  async function drainLane(organization: OrganizationId, id: DestinationId): Promise<'later' | undefined> {
    const queue = queueOf(id)
    while (!taking.aborted && lanes.waiting(id) > 0) {
      await engine.mayStart(taking)
      if (queue.fetched.length === 0) await fetch(queue, organization, id)
      const next = queue.fetched[0]
      // A replica that lags behind, or deliveries that were purged: the stream's leader counts.
      if (!next) return recount(queue, organization, id)
      const destination = engine.directory.destination(organization, id)
      if (!destination) {
        take(queue, organization, id)
        await settle(queue, next, forsake(next.reference, 'destination_deleted', scene))
        continue
      }
      if (lanes.admit(destination, 'parked', next.reference.bytes).kind === 'wait') return undefined
      take(queue, organization, id)
      start(queue, next, destination)
    }
    return undefined
  }

  function queueOf(id: DestinationId): Queue {
    let queue = queues.get(id)
    if (!queue) {
      queue = { fetched: [], known: new Set(), settled: new Set(), removing: false, rounds: 0, nextSeq: 1 }
      queues.set(id, queue)
    }
    return queue
  }

  function take(queue: Queue, organization: OrganizationId, id: DestinationId): void {
    queue.fetched.shift()
    lanes.parked(organization, id, -1)
  }

  function start(queue: Queue, parked: ParkedDelivery, destination: Destination): void {
    const done = settle(queue, parked, attemptStored(parked.reference, destination, 'parked', scene)).finally(
      () => inHand.delete(done),
    )
    inHand.add(done)
  }

  /** Takes a delivery out of the stream once all that follows from it is stored; puts it back if that failed. */
  async function settle(queue: Queue, parked: ParkedDelivery, work: Promise<void>): Promise<void> {
    const { organization, destination } = parked.reference
    try {
      await work
    } catch (error) {
      if (scene.signal.aborted) return // it lies there for the next owner
      engine.log.error({ err: error, destination, seq: parked.seq }, 'worker.failed')
      queue.fetched.unshift(parked)
      lanes.parked(organization, destination, 1)
      setTimeout(() => drain(organization, destination), retryMs).unref()
      return
    }
    queue.settled.add(parked.seq)
    if (queue.removing) return
    queue.removing = true
    queue.rounds++
    const removed = removeSettled(queue, organization, destination)
      .catch(() => {}) // it is given up: the next owner finds what still lies there
      .finally(() => inHand.delete(removed))
    inHand.add(removed)
  }

  /**
   * Takes what is settled out of the stream, in rounds: all before the first that is not settled at one stroke, and
   * what stands behind such a one by itself, if it still does in the next round. A delivery that has its fate must not be
   * found by the next owner.
   */
  async function removeSettled(queue: Queue, organization: OrganizationId, id: DestinationId): Promise<void> {
    let left = new Set<number>()
    while (queue.settled.size > 0 && !scene.signal.aborted) {
      const before = firstOpen(queue)
      const [behind, done] = partitionBy(queue.settled, seq => seq >= before)
      const filter = parkedSubject(organization, id)
      if (done.length > 0) {
        const purge = () => streams.purge(streamName.deliveries, { filter, seq: before })
        await untilDone(purge, scene.signal)
      }
      for (const seq of behind) {
        if (!left.has(seq)) continue
        await untilDone(() => removeMessage(engine.manager, streamName.deliveries, seq), scene.signal)
        done.push(seq)
      }
      left = new Set(behind)
      for (const seq of done) {
        queue.settled.delete(seq)
        queue.known.delete(seq)
      }
    }
    queue.removing = false
    if (queue.known.size === 0 && lanes.waiting(id) === 0) queues.delete(id)
  }

  /** The next that nobody knows of yet; none only if there is none. */
  async function fetch(queue: Queue, organization: OrganizationId, id: DestinationId): Promise<void> {
    for (let count = fetchCount; count === fetchCount && queue.fetched.length === 0; ) {
      count = 0
      const wanted = { subject: parkedSubject(organization, id), seq: queue.nextSeq, count: fetchCount }
      for await (const { seq, data } of readNext(engine.manager, streamName.deliveries, wanted)) {
        count++
        queue.nextSeq = seq + 1
        if (queue.known.has(seq)) continue
        queue.known.add(seq)
        queue.fetched.push({ seq, reference: decodeDelivery(data) })
      }
    }
  }

  async function recount(
    queue: Queue,
    organization: OrganizationId,
    id: DestinationId,
  ): Promise<'later' | undefined> {
    // What is being taken out may be gone from the stream, and still be known here.
    if (queue.removing) return 'later'
    const { rounds } = queue
    const subject = parkedSubject(organization, id)
    // What is parked meanwhile counts by itself: only what was counted before is put right.
    const before = lanes.waiting(id)
    const { state } = await streams.info(streamName.deliveries, { subjects_filter: subject })
    if (queue.removing || queue.rounds !== rounds) return 'later'
    const unknown = Math.max(0, (state.subjects?.[subject] ?? 0) - queue.known.size)
    lanes.parked(organization, id, unknown - before)
    queue.nextSeq = 1
    return unknown > 0 ? 'later' : undefined
  }

  return {
    drain,
    async idle() {
      while (inHand.size > 0) await Promise.allSettled(inHand)
    },
  }
}

/** The first sequence of a lane that is not settled, or that nobody has fetched. */
function firstOpen({ known, settled, nextSeq }: Queue): number {
  let first = nextSeq
  for (const seq of known) if (seq < first && !settled.has(seq)) first = seq
  return first
}

function partitionBy(seqs: Iterable<number>, isFirst: (seq: number) => boolean): [number[], number[]] {
  const [first, second]: [number[], number[]] = [[], []]
  for (const seq of seqs) (isFirst(seq) ? first : second).push(seq)
  return [first, second]
}
