import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import { type ParkOrigin, type Queued, queue, type UnderWay } from '../delivery/delivery.ts'
import { Park, type ParkedDelivery } from '../delivery/park.ts'
import { readEvents } from '../delivery/read-events.ts'
import type { Destination } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { Fifo } from './fifo.ts'
import { type Answer, type Health, type Lane, type LaneState, moves } from './lane.ts'
import type { Waiting } from './scheduler.ts'

/**
 * The queue of one destination's lane, oldest first:
 *
 *            goes next                                                 comes last
 *   attempt ◀── head ◀──────── pages ──────── park (DELIVERIES) ◀─────── tail ◀── delivery
 *                ▲                                              overflow          │
 *                └────────────────────── nothing parked ──────────────────────────┘
 *
 * While the lane moves, deliveries wait here in memory: those of new events without their message being acknowledged, so
 * that a crash brings them back. A lane that stands parks all that it holds and all that comes. What does not fit into
 * the queue, or would wait in it for too long, is parked as well, and comes back in pages.
 *
 * A delivery whose body does not fit keeps its place without it: the body lies in EVENTS and is read back, many at a
 * time, shortly before its turn.
 */

/**
 * Deliveries in head and in tail, at most. All that wait in memory are kept alive every 1.5 s, about 5 µs each, and come
 * again after a crash.
 */
const mostQueued = 4_096
/** Bytes of bodies that one lane holds: a quarter of a worker's, so that one lane leaves room for others. */
const mostLaneBytes = 16 * 1024 ** 2
/** Who would wait in memory for longer than this, ms, is parked: it costs nothing there. */
const longestWaitMs = 10_000
/** So often a queue that does not become empty looks whether its lane hangs, ms. */
const checkMs = 1_000
/** How soon a lane asks again while the worker may start nothing, ms. */
const heldMs = 50
/** Waits after the stream could not be read, ms. */
const firstRetryMs = 500
const longestRetryMs = 30_000
/** Deliveries of a page of the park, at most; a lane with few slots reads fewer. */
const mostPage = 256

/** What is done with a delivery. Nothing here rejects, but `park` where the partition is given up. */
export interface LaneSteps {
  attempt(delivery: UnderWay, destination: Destination): void
  forsake(delivery: Queued, kind: 'event_expired' | 'destination_deleted'): void
  park(delivery: Queued): Promise<void>
}

export interface LaneQueueOptions {
  readonly engine: Engine
  readonly steps: LaneSteps
  readonly organization: OrganizationId
  readonly destination: DestinationId
  /** Aborts when the partition is given up. */
  readonly signal: AbortSignal
}

export class LaneQueue implements Waiting {
  readonly organization: OrganizationId
  readonly lane: Lane
  readonly park: Park
  /** Deliveries from the park that have no fate yet. */
  unparked = 0
  readonly #destination: DestinationId
  readonly #engine: Engine
  readonly #steps: LaneSteps
  readonly #signal: AbortSignal
  #head = new Fifo<Queued>()
  #tail = new Fifo<Queued>()
  /** As of when the lane was asked last. */
  #stands = false
  /** Deliveries on their way into the park. */
  #storing = 0
  #heldBytes = 0
  #reading = false
  #loading = false
  /** Reads of the stream in a row that failed, and when it may be read again, ms. */
  #failures = 0
  #readFromMs = 0
  #timer: NodeJS.Timeout | undefined
  #timerMs = 0
  #closed = false

  constructor(lane: Lane, options: LaneQueueOptions) {
    this.lane = lane
    this.organization = options.organization
    this.park = new Park(options)
    this.#destination = options.destination
    this.#engine = options.engine
    this.#steps = options.steps
    this.#signal = options.signal
  }

