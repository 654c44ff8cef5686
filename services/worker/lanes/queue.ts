import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import { type ParkOrigin, type Queued, queue, type UnderWay } from '../delivery/delivery.ts'
import { Park, type ParkedDelivery } from '../delivery/park.ts'
import type { Destination } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { Fifo } from './fifo.ts'
import { HeldBodies } from './held-bodies.ts'
import { type Answer, type Health, type Lane, type LaneState, moves } from './lane.ts'
import { ReadAhead } from './read-ahead.ts'
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
 * that a crash brings them back. A lane that stands parks all waiting and all new deliveries. Deliveries that do not
 * fit into the queue, or have waited in it for too long, are parked as well. Parked deliveries are read back in pages.
 *
 * A delivery whose body does not fit keeps its position without the body, which is read back from EVENTS shortly before
 * the delivery's turn, together with others.
 */

/**
 * Deliveries in head and in tail, at most. Each has its message kept alive every 1.5 s, which takes about
 * 5 µs, and comes again after a crash.
 */
const mostQueued = 4_096
/** A delivery that has waited in memory for longer than this, ms, is parked, where waiting costs nothing. */
const longestWaitMs = 10_000
/** How often a queue that does not become empty looks whether its lane hangs, ms. */
const checkMs = 1_000
/** How soon a lane asks for a slot again while the worker may start nothing, ms. */
const heldMs = 50
/** The steps after the queue. None rejects, except `park` where the partition is given up. */
export interface LaneSteps {
  /** The breaker of this destination, or of its host as far as it holds up this organization, has opened or closed. */
  breakerChanged?(scope: 'destination' | 'host', to: 'open' | 'closed'): void
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
  /** Deliveries from the park that are under way or forsaken, and from which not all that follows is stored. */
  #unparked = 0
  /** Resolvers of `idle`. */
  #whenIdle: (() => void)[] = []
  readonly #destination: DestinationId
  readonly #engine: Engine
  readonly #steps: LaneSteps
  readonly #signal: AbortSignal
  #head = new Fifo<Queued>()
  #tail = new Fifo<Queued>()
  /** Whether the lane stood when it was asked last. */
  #stands = false
  /** When the destination itself last let a delivery wait (paused, broken, its rate, all of its slots in use), ms. */
  #heldUpMs = Number.NEGATIVE_INFINITY
  /** Since when deliveries have been parked without a break, as far as this process knows, ms. */
  #parkedSinceMs = 0
  /** Deliveries on their way into the park. */
  #storing = 0
  readonly #bodies: HeldBodies
  readonly #readAhead: ReadAhead
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
    this.#bodies = new HeldBodies(options.engine, options.organization)
    this.#readAhead = new ReadAhead({
      engine: options.engine,
      destination: options.destination,
      park: this.park,
      bodies: this.#bodies,
      mayHaveSlot: () => this.#mayHaveSlot(),
      addPage: page => this.#addPage(page),
      ready: () => this.serve(),
      lookAt: atMs => this.#lookAt(atMs),
    })
  }

  /** As `Lanes.offer`. */
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

  /** Starts the deliveries that may go next. @returns whether it started any */
  serve(): boolean {
    let started = false
    this.#stands = false
    while (!this.#closed) {
      const next = this.#head.peek() ?? this.#moveUp()
      if (!next || next.event === 'stored') break
      const destination = this.#engine.directory.destination(this.organization, this.#destination)
      if (!destination || next.event === 'expired') {
        this.#take()
        if (next.origin.kind === 'park') this.#unparked++
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
    else if (!this.#closed) this.#readAhead.read(this.#head, this.lane.slots)
    return started
  }

  /** An attempt of this lane is over. */
  finish(delivery: UnderWay, health: Health, tookMs: number, retryAfterMs: number | undefined): void {
    const { isBroken, isHostBroken } = this.lane
    this.lane.finish(health, this.#engine.now(), tookMs, retryAfterMs)
    if (isBroken !== this.lane.isBroken)
      this.#steps.breakerChanged?.('destination', isBroken ? 'closed' : 'open')
    if (isHostBroken !== this.lane.isHostBroken)
      this.#steps.breakerChanged?.('host', isHostBroken ? 'closed' : 'open')
    this.#engine.slots.give(this.organization, delivery.reference.bytes)
    this.serve()
  }

  /** An attempt could not be made: the delivery waits in the park, and the lane's breaker finds out when to try again. */
  putBack(delivery: UnderWay, tookMs: number): void {
    const { origin, reference } = delivery
    if (origin.kind === 'park') {
      this.park.putBack([{ seq: origin.seq, reference }])
      this.#countDone()
    } else void this.#store([queue(reference, origin, 'stored', this.#engine.now())])
    this.finish(delivery, 'unreachable', tookMs, undefined)
  }

  get isDoubtful(): boolean {
    return this.lane.isDoubtful(this.#engine.now())
  }

  /** No delivery waits, in memory or parked. */
  get isEmpty(): boolean {
    return this.#head.size === 0 && this.#tail.size === 0 && this.park.waiting === 0 && this.#storing === 0
  }

  get queued(): number {
    return this.#head.size + this.#tail.size
  }

  get parked(): number {
    return this.park.waiting + this.#storing
  }

  /** For how long the delivery that goes next has waited since its receipt, ms; undefined where none waits. */
  oldestWaitMs(nowMs: number): number | undefined {
    const next = this.#head.peek() ?? (this.parked > 0 ? undefined : this.#tail.peek())
    if (next) return nowMs - next.reference.receivedAt
    return this.parked > 0 ? nowMs - this.#parkedSinceMs : undefined
  }

  /** An earlier owner of the partition parked so many deliveries: because their lane stood, so they are held up. */
  restore(count: number): void {
    this.#heldUpMs = this.#engine.now()
    this.#parkedSinceMs = this.#heldUpMs
    this.park.waiting += count
  }

  state(nowMs: number): LaneState {
    const state = this.lane.state(nowMs)
    return state === 'well' && !this.isEmpty ? 'busy' : state
  }

  /** Resolves when all that follows from each delivery that was taken from the park is stored, and purged there. */
  async idle(): Promise<void> {
    if (this.#unparked > 0) await new Promise<void>(resolve => this.#whenIdle.push(resolve))
    await this.park.idle()
  }

  /** Starts nothing more, and hands waiting deliveries back to the streams. Resolves when all are handed back. */
  async close(): Promise<void> {
    this.#closed = true
    this.#readAhead.close()
    clearTimeout(this.#timer)
    await this.#handBack([...this.#takeAll(this.#head), ...this.#takeAll(this.#tail)])
  }

  /** To JetStream, for the partition's next owner. Into the park where that would repeat other deliveries of the event. */
  #handBack(deliveries: readonly Queued[]): Promise<unknown> {
    return this.#store(
      deliveries.filter(
        ({ origin, reference }) =>
          origin.kind !== 'park' && (reference.order !== undefined || !origin.handBack()),
      ),
    )
  }

  /** Asks worker and lane for a slot. 'worker': the worker has none left, or may start nothing. */
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
      this.#heldUpMs = this.#engine.now()
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

  #begin({ reference, origin, sinceMs }: Queued, event: UnderWay['event'], destination: Destination): void {
    if (origin.kind === 'park') this.#unparked++
    const waitsSinceMs = origin.kind === 'park' ? reference.receivedAt : sinceMs
    const heldUp = origin.kind === 'key' || this.#heldUpMs >= waitsSinceMs
    this.#steps.attempt({ kind: 'under_way', reference, origin, event, heldUp }, destination)
  }

  #enqueue(delivery: Queued): Promise<unknown> | undefined {
    const isLast = this.#tail.size > 0 || this.park.waiting > 0 || this.#storing > 0
    const fifo = isLast ? this.#tail : this.#head
    if (fifo.size >= mostQueued || !this.#engine.queued.take(this.organization, 1)) {
      return this.#store([...this.#takeAll(this.#tail), delivery])
    }
    this.#bodies.keep(delivery)
    fifo.push(delivery)
    this.#lookAt(this.#engine.now() + checkMs)
    if (delivery.event === 'stored') this.#readAhead.read(this.#head, this.lane.slots)
    return undefined
  }

  /** The next delivery where the head is empty: the tail's first, unless parked deliveries come before it. */
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
    this.#bodies.release(delivery)
  }

  #takeAll(fifo: Fifo<Queued>): Queued[] {
    const all = fifo.takeAll()
    for (const delivery of all) this.#release(delivery)
    return all
  }

  /** Parks all waiting deliveries, then these. Those that came from the park are still stored there. */
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

  /** Parks these. Resolves when all are parked, or could not be. */
  #store(deliveries: readonly Queued[]): Promise<unknown> {
    if (deliveries.length > 0 && this.parked === 0) this.#parkedSinceMs = this.#engine.now()
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

  /** Whether the worker has a slot for this lane. If not, the lane stands in line for one. */
  #mayHaveSlot(): boolean {
    const { slots, scheduler } = this.#engine
    if (slots.take(this.organization, 0, this.isDoubtful)) {
      slots.give(this.organization, 0)
      return true
    }
    scheduler.add(this)
    return false
  }

  #addPage(page: readonly ParkedDelivery[]): void {
    const nowMs = this.#engine.now()
    for (const { seq, reference } of page) {
      this.#head.push(queue(reference, new ParkedOrigin(seq, reference, this), 'stored', nowMs))
    }
  }

  /** All that follows from a delivery from the park is stored. */
  finished(seq: number): void {
    this.park.finish(seq)
    this.#countDone()
  }

  /** The outcome of a delivery from the park could not be stored: the delivery is tried again. */
  notStored(parked: ParkedDelivery, err: unknown): void {
    if (!this.#signal.aborted) {
      this.park.putBack([parked])
      this.#readAhead.failed(err)
    } // else it is still parked, for the partition's next owner
    this.#countDone()
  }

  #countDone(): void {
    this.#unparked--
    if (this.#unparked > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** Calls `#look` at this time, Unix ms, or before. */
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
