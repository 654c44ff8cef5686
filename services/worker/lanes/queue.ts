import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import type { Queued, UnderWay } from '../delivery/delivery.ts'
import type { Park } from '../delivery/park.ts'
import type { Destination } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { type Answer, type Health, type Lane, type LaneState, moves } from './lane.ts'
import { Parking } from './parking.ts'
import { ReadAhead } from './read-ahead.ts'
import type { Waiting } from './scheduler.ts'
import { WaitingLine } from './waiting-line.ts'

/**
 * The queue of one destination's lane, oldest first:
 *
 *            goes next                                                 comes last
 *   attempt ◀── head ◀──────── pages ──────── park (DELIVERIES) ◀─────── tail ◀── delivery
 *                ▲                                              overflow          │
 *                └────────────────────── nothing parked ──────────────────────────┘
 *
 * While the lane moves, deliveries wait in memory (`waiting-line.ts`): those of new events without their message being acknowledged, so
 * that a crash brings them back. A lane that stands parks all waiting and all new deliveries. Deliveries that do not
 * fit into the queue, or have waited in it for too long, are parked as well (`parking.ts`). Parked deliveries are read back in pages (`read-ahead.ts`).
 *
 * A delivery whose body does not fit keeps its position without the body, which is read back from EVENTS shortly before
 * the delivery's turn, together with others.
 */

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
  readonly #destination: DestinationId
  readonly #engine: Engine
  readonly #steps: LaneSteps
  readonly #line: WaitingLine
  readonly #parking: Parking
  readonly #readAhead: ReadAhead
  /** Whether the lane stood when it was asked last. */
  #stands = false
  /** When the destination itself last let a delivery wait (paused, broken, its rate, all of its slots in use), ms. */
  #heldUpMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #timerMs = 0
  #closed = false

  constructor(lane: Lane, { engine, steps, organization, destination, signal }: LaneQueueOptions) {
    this.lane = lane
    this.organization = organization
    this.#destination = destination
    this.#engine = engine
    this.#steps = steps
    this.#line = new WaitingLine(engine, organization)
    this.#parking = new Parking({
      engine,
      organization,
      destination,
      signal,
      now: () => engine.now(),
      park: delivery => steps.park(delivery),
      // The lane may have begun to move while they were stored.
      stored: () => {
        if (!this.#stands && !this.#closed) this.serve()
      },
      failed: error => this.#readAhead.failed(error),
    })
    this.#readAhead = new ReadAhead({
      engine,
      destination,
      park: this.park,
      bodies: this.#line.bodies,
      mayHaveSlot: () => this.#mayHaveSlot(),
      addPage: page => this.#line.addPage(this.#parking.open(page)),
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
      const next = this.#next()
      if (!next || next.event === 'stored') break
      const destination = this.#engine.directory.destination(this.organization, this.#destination)
      if (!destination || next.event === 'expired') {
        this.#line.take()
        this.#parking.begin(next)
        this.#steps.forsake(next, destination ? 'event_expired' : 'destination_deleted')
        continue
      }
      const answer = this.#ask(next.reference.bytes)
      if (answer !== 'go') {
        this.#heed(answer)
        break
      }
      this.#line.take()
      this.#begin(next, next.event, destination)
      started = true
    }
    if (this.#stands) void this.#parkAll([])
    else if (!this.#closed) this.#readAhead.read(this.#line.head, this.lane.slots)
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
    this.#parking.putBack(delivery)
    this.finish(delivery, 'unreachable', tookMs, undefined)
  }

  get park(): Park {
    return this.#parking.park
  }

  get isDoubtful(): boolean {
    return this.lane.isDoubtful(this.#engine.now())
  }

  /** No delivery waits, in memory or parked. */
  get isEmpty(): boolean {
    return this.#line.size === 0 && this.#parking.waiting === 0
  }

  get queued(): number {
    return this.#line.size
  }

  get parked(): number {
    return this.#parking.waiting
  }

  /** For how long the delivery that goes next has waited since its receipt, ms; undefined where none waits. */
  oldestWaitMs(nowMs: number): number | undefined {
    const next = this.#line.head.peek() ?? (this.parked > 0 ? undefined : this.#line.firstOfTail)
    if (next) return nowMs - next.reference.receivedAt
    return this.parked > 0 ? nowMs - this.#parking.sinceMs : undefined
  }

  /** An earlier owner of the partition parked so many deliveries: because their lane stood, so they are held up. */
  restore(count: number): void {
    this.#heldUpMs = this.#engine.now()
    this.#parking.restore(count)
  }

  state(nowMs: number): LaneState {
    const state = this.lane.state(nowMs)
    return state === 'well' && !this.isEmpty ? 'busy' : state
  }

  /** Resolves when all that follows from each delivery that was taken from the park is stored, and purged there. */
  idle(): Promise<void> {
    return this.#parking.idle()
  }

  /** Starts nothing more, and hands waiting deliveries back to the streams. Resolves when all are handed back. */
  async close(): Promise<void> {
    this.#closed = true
    this.#readAhead.close()
    clearTimeout(this.#timer)
    await this.#handBack(this.#line.takeAll())
  }

  /** To JetStream, for the partition's next owner. Into the park where that would repeat other deliveries of the event. */
  #handBack(deliveries: readonly Queued[]): Promise<unknown> {
    return this.#parking.add(
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

  #begin(delivery: Queued, event: UnderWay['event'], destination: Destination): void {
    const { reference, origin, sinceMs } = delivery
    this.#parking.begin(delivery)
    const waitsSinceMs = origin.kind === 'park' ? reference.receivedAt : sinceMs
    const heldUp = origin.kind === 'key' || this.#heldUpMs >= waitsSinceMs
    this.#steps.attempt({ kind: 'under_way', reference, origin, event, heldUp }, destination)
  }

  #enqueue(delivery: Queued): Promise<unknown> | undefined {
    if (!this.#line.add(delivery, this.parked > 0)) {
      return this.#parking.add([...this.#line.takeTail(), delivery])
    }
    this.#lookAt(this.#engine.now() + checkMs)
    if (delivery.event === 'stored') this.#readAhead.read(this.#line.head, this.lane.slots)
    return undefined
  }

  /** The delivery that goes next: the tail's first where the head is empty, unless parked deliveries come before it. */
  #next(): Queued | undefined {
    const first = this.#line.head.peek()
    if (first || this.parked > 0) return first
    this.#line.moveUp()
    return this.#line.head.peek()
  }

  /** Parks all waiting deliveries, then these. */
  #parkAll(last: readonly Queued[]): Promise<unknown> {
    return this.#parking.addBack([...this.#line.takeAll(), ...last])
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

  /** Calls `#look` at this time, Unix ms, or before. */
  #lookAt(atMs: number): void {
    if (this.#closed || (this.#timer && this.#timerMs <= atMs)) return
    clearTimeout(this.#timer)
    this.#timerMs = atMs
    this.#timer = setTimeout(() => this.#look(), Math.max(1, atMs - this.#engine.now()))
  }

  #look(): void {
    this.#timer = undefined
    if (this.#line.holdsOlder(this.#engine.now() - longestWaitMs)) void this.#parkAll([])
    this.serve()
    if (this.queued > 0) this.#lookAt(this.#engine.now() + checkMs)
  }
}