  /** Takes a delivery. A promise, which does not reject, resolves when it is parked: the next is to wait for it. */
  offer(delivery: Queued, destination: Destination): Promise<unknown> | undefined {
    const { event } = delivery
    if (this.isEmpty && typeof event === 'object' && !this.#closed) {
      const answer = this.#ask(delivery.reference.bytes)
      if (answer === 'go') {
        this.#begin(delivery, event, destination)
        return undefined
      }
      this.#heed(answer)
    }
    if (this.#closed) return this.#handBack([delivery])
    return this.#stands ? this.#parkAll([delivery]) : this.#enqueue(delivery)
  }

  /** Starts what may go. Whether anything did. */
  serve(): boolean {
    let started = false
    this.#stands = false
    while (!this.#closed) {
      const next = this.#head.peek() ?? this.#moveUp()
      if (!next || next.event === 'stored') break
      const destination = this.#engine.directory.destination(this.organization, this.#destination)
      if (!destination || next.event === 'expired') {
        this.#take()
        if (next.origin.kind === 'park') this.unparked++
        this.#steps.forsake(next, destination ? 'event_expired' : 'destination_deleted')
        continue
      }
      const answer = this.#ask(next.reference.bytes)
      if (answer !== 'go') {
        this.#heed(answer)
        break
      }
      this.#take()
      this.#begin(next, next.event, destination)
      started = true
    }
    if (this.#stands) void this.#parkAll([])
    else if (!this.#closed) this.#readAhead()
    return started
  }

  /** An attempt of this lane is over. */
  finish(delivery: UnderWay, health: Health, tookMs: number, retryAfterMs: number | undefined): void {
    this.lane.finish(health, this.#engine.now(), tookMs, retryAfterMs)
    this.#engine.slots.give(this.organization, delivery.reference.bytes)
    this.serve()
  }

  get isDoubtful(): boolean {
    return this.lane.isDoubtful(this.#engine.now())
  }

  /** Nothing waits, in memory or parked. */
  get isEmpty(): boolean {
    return this.#head.size === 0 && this.#tail.size === 0 && this.park.waiting === 0 && this.#storing === 0
  }

  get queued(): number {
    return this.#head.size + this.#tail.size
  }

  get parked(): number {
    return this.park.waiting + this.#storing
  }

  state(nowMs: number): LaneState {
    const state = this.lane.state(nowMs)
    return state === 'well' && !this.isEmpty ? 'busy' : state
  }

  /** Starts nothing more. What waits goes back to where it came from; resolves when that is so. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#handBack([...this.#takeAll(this.#head), ...this.#takeAll(this.#tail)])
  }

  /** To JetStream, for the partition's next owner; into the park where that would repeat others of the same event. */
  #handBack(deliveries: readonly Queued[]): Promise<unknown> {
    return this.#store(
      deliveries.filter(
        ({ origin, reference }) =>
          origin.kind !== 'park' && (reference.order !== undefined || !origin.handBack()),
      ),
    )
  }

  /** 'worker': it has no slot, or may start nothing. */
  #ask(bytes: number): Answer | 'worker' {
    const { slots, now, mayStart } = this.#engine
    const nowMs = now()
    if (!this.lane.hasSlot) return this.lane.ask(nowMs)
    if (!mayStart() || !slots.take(this.organization, bytes, this.lane.isDoubtful(nowMs))) return 'worker'
    const answer = this.lane.ask(nowMs)
    if (answer !== 'go') slots.give(this.organization, bytes)
    return answer
  }

  #heed(answer: Exclude<Answer, 'go'> | 'worker'): void {
    if (answer !== 'worker') {
      this.#stands = !moves(answer)
      if (answer.untilMs !== undefined) this.#lookAt(answer.untilMs)
    } else if (!this.#engine.mayStart()) {
      this.#lookAt(this.#engine.now() + heldMs)
    } else {
      // A lane in doubt doesn't hold memory while it waits for the others.
      this.#stands = this.isDoubtful
      this.#engine.scheduler.add(this)
    }
  }

  #begin({ reference, origin }: Queued, event: UnderWay['event'], destination: Destination): void {
    if (origin.kind === 'park') this.unparked++
    this.#steps.attempt({ kind: 'under_way', reference, origin, event }, destination)
  }

