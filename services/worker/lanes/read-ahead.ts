import type { DestinationId } from '@fairlead/webhook/id'
import type { Queued } from '../delivery/delivery.ts'
import type { Park, ParkedDelivery } from '../delivery/park.ts'
import { readEvents } from '../delivery/read-events.ts'
import type { Engine } from '../engine.ts'
import type { Fifo } from './fifo.ts'
import type { HeldBodies } from './held-bodies.ts'

/** Waits after the stream could not be read, ms. */
const firstRetryMs = 500
const longestRetryMs = 30_000
/** Deliveries of a page of the park, at most; a lane with few slots reads fewer. */
const mostPage = 256

export interface ReadAheadOptions {
  readonly engine: Pick<Engine, 'now' | 'log' | 'reader' | 'manager'>
  readonly destination: DestinationId
  readonly park: Park
  readonly bodies: HeldBodies
  /** Whether the lane may get a slot soon. If not, nothing is read. */
  mayHaveSlot(): boolean
  /** Puts a page of the park at the end of the queue's head. */
  addPage(page: readonly ParkedDelivery[]): void
  /** Something was read: the queue may go on. */
  ready(): void
  /** Asks to be called again at this time, Unix ms. */
  lookAt(atMs: number): void
}

/** Reads the next parked deliveries of a lane, and their bodies, before a slot is free for them. */
export class ReadAhead {
  readonly #options: ReadAheadOptions
  #readingPage = false
  #readingBodies = false
  /** Reads of the stream in a row that failed, and when it may be read again, Unix ms. */
  #failures = 0
  #readFromMs = 0
  #closed = false

  constructor(options: ReadAheadOptions) {
    this.#options = options
  }

  /** @param slots how many attempts the lane may make at one time */
  read(head: Fifo<Queued>, slots: number): void {
    const { engine, park, mayHaveSlot } = this.#options
    if (this.#closed || engine.now() < this.#readFromMs) return
    const wantsPage = park.waiting > 0 && head.size < 2 * slots && !this.#readingPage
    const last = head.peek(Math.min(head.size, slots) - 1)
    const wantsBodies = !this.#readingBodies && (head.peek()?.event === 'stored' || last?.event === 'stored')
    if (!(wantsPage || wantsBodies) || !mayHaveSlot()) return
    if (wantsPage) void this.#readPage(Math.min(mostPage, 4 * slots))
    if (wantsBodies) void this.#readBodies(head, 2 * slots)
  }

  /** Reads nothing more, and calls nobody when a read that is under way ends. */
  close(): void {
    this.#closed = true
  }

  /** The stream could not be read or written: it is read again after a wait. */
  failed(err: unknown): void {
    if (this.#closed) return
    const { engine, destination } = this.#options
    const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++)
    engine.log.error({ err, destination, retryMs: waitMs }, 'worker.failed')
    this.#readLater(waitMs)
  }

  async #readPage(count: number): Promise<void> {
    const { park, addPage, ready } = this.#options
    this.#readingPage = true
    try {
      const page = await park.read(count)
      addPage(page)
      // The park can't count what it holds while a purge is under way.
      if (page.length === 0 && park.waiting > 0) this.#readLater(firstRetryMs)
    } catch (error) {
      this.failed(error)
    }
    this.#readingPage = false
    if (!this.#closed) ready()
  }

  /** Reads the bodies of the first deliveries that have none, of at most so many deliveries. */
  async #readBodies(head: Fifo<Queued>, most: number): Promise<void> {
    const { engine, bodies, ready } = this.#options
    this.#readingBodies = true
    const wanted: Queued[] = []
    for (let i = 0; i < Math.min(head.size, most); i++) {
      const delivery = head.peek(i)
      if (delivery?.event !== 'stored') continue
      // The first body is read even without memory for it: else its delivery would wait for ever.
      if (!bodies.reserve(delivery) && (i > 0 || wanted.length > 0)) break
      wanted.push(delivery)
    }
    try {
      const events = await readEvents(
        wanted.map(({ reference }) => reference),
        engine,
      )
      this.#failures = 0
      for (const [index, delivery] of wanted.entries()) delivery.event = events[index] ?? 'expired'
    } catch (error) {
      for (const delivery of wanted) bodies.release(delivery)
      this.failed(error)
    }
    this.#readingBodies = false
    if (!this.#closed) ready()
  }

  #readLater(waitMs: number): void {
    const { engine, lookAt } = this.#options
    this.#readFromMs = engine.now() + waitMs
    lookAt(this.#readFromMs)
  }
}
