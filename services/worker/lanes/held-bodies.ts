import type { OrganizationId } from '@fairlead/webhook/id'
import type { Queued } from '../delivery/delivery.ts'
import type { Engine } from '../engine.ts'

/** Bytes of bodies that one lane holds: a quarter of a worker's, so that one lane leaves room for others. */
const mostLaneBytes = 16 * 1024 ** 2
/** Bytes counted for an event's headers: about the size that providers send. */
const headBytes = 2_048

/**
 * The memory that bodies of one lane's waiting deliveries take: a part of the worker's. A delivery whose body does not
 * fit waits without the body, which lies in EVENTS.
 */
export class HeldBodies {
  readonly #engine: Pick<Engine, 'queuedBytes'>
  readonly #organization: OrganizationId
  #bytes = 0

  constructor(engine: Pick<Engine, 'queuedBytes'>, organization: OrganizationId) {
    this.#engine = engine
    this.#organization = organization
  }

  /** Keeps the body of a delivery that came with its body, if memory is left; else drops the body, to be read back. */
  keep(delivery: Queued): void {
    const { event } = delivery
    if (typeof event === 'string') return
    if (!this.reserve(delivery)) delivery.event = 'stored'
    // Copied, because the body is a view of the socket's buffer, which would be kept whole.
    else delivery.event = { ...event, body: new Uint8Array(event.body) }
  }

  /** Takes memory for a delivery's body. False, and nothing taken, where the lane or the worker has none left. */
  reserve(delivery: Queued): boolean {
    const bytes = delivery.reference.bytes + headBytes
    if (this.#bytes + bytes > mostLaneBytes) return false
    if (!this.#engine.queuedBytes.take(this.#organization, bytes)) return false
    delivery.heldBytes = bytes
    this.#bytes += bytes
    return true
  }

  /** Gives back the memory that was taken for a delivery's body, if any was. */
  release(delivery: Queued): void {
    const { heldBytes } = delivery
    if (heldBytes === 0) return
    delivery.heldBytes = 0
    this.#bytes -= heldBytes
    this.#engine.queuedBytes.give(this.#organization, heldBytes)
  }
}
