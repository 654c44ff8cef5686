import type { DeliveryId, DestinationId, EventId, OrganizationId, ReplayId } from '@fairlead/webhook/id'
import {
  isCount,
  isId,
  isNumber,
  isOneOf,
  isOptional,
  isText,
  parseObject,
  type Unchecked,
} from './fields.ts'
import { WireError } from './wire-error.ts'

/**
 * A message of DELIVERIES: a delivery that could not be finished at once, as a reference to its event. The body
 * stays in EVENTS (or, for the retry of a dead letter, in DEAD) and is read back by sequence.
 */
export interface DeliveryReference {
  readonly delivery: DeliveryId
  readonly event: EventId
  readonly organization: OrganizationId
  readonly destination: DestinationId
  /** The source's name. */
  readonly source: string
  /** Unix milliseconds, of the event. */
  readonly receivedAt: number
  /** Where the body is. */
  readonly stored: { readonly stream: (typeof streams)[number]; readonly seq: number }
  /** The number that the next attempt has, from 1. */
  readonly attempt: number
  /** Attempts already made under the retry schedule that is running; a retry by hand starts a new one at 0. */
  readonly spent: number
  /** How many deliveries the event has. Default 1. */
  readonly of: number
  /** Goes after others with this key (a digest), and before those that come later; but waits no longer than this. */
  readonly order?: { readonly key: string; readonly maxWaitSeconds: number } | undefined
  /** Bytes of the event's body. Default 0. */
  readonly bytes: number
  /** Why this delivery is made: by a route, by a person who asked for one event again, or by a Replay. */
  readonly trigger: (typeof triggers)[number]
  readonly replay?: ReplayId | undefined
}

const streams = ['EVENTS', 'DEAD'] as const
const triggers = ['route', 'manual', 'replay'] as const

export function encodeDelivery(reference: DeliveryReference): string {
  return JSON.stringify(reference)
}

/** Throws a WireError `delivery_unreadable`. */
export function decodeDelivery(payload: Uint8Array): DeliveryReference {
  let reference: Unchecked | undefined
  try {
    reference = parseObject(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString())
  } catch (cause) {
    throw new WireError('delivery_unreadable', 'a message of DELIVERIES could not be read', { cause })
  }
  // Those that were stored before there were these two fields have neither.
  const whole = reference && { of: 1, bytes: 0, ...reference }
  if (whole && isReference(whole)) return whole
  throw new WireError('delivery_unreadable', 'a message of DELIVERIES holds what is no delivery')
}

function isReference(value: Unchecked): value is Unchecked & DeliveryReference {
  return (
    isId('dlv', value.delivery) &&
    isId('evt', value.event) &&
    isId('org', value.organization) &&
    isId('dst', value.destination) &&
    isText(value.source) &&
    isNumber(value.receivedAt) &&
    isStored(value.stored) &&
    isCount(value.attempt, 1) &&
    isCount(value.spent, 0) &&
    isCount(value.of, 1) &&
    isOptional(value.order, isOrder) &&
    isCount(value.bytes, 0) &&
    isOneOf(triggers, value.trigger) &&
    isOptional(value.replay, id => isId('rpl', id))
  )
}

function isStored(value: unknown): boolean {
  const { stream, seq } = (value ?? {}) as Unchecked
  return isOneOf(streams, stream) && isCount(seq, 1)
}

function isOrder(value: unknown): boolean {
  const { key, maxWaitSeconds } = (value ?? {}) as Unchecked
  return isText(key) && isNumber(maxWaitSeconds) && (maxWaitSeconds as number) > 0
}
