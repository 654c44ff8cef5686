import { setTimeout as delay } from 'node:timers/promises'
import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { streamName } from '@fairlead/wire/streams'
import { parkedSubject } from '@fairlead/wire/subjects'
import type { Engine } from '../engine.ts'
import { removeMessage, untilDone } from './until-done.ts'

/**
 * Parked deliveries of one lane. They lie in DELIVERIES under their destination's own subject and are read in pages, by
 * sequence, when the lane has room: no consumer, no memory and no wake-up for a lane that only waits. Finished
 * deliveries are purged many at a time. Deliveries that were in hand at a crash are still in the stream.
 *
 *   stored ──read──▶ open ─finished─▶ purged
 *     ▲               │
 *     └── put back ───┘
 */
export interface ParkedDelivery {
  readonly seq: number
  readonly reference: DeliveryReference
}

export interface ParkOptions {
  readonly engine: Pick<Engine, 'manager' | 'reader' | 'log'>
  readonly organization: OrganizationId
  readonly destination: DestinationId
  /** Aborts when the partition is given up. */
  readonly signal: AbortSignal
}

/** Between two rounds of a purge, ms, where the first delivery of the lane is slow and all others stand behind it. */
const roundMs = 50

export class Park {
  /** Deliveries in the stream that `read` has not taken. A count; `read` corrects it where it finds none to take. */
  waiting = 0
  readonly #options: ParkOptions
  /** Read and put back, oldest first. */
  #back: ParkedDelivery[] = []
  /** Read, and still in the stream. */
  readonly #known = new Set<number>()
  /** Of these, the finished ones: to be purged. */
  readonly #finished = new Set<number>()
  #purging: Promise<void> | undefined
  /** How often a purge has begun. */
  #purges = 0
  /** All before this sequence are known or gone. */
  #nextSeq = 1

  constructor(options: ParkOptions) {
    this.#options = options
  }

  /** Deliveries that were read and are not finished, and purges under way. */
  get inHand(): number {
    return this.#known.size - this.#finished.size - this.#back.length + (this.#purging ? 1 : 0)
  }

  /** Nothing is in the stream or in hand: the park may be forgotten. */
  get isEmpty(): boolean {
    return this.waiting === 0 && this.#known.size === 0 && !this.#purging
  }

  /** Takes the oldest deliveries, at most `count`. Empty: none is parked, or a replica lags. Rejects where the stream can't be read. */
  async read(count: number): Promise<ParkedDelivery[]> {
    if (this.#back.length > 0) {
      const back = this.#back.splice(0, count)
      this.waiting = Math.max(0, this.waiting - back.length)
      return back
    }
    const page: ParkedDelivery[] = []
    for (;;) {
      const found = await this.#options.engine.reader.next(streamName.deliveries, {
        subject: this.#subject,
        seq: this.#nextSeq,
        count,
      })
      for (const { seq, data } of found) {
        this.#nextSeq = seq + 1
        if (this.#known.has(seq)) continue
        this.#known.add(seq)
        const reference = this.#decode(seq, data)
        if (reference) page.push({ seq, reference })
      }
      if (page.length > 0 || found.length < count) break
    }
    this.waiting = Math.max(0, this.waiting - page.length)
    // Either a replica lags behind, or deliveries were purged by hand: the stream's leader is asked for the count.
    if (page.length === 0) await this.#recount()
    return page
  }

  /** An unreadable message is finished at once: it would hold up those behind it for ever. */
  #decode(seq: number, data: Uint8Array): DeliveryReference | undefined {
    try {
      return decodeDelivery(data)
    } catch (err) {
      this.#options.engine.log.error({ err, subject: this.#subject, seq }, 'message.unreadable')
      this.waiting = Math.max(0, this.waiting - 1)
      this.finish(seq)
      return undefined
    }
  }

  /** Gives back deliveries that were taken and not attempted. They come first at the next `read`, in their order. */
  putBack(deliveries: readonly ParkedDelivery[]): void {
    this.#back = [...deliveries, ...this.#back]
    this.waiting += deliveries.length
  }

  /** The outcome of a delivery is stored: its message is purged, together with others. */
  finish(seq: number): void {
    this.#finished.add(seq)
    if (!this.#purging) this.#beginPurge()
  }

  #beginPurge(): void {
    this.#purges++
    this.#purging = this.#purge()
      .catch(() => {}) // the partition is given up: its next owner finds what is still in the stream
      .then(() => {
        this.#purging = undefined
        if (this.#finished.size > 0 && !this.#options.signal.aborted) this.#beginPurge()
      })
  }

  /** Resolves when no purge is under way. */
  async idle(): Promise<void> {
    while (this.#purging) await this.#purging
  }

  /**
   * Purges finished deliveries, in rounds, so that the partition's next owner does not find them. A round purges all before the
   * first unfinished delivery at once. A finished delivery behind that is deleted by itself, if it is still behind an unfinished
   * delivery in the next round.
   */
  async #purge(): Promise<void> {
    const { engine, signal } = this.#options
    let left = new Set<number>()
    while (this.#finished.size > 0 && !signal.aborted) {
      const before = this.#firstOpen()
      const behind = new Set<number>()
      const done: number[] = []
      for (const seq of this.#finished) {
        if (seq < before) done.push(seq)
        else behind.add(seq)
      }
      if (done.length > 0) {
        const range = { filter: this.#subject, seq: before }
        await untilDone(() => engine.manager.streams.purge(streamName.deliveries, range), signal)
      }
      for (const seq of behind) {
        if (!left.has(seq)) continue
        await untilDone(() => removeMessage(engine.manager, streamName.deliveries, seq), signal)
        done.push(seq)
      }
      left = behind
      if (done.length === 0) await delay(roundMs, undefined, { signal })
      for (const seq of done) {
        this.#finished.delete(seq)
        this.#known.delete(seq)
      }
    }
  }

  /** The first sequence of the lane that is not finished, or was not read. */
  #firstOpen(): number {
    let first = this.#nextSeq
    for (const seq of this.#known) if (seq < first && !this.#finished.has(seq)) first = seq
    return first
  }

  async #recount(): Promise<void> {
    // Messages that are being purged may be gone from the stream and still be in `#known`.
    if (this.#purging) return
    const purges = this.#purges
    const subject = this.#subject
    // Deliveries that are parked during the request are counted by their parking: only the count before it is corrected.
    const before = this.waiting
    const { state } = await this.#options.engine.manager.streams.info(streamName.deliveries, {
      subjects_filter: subject,
    })
    if (this.#purging || this.#purges !== purges) return
    const unknown = Math.max(0, (state.subjects?.[subject] ?? 0) - this.#known.size)
    this.waiting = Math.max(0, this.waiting + unknown - before)
    this.#nextSeq = 1
  }

  get #subject(): string {
    return parkedSubject(this.#options.organization, this.#options.destination)
  }
}
