import type { OrganizationId } from '@fairlead/webhook/id'
import type { Queued } from '../delivery/delivery.ts'
import type { Engine } from '../engine.ts'
import { Fifo } from './fifo.ts'
import { HeldBodies } from './held-bodies.ts'

/**
 * Deliveries in head and in tail, at most. Each has its message kept alive every 1.5 s, which takes about
 * 5 µs, and comes again after a crash.
 */
const mostQueued = 4_096

/**
 * The deliveries of a lane that wait in memory, oldest first: the head goes next, then come all parked deliveries, then the
 * tail. Each delivery that isn't parked as well has a place of the worker's, and memory for its body where there is any.
 */
export class WaitingLine {
  readonly bodies: HeldBodies
  readonly #engine: Pick<Engine, 'queued'>
  readonly #organization: OrganizationId
  #head = new Fifo<Queued>()
  #tail = new Fifo<Queued>()

  constructor(engine: Pick<Engine, 'queued' | 'queuedBytes'>, organization: OrganizationId) {
    this.#engine = engine
    this.#organization = organization
    this.bodies = new HeldBodies(engine, organization)
  }

  get size(): number {
    return this.#head.size + this.#tail.size
  }

  get head(): Fifo<Queued> {
    return this.#head
  }

  /** The first of the tail: it goes next once no delivery is parked and the head is empty. */
  get firstOfTail(): Queued | undefined {
    return this.#tail.peek()
  }

  /**
   * Adds a delivery at the end. False, and nothing added, where the line is full or the worker has no place left.
   *
   * @param behindParked whether parked deliveries come before it
   */
  add(delivery: Queued, behindParked: boolean): boolean {
    const fifo = behindParked || this.#tail.size > 0 ? this.#tail : this.#head
    if (fifo.size >= mostQueued || !this.#engine.queued.take(this.#organization, 1)) return false
    this.bodies.keep(delivery)
    fifo.push(delivery)
    return true
  }

  /** Adds deliveries from the park at the end of the head. */
  addPage(page: readonly Queued[]): void {
    for (const delivery of page) this.#head.push(delivery)
  }

  /** Makes the tail the head, which must be empty: no parked delivery comes between them any more. */
  moveUp(): void {
    const emptied = this.#head
    this.#head = this.#tail
    this.#tail = emptied
  }

  /** Takes the first of the head. */
  take(): void {
    const delivery = this.#head.take()
    if (delivery) this.#release(delivery)
  }

  takeTail(): Queued[] {
    return this.#takeAll(this.#tail)
  }

  takeAll(): Queued[] {
    return [...this.#takeAll(this.#head), ...this.#takeAll(this.#tail)]
  }

  /** Whether a delivery that isn't parked as well has waited in memory since before this time, Unix ms. */
  holdsOlder(thanMs: number): boolean {
    return [this.#head.peek(), this.#tail.peek()].some(
      first => first !== undefined && first.origin.kind !== 'park' && first.sinceMs < thanMs,
    )
  }

  #takeAll(fifo: Fifo<Queued>): Queued[] {
    const all = fifo.takeAll()
    for (const delivery of all) this.#release(delivery)
    return all
  }

  #release(delivery: Queued): void {
    if (delivery.origin.kind !== 'park') this.#engine.queued.give(this.#organization, 1)
    this.bodies.release(delivery)
  }
}