  #enqueue(delivery: Queued): Promise<unknown> | undefined {
    const isLast = this.#tail.size > 0 || this.park.waiting > 0 || this.#storing > 0
    const fifo = isLast ? this.#tail : this.#head
    if (fifo.size >= mostQueued || !this.#engine.queued.take(this.organization, 1)) {
      return this.#store([...this.#takeAll(this.#tail), delivery])
    }
    this.#keepBody(delivery)
    fifo.push(delivery)
    this.#lookAt(this.#engine.now() + checkMs)
    if (delivery.event === 'stored') this.#readAhead()
    return undefined
  }

  /** The next one, where the head is empty: of the tail, unless others are parked before it. */
  #moveUp(): Queued | undefined {
    if (this.park.waiting > 0 || this.#storing > 0) return undefined
    const emptied = this.#head
    this.#head = this.#tail
    this.#tail = emptied
    return this.#head.peek()
  }

  #take(): void {
    const delivery = this.#head.take()
    if (delivery) this.#release(delivery)
  }

  #release(delivery: Queued): void {
    if (delivery.origin.kind !== 'park') this.#engine.queued.give(this.organization, 1)
    this.#dropBody(delivery)
  }

  #takeAll(fifo: Fifo<Queued>): Queued[] {
    const all = fifo.takeAll()
    for (const delivery of all) this.#release(delivery)
    return all
  }

  /** Takes a part of the worker's memory for a body that is there. Without one the body is dropped, and read back. */
  #keepBody(delivery: Queued): void {
    const { event } = delivery
    if (typeof event === 'string') return
    if (!this.#reserve(delivery)) delivery.event = 'stored'
    // A body is a part of the socket's buffer, all of which it would keep.
    else delivery.event = { ...event, body: new Uint8Array(event.body) }
  }

  #reserve(delivery: Queued): boolean {
    const bytes = delivery.reference.bytes + headBytes
    if (this.#heldBytes + bytes > mostLaneBytes) return false
    if (!this.#engine.queuedBytes.take(this.organization, bytes)) return false
    delivery.heldBytes = bytes
    this.#heldBytes += bytes
    return true
  }

  #dropBody(delivery: Queued): void {
    const { heldBytes } = delivery
    if (heldBytes === 0) return
    delivery.heldBytes = 0
    this.#heldBytes -= heldBytes
    this.#engine.queuedBytes.give(this.organization, heldBytes)
  }

  /** Parks all that waits, then these. What came from the park still lies there. */
  #parkAll(last: readonly Queued[]): Promise<unknown> {
    const back: ParkedDelivery[] = []
    const rest: Queued[] = []
    for (const delivery of [...this.#takeAll(this.#head), ...this.#takeAll(this.#tail)]) {
      const { origin, reference } = delivery
      if (origin.kind === 'park') back.push({ seq: origin.seq, reference })
      else rest.push(delivery)
    }
    if (back.length > 0) this.park.putBack(back)
    return this.#store([...rest, ...last])
  }

  /** Resolves when all are parked, or given up. */
  #store(deliveries: readonly Queued[]): Promise<unknown> {
    this.#storing += deliveries.length
    return Promise.all(
      deliveries.map(delivery =>
        this.#steps.park(delivery).then(
          () => {
            this.park.waiting++
            this.#stored(() => delivery.origin.done())
          },
          error => this.#stored(() => delivery.origin.failed(error)),
        ),
      ),
    )
  }

  #stored(tell: () => void): void {
    this.#storing--
    tell()
    // The lane may have begun to move while they were stored.
    if (this.#storing === 0 && !this.#stands && !this.#closed) this.serve()
  }

  /** Has the next deliveries and their bodies at hand before a slot is free. */
  #readAhead(): void {
    if (this.#closed || this.#engine.now() < this.#readFromMs) return
    const { slots } = this.lane
    const wantsPage = this.park.waiting > 0 && this.#head.size < 2 * slots && !this.#reading
    const last = this.#head.peek(Math.min(this.#head.size, slots) - 1)
    const wantsBodies = !this.#loading && (this.#head.peek()?.event === 'stored' || last?.event === 'stored')
    if (!(wantsPage || wantsBodies) || !this.#mayHaveSlot()) return
    if (wantsPage) void this.#readPage(Math.min(mostPage, 4 * slots))
    if (wantsBodies) void this.#load(2 * slots)
  }

  /** Nothing is read for a lane that the worker has no slot for. */
  #mayHaveSlot(): boolean {
    const { slots, scheduler } = this.#engine
    if (slots.take(this.organization, 0, this.isDoubtful)) {
      slots.give(this.organization, 0)
      return true
    }
    scheduler.add(this)
    return false
  }

  async #readPage(count: number): Promise<void> {
    this.#reading = true
    try {
      const page = await this.park.read(count)
      for (const { seq, reference } of page) {
        this.#head.push(
          queue(reference, new ParkedOrigin(seq, reference, this), 'stored', this.#engine.now()),
        )
      }
      // How many there are can't be told while a purge is under way.
      if (page.length === 0 && this.park.waiting > 0) this.#readLater(firstRetryMs)
    } catch (error) {
      this.#failed(error)
    }
    this.#reading = false
    if (!this.#closed) this.serve()
  }

  /** Reads the bodies of the next deliveries that have none. */
  async #load(most: number): Promise<void> {
    this.#loading = true
    const wanted: Queued[] = []
    for (let i = 0; i < Math.min(this.#head.size, most); i++) {
      const delivery = this.#head.peek(i)
      if (delivery?.event !== 'stored') continue
      // The first is read, whatever it takes: it would wait for ever.
      if (!this.#reserve(delivery) && (i > 0 || wanted.length > 0)) break
      wanted.push(delivery)
    }
    try {
      const events = await readEvents(
        wanted.map(({ reference }) => reference),
        this.#engine,
      )
      this.#failures = 0
      for (const [index, delivery] of wanted.entries()) delivery.event = events[index] ?? 'expired'
    } catch (error) {
      for (const delivery of wanted) this.#dropBody(delivery)
      this.#failed(error)
    }
    this.#loading = false
    if (!this.#closed) this.serve()
  }

  /** The stream could not be read: after a while once more. */
  #failed(err: unknown): void {
    if (this.#closed) return
    const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++)
    this.#engine.log.error({ err, destination: this.#destination, retryMs: waitMs }, 'worker.failed')
    this.#readLater(waitMs)
  }

  #readLater(waitMs: number): void {
    this.#readFromMs = this.#engine.now() + waitMs
    this.#lookAt(this.#readFromMs)
  }

  /** All that follows from a delivery from the park is stored. */
  finished(seq: number): void {
    this.unparked--
    this.park.finish(seq)
  }

  /** What followed from a delivery of the park could not be stored: it is tried again. */
  notStored(parked: ParkedDelivery, err: unknown): void {
    this.unparked--
    if (this.#signal.aborted) return // it lies there for the next owner
    this.park.putBack([parked])
    this.#failed(err)
  }

  /** Looks again at this time, ms, or before. */
  #lookAt(atMs: number): void {
    if (this.#closed || (this.#timer && this.#timerMs <= atMs)) return
    clearTimeout(this.#timer)
    this.#timerMs = atMs
    this.#timer = setTimeout(() => this.#look(), Math.max(1, atMs - this.#engine.now()))
  }

  #look(): void {
    this.#timer = undefined
    const longAgo = this.#engine.now() - longestWaitMs
    if (isOlder(this.#head.peek(), longAgo) || isOlder(this.#tail.peek(), longAgo)) void this.#parkAll([])
    this.serve()
    if (this.queued > 0) this.#lookAt(this.#engine.now() + checkMs)
  }
}

/** What is counted for an event's headers, bytes: about what providers send. */
const headBytes = 2_048

const isOlder = (delivery: Queued | undefined, thanMs: number): boolean =>
  delivery !== undefined && delivery.origin.kind !== 'park' && delivery.sinceMs < thanMs

class ParkedOrigin implements ParkOrigin {
  readonly kind = 'park'
  readonly seq: number
  readonly #reference: DeliveryReference
  readonly #queue: LaneQueue

  constructor(seq: number, reference: DeliveryReference, queue: LaneQueue) {
    this.seq = seq
    this.#reference = reference
    this.#queue = queue
  }

  done(): void {
    this.#queue.finished(this.seq)
  }

  failed(error: unknown): void {
    this.#queue.notStored({ seq: this.seq, reference: this.#reference }, error)
  }
}
