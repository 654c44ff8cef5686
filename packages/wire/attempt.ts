import type {
  DeliveryId,
  DestinationId,
  EventId,
  OrganizationId,
  ReplayId,
  SourceId,
} from '@fairlead/webhook/id'
import type { Exchange } from './exchange.ts'
import { isCount, isId, isNumber, isOneOf, type Unchecked } from './fields.ts'
import { WireError } from './wire-error.ts'

/**
 * Messages of ATTEMPTS: records by workers and receivers, many to a message (a JSON array), which the store projects
 * into the event log.
 *
 * - `routed`: an event was matched; it has these deliveries (none: no route wanted it). Written when it can't be
 *   told from the attempt itself, that is, unless the event has one delivery and that was attempted at once.
 * - `attempted`: one attempt of a delivery and what follows from it.
 * - `repeated`: requests that a receiver took for an event again and did not store, of about a second together.
 *
 * `routed` and `attempted` may come twice (a worker that dies between publishing and acknowledging); the event's id, the
 * destination and the attempt's number make them recognisable. `repeated` is counted for each message once: its receiver
 * publishes it again under the same `Nats-Msg-Id`.
 */
export type LogRecord = AttemptRecord | RoutedRecord | RepeatedRecord

interface OfEvent {
  readonly organization: OrganizationId
  readonly event: EventId
  /** The log has the events of EVENTS up to this sequence before it reads this record: the event's own, or a later one. */
  readonly eventSeq: number
}

/**
 * The states of a lane besides well: `throttled` (cut down by 429, or recovering), `broken` (its breaker is open), or
 * `host_broken` (the breaker of its host, which other destinations share, is open).
 */
export const laneConditions = ['throttled', 'broken', 'host_broken'] as const

const triggers = ['route', 'manual', 'replay'] as const

export interface AttemptRecord extends OfEvent {
  readonly kind: 'attempted'
  /** Unix milliseconds, of the event. */
  readonly receivedAt: number
  readonly delivery: DeliveryId
  readonly destination: DestinationId
  /** How many deliveries the event has. */
  readonly of: number
  /** From 1. */
  readonly number: number
  readonly trigger: (typeof triggers)[number]
  /** The Replay that this attempt is part of. */
  readonly replay?: ReplayId | undefined
  /** Unix milliseconds when the attempt began. */
  readonly at: number
  readonly durationMs: number
  /** A word of the closed list in `@fairlead/webhook/outcome`. */
  readonly outcome: string
  /** HTTP status, where there was an answer. */
  readonly status?: number | undefined
  /** A sentence for people, without secrets. At most 500 characters. */
  readonly reason?: string | undefined
  /** How the destination's lane stood after the attempt; absent: well, or as far as it is known. */
  readonly lane?: (typeof laneConditions)[number] | undefined
  /** Its destination (paused, broken, its rate, all of its slots in use) or the order of its route let it wait before this attempt. */
  readonly heldUp?: boolean | undefined
  /** Absent: the destination has no address, or nothing was sent. Read by `readExchange`. */
  readonly exchange?: Exchange | undefined
  readonly settlement:
    | { readonly kind: 'delivered' }
    /** `at`: Unix milliseconds when the next attempt is due. */
    | { readonly kind: 'retry'; readonly at: number }
    | { readonly kind: 'dead'; readonly reason: string }
}

export interface RoutedRecord extends OfEvent {
  readonly kind: 'routed'
  /** Unix milliseconds, of the event. */
  readonly receivedAt: number
  readonly destinations: readonly DestinationId[]
}

export interface RepeatedRecord extends OfEvent {
  readonly kind: 'repeated'
  readonly sourceId: SourceId
  /** Requests, from 1. */
  readonly count: number
  /** How many of them had a body that differs from the event's. */
  readonly differing: number
  /** Unix milliseconds when the last of them came. */
  readonly at: number
}

export function encodeLogRecords(batch: readonly LogRecord[]): string {
  return JSON.stringify(batch)
}

/**
 * Throws a WireError `attempts_unreadable`. Checked by hand: the store reads some thousand records a second, and a schema
 * took a third of the time that writing them takes. A test holds this to the schema.
 */
export function decodeLogRecords(payload: Uint8Array): LogRecord[] {
  let records: unknown
  try {
    records = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString())
  } catch (cause) {
    throw new WireError('attempts_unreadable', 'a message of ATTEMPTS could not be read', { cause })
  }
  if (Array.isArray(records) && records.every(isLogRecord)) return records
  throw new WireError('attempts_unreadable', 'a message of ATTEMPTS holds what is no record')
}

function isLogRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Unchecked
  if (!isId('org', record.organization) || !isId('evt', record.event) || !isCount(record.eventSeq, 1))
    return false
  switch (record.kind) {
    case 'attempted':
      return isAttempted(record)
    case 'routed':
      return (
        isNumber(record.receivedAt) &&
        Array.isArray(record.destinations) &&
        record.destinations.every(destination => isId('dst', destination))
      )
    case 'repeated':
      return (
        isId('src', record.sourceId) &&
        isCount(record.count, 1) &&
        isCount(record.differing, 0) &&
        isNumber(record.at)
      )
    default:
      return false
  }
}

function isAttempted(record: Unchecked): boolean {
  return (
    isNumber(record.receivedAt) &&
    isId('dlv', record.delivery) &&
    isId('dst', record.destination) &&
    isCount(record.of, 1) &&
    isCount(record.number, 1) &&
    isOneOf(triggers, record.trigger) &&
    (record.replay === undefined || isId('rpl', record.replay)) &&
    isNumber(record.at) &&
    isCount(record.durationMs, 0) &&
    typeof record.outcome === 'string' &&
    (record.status === undefined || Number.isSafeInteger(record.status)) &&
    (record.reason === undefined || typeof record.reason === 'string') &&
    (record.lane === undefined || isOneOf(laneConditions, record.lane)) &&
    (record.heldUp === undefined || typeof record.heldUp === 'boolean') &&
    (record.exchange === undefined || (typeof record.exchange === 'object' && record.exchange !== null)) &&
    isSettlement(record.settlement)
  )
}

function isSettlement(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const settlement = value as Unchecked
  switch (settlement.kind) {
    case 'delivered':
      return true
    case 'retry':
      return isNumber(settlement.at)
    case 'dead':
      return typeof settlement.reason === 'string'
    default:
      return false
  }
}
