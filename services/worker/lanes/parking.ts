import type { DeliveryReference } from '@fairlead/wire/delivery'
import { type ParkOrigin, type Queued, queue, type UnderWay } from '../delivery/delivery.ts'
import { Park, type ParkedDelivery, type ParkOptions } from '../delivery/park.ts'

export interface ParkingOptions extends ParkOptions {
  now(): number
  /** Stores a delivery in the park. Rejects only where the partition is given up. */
  park(delivery: Queued): Promise<void>
  /** All deliveries that were on their way into the park are there. */
  stored(): void
  /** The outcome of a delivery from the park could not be stored. */
  failed(error: unknown): void
}

/**
 * The parked deliveries of a lane: those in the park, those on their way into it, and those that were taken from it and of
 * which not all that follows is stored.
 */
export class Parking {
  readonly park: Park
  readonly #options: ParkingOptions
  /** On their way into the park. */
  #storing = 0
  /** From the park, under way or forsaken, and not all that follows is stored. */
  #unparked = 0
  /** Resolvers of `idle`. */
  #whenIdle: (() => void)[] = []
  /** Since when deliveries have been parked without a break, as far as this process knows, ms. */
  #sinceMs = 0

  constructor(options: ParkingOptions) {
    this.#options = options
    this.park = new Park(options)
  }

  get waiting(): number {
    return this.park.waiting + this.#storing
  }

  get sinceMs(): number {
    return this.#sinceMs
  }

  /** An earlier owner of the partition parked so many deliveries. */
  restore(count: number): void {
    this.#sinceMs = this.#options.now()
    this.park.waiting += count
  }

  /** Parks these. Resolves when all are parked, or could not be. */
  add(deliveries: readonly Queued[]): Promise<unknown> {
    if (deliveries.length > 0 && this.waiting === 0) this.#sinceMs = this.#options.now()
    this.#storing += deliveries.length
    return Promise.all(
      deliveries.map(delivery =>
        this.#options.park(delivery).then(
          () => {
            this.park.waiting++
            this.#stored(() => delivery.origin.done())
          },
          error => this.#stored(() => delivery.origin.failed(error)),
        ),
      ),
    )
  }

  /** Parks deliveries that waited in memory. Those that came from the park are still stored there. */
  addBack(deliveries: readonly Queued[]): Promise<unknown> {
    const back: ParkedDelivery[] = []
    const rest: Queued[] = []
    for (const delivery of deliveries) {
      const { origin, reference } = delivery
      if (origin.kind === 'park') back.push({ seq: origin.seq, reference })
      else rest.push(delivery)
    }
    if (back.length > 0) this.park.putBack(back)
    return this.add(rest)
  }

  /** Parks a delivery of which no attempt could be made. */
  putBack({ origin, reference }: UnderWay): void {
    if (origin.kind === 'park') {
      this.park.putBack([{ seq: origin.seq, reference }])
      this.#ended()
    } else void this.add([queue(reference, origin, 'stored', this.#options.now())])
  }

  /** A page of the park, as deliveries that wait in memory. */
  open(page: readonly ParkedDelivery[]): Queued[] {
    const nowMs = this.#options.now()
    return page.map(({ seq, reference }) =>
      queue(reference, new FromPark(seq, reference, this), 'stored', nowMs),
    )
  }

  /** This delivery is no longer waiting: where it came from the park, the park hears what follows. */
  begin({ origin }: Queued): void {
    if (origin.kind === 'park') this.#unparked++
  }

  /** All that follows from a delivery from the park is stored. */
  finished(seq: number): void {
    this.park.finish(seq)
    this.#ended()
  }

  /** The outcome of a delivery from the park could not be stored: the delivery is tried again. */
  notStored(parked: ParkedDelivery, error: unknown): void {
    if (!this.#options.signal.aborted) {
      this.park.putBack([parked])
      this.#options.failed(error)
    } // else it is still parked, for the partition's next owner
    this.#ended()
  }

  /** Resolves when all that follows from each delivery that was taken from the park is stored, and purged there. */
  async idle(): Promise<void> {
    if (this.#unparked > 0) await new Promise<void>(resolve => this.#whenIdle.push(resolve))
    await this.park.idle()
  }

  #stored(tell: () => void): void {
    this.#storing--
    tell()
    if (this.#storing === 0) this.#options.stored()
  }

  #ended(): void {
    this.#unparked--
    if (this.#unparked > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

class FromPark implements ParkOrigin {
  readonly kind = 'park'
  readonly seq: number
  readonly #reference: DeliveryReference
  readonly #parking: Parking

  constructor(seq: number, reference: DeliveryReference, parking: Parking) {
    this.seq = seq
    this.#reference = reference
    this.#parking = parking
  }

  done(): void {
    this.#parking.finished(this.seq)
  }

  failed(error: unknown): void {
    this.#parking.notStored({ seq: this.seq, reference: this.#reference }, error)
  }
}
