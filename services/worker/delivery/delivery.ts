import type { DeliveryReference } from '@fairlead/wire/delivery'
import { dueSubject, parkedSubject, scheduledSubject } from '@fairlead/wire/subjects'
import type { StoredEvent } from './stored-event.ts'

/**
 * The states of a delivery in a worker. A delivery is one event for one destination.
 *
 *   new event ──▶ queued ──▶ under way ──▶ delivered, dead
 *       │          │  ▲          │
 *       │          ▼  │          ▼
 *       │         parked     scheduled ──(due)──▶ queued
 *       ▼
 *     held ──(the delivery before it with its key has ended)──▶ queued
 *
 * Queued and under way are in memory, and the message that the delivery came from is not acknowledged: it comes again
 * if the worker dies. Parked, scheduled and held are messages of DELIVERIES, with the same reference in each.
 */
type Delivery = Queued | UnderWay | Parked | Scheduled | Held

/** In the queue of its lane. */
export interface Queued {
  readonly kind: 'queued'
  readonly reference: DeliveryReference
  readonly origin: Origin
  /** 'stored': the body was not kept in memory, and is read back. 'expired': EVENTS has it no longer. */
  event: StoredEvent | 'stored' | 'expired'
  /** Bytes that its lane counts for the body; 0 where there is none. */
  heldBytes: number
  /** When it came into the queue, ms. */
  readonly sinceMs: number
}

export const queue = (
  reference: DeliveryReference,
  origin: Origin,
  event: StoredEvent | 'stored',
  nowMs: number,
): Queued => ({ kind: 'queued', reference, origin, event, heldBytes: 0, sinceMs: nowMs })

/** Its lane and the worker have given it a slot. */
export interface UnderWay {
  readonly kind: 'under_way'
  readonly reference: DeliveryReference
  readonly origin: Origin
  readonly event: StoredEvent
  /** Whether its destination's lane, or an earlier delivery with its key, made it wait. An attempt that began late is then not the worker's fault. */
  readonly heldUp: boolean
}

/** A delivery whose attempt has an outcome, or that was given up without one; with the event where it was read. */
export type Concluded = Pick<UnderWay, 'reference' | 'origin'> & { readonly event?: StoredEvent }

/** Waits until its lane moves, or has room in its queue. */
interface Parked {
  readonly kind: 'parked'
  readonly reference: DeliveryReference
}

/** A message schedule, which JetStream makes due. `reference` is of the next attempt. */
interface Scheduled {
  readonly kind: 'scheduled'
  readonly reference: DeliveryReference
  /** Unix ms. */
  readonly atMs: number
}

/** Waits for the delivery before it with its key (`order.ts`). */
interface Held {
  readonly kind: 'held'
  readonly reference: DeliveryReference
}

/** The message that a delivery came from. `done` or `failed` is called once. */
export type Origin = MessageOrigin | ParkOrigin

interface Told {
  /** The delivery's outcome, and all that follows from it, is stored. */
  done(): void
  /** The outcome could not be stored: a fault, or the partition is given up. The message then comes again. */
  failed(error: unknown): void
}

/** A message of EVENTS or a due one of DELIVERIES: acknowledged when all its deliveries are done. */
export interface MessageOrigin extends Told {
  readonly kind: 'event' | 'due' | 'key'
  /** Of `performance.now()`, when the message was taken; absent of one that was not pulled. */
  readonly sinceMs?: number
  /** Unix ms when JetStream stored the message. */
  readonly storedMs?: number
  /** Called before the message is acknowledged: where its trace is kept. */
  ended?: (() => void) | undefined
  /**
   * Hands the message back to JetStream, for the partition's next owner. False where other deliveries of the
   * message may have been made: they would be made again.
   */
  handBack(): boolean
}

/** A parked message: purged when the delivery is done. */
export interface ParkOrigin extends Told {
  readonly kind: 'park'
  readonly seq: number
}

export interface Message {
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
}

/** States in which `deliver.ts` stores a delivery. */
type Stored = Extract<Delivery, { kind: 'parked' | 'scheduled' }>

/** How a delivery is stored in DELIVERIES. Pure. @param random in [0, 1) */
export function messageOf(delivery: Stored, random: number): Message {
  const { reference } = delivery
  const { organization, destination, delivery: id, attempt } = reference
  switch (delivery.kind) {
    case 'parked':
      // The random part makes a second parking another message. A publish that is repeated because no acknowledgement
      // came has the same one, so that JetStream dedupes it.
      return {
        subject: parkedSubject(organization, destination),
        headers: { 'Nats-Msg-Id': `${id}.${attempt}.${random}` },
      }
    case 'scheduled':
      // The delivery's own subject, so that it has one schedule at most.
      return {
        subject: scheduledSubject(organization, destination, id),
        headers: {
          'Nats-Schedule': `@at ${new Date(delivery.atMs).toISOString()}`,
          'Nats-Schedule-Target': dueSubject(organization, destination),
        },
      }
    default:
      return delivery satisfies never
  }
}
