import {
  type DeliveryId,
  type DestinationId,
  deliveryId,
  type EventId,
  type OrganizationId,
} from '@fairlead/webhook/id'
import type { AttemptRecord, RepeatedRecord, RoutedRecord } from '@fairlead/wire/attempt'
import type { DeadMeta } from '@fairlead/wire/dead'
import type { EventMeta } from '@fairlead/wire/event'
import type { Mode } from '@fairlead/wire/mode'

/**
 * Folds the records of a batch into rows: one row for each delivery and each attempt, however many records name it. Pure.
 * The rules stand here and, for rows that are in the log already, in the upserts' `where`.
 */

/** An attempt as the log keeps it: of its exchange only where it is. */
export interface LoggedAttempt extends AttemptRecord {
  /** The message of ATTEMPTS that has the exchange; absent: there is none. */
  readonly exchangeSeq?: number | undefined
}

export type LoggedRecord = LoggedAttempt | RoutedRecord | RepeatedRecord

export interface FoldedEvent {
  readonly organization: OrganizationId
  readonly id: EventId
  /** Unix milliseconds: with the id, the key of the event's row. */
  receivedAt: number
  /** Of its row, as `receivedAt`; records don't say them. */
  mode: Mode
  source: string
  type: string
  /** How many deliveries the event has; undefined if nothing in the batch says so. */
  of: number | undefined
  readonly deliveries: Map<DestinationId, FoldedDelivery>
  /** By destination and number. */
  readonly attempts: Map<string, LoggedAttempt>
}

export interface FoldedDelivery {
  readonly id: DeliveryId
  readonly destination: DestinationId
  readonly state: 'waiting' | 'delivered' | 'dead'
  /** Of the last attempt; 0 before the first. */
  readonly number: number
  /** Of the last attempt; undefined before the first, and where only DEAD tells of it. */
  readonly trigger: AttemptRecord['trigger'] | undefined
  /** Unix milliseconds when the next attempt is due. */
  readonly nextAt: number | undefined
  readonly diedAt: number | undefined
  readonly deadReason: string | undefined
}

export interface DeadRecord {
  readonly event: EventMeta
  readonly dead: DeadMeta
}

export function fold(records: readonly LoggedRecord[], dead: readonly DeadRecord[]): FoldedEvent[] {
  const events = new Map<string, FoldedEvent>()
  for (const record of records) {
    // Counted, not folded: see write-repeats.ts.
    if (record.kind === 'repeated') continue
    const event = entry(events, record.organization, record.event, record.receivedAt)
    if (record.kind === 'routed') {
      event.of = Math.max(event.of ?? 0, record.destinations.length)
      for (const destination of record.destinations) advance(event, waiting(record.event, destination))
    } else {
      event.of = Math.max(event.of ?? 0, record.of)
      advance(event, attempted(record))
      keep(event.attempts, record)
    }
  }
  for (const { event: meta, dead: letter } of dead) {
    advance(entry(events, meta.organization, meta.id, meta.receivedAt), died(letter))
  }
  return [...events.values()]
}

/**
 * Whether a record replaces the known state of a delivery. Attempts count up, so the record with the higher number does.
 * Records of the same number come from a worker that died before its record was stored: delivered stays delivered, also
 * against a route's later attempts, which are such repeats too. A delivery that died after an attempt (it was cancelled)
 * is not revived by the retry that the attempt planned. Otherwise the later record wins.
 */
export function supersedes(incoming: FoldedDelivery, known: FoldedDelivery): boolean {
  if (known.state === 'delivered' && (incoming.trigger ?? 'route') === 'route') return false
  if (incoming.number !== known.number) return incoming.number > known.number
  return known.state !== 'delivered' && !(known.state === 'dead' && incoming.state === 'waiting')
}

function advance(event: FoldedEvent, incoming: FoldedDelivery): void {
  const known = event.deliveries.get(incoming.destination)
  if (!known || supersedes(incoming, known)) event.deliveries.set(incoming.destination, incoming)
}

/** One row for each attempt: the first of its records, unless only a later record says delivered. */
function keep(attempts: FoldedEvent['attempts'], record: LoggedAttempt): void {
  const key = `${record.destination}.${record.number}`
  const known = attempts.get(key)
  if (!known || (record.settlement.kind === 'delivered' && known.settlement.kind !== 'delivered')) {
    attempts.set(key, record)
  }
}

function entry(
  events: Map<string, FoldedEvent>,
  organization: OrganizationId,
  id: EventId,
  receivedAt: number,
): FoldedEvent {
  const key = eventKey(organization, id)
  let event = events.get(key)
  if (!event) {
    event = {
      organization,
      id,
      receivedAt,
      mode: 'live',
      source: '',
      type: '',
      of: undefined,
      deliveries: new Map(),
      attempts: new Map(),
    }
    events.set(key, event)
  }
  return event
}

/** The repeats of one event in a batch. */
export interface FoldedRepeats {
  readonly organization: OrganizationId
  readonly event: EventId
  count: number
  differing: number
  /** Unix milliseconds. */
  lastAt: number
}

/** Adds up repeats for each event. Pure. */
export function foldRepeats(records: readonly RepeatedRecord[]): FoldedRepeats[] {
  const events = new Map<string, FoldedRepeats>()
  for (const { organization, event, count, differing, at } of records) {
    const key = eventKey(organization, event)
    const known = events.get(key)
    if (!known) events.set(key, { organization, event, count, differing, lastAt: at })
    else {
      known.count += count
      known.differing += differing
      known.lastAt = Math.max(known.lastAt, at)
    }
  }
  return [...events.values()]
}

/** Names an event among those of a batch. */
export const eventKey = (organization: OrganizationId, id: EventId): string => `${organization}.${id}`

const open = { trigger: undefined, nextAt: undefined, diedAt: undefined, deadReason: undefined }

function waiting(event: EventId, destination: DestinationId): FoldedDelivery {
  return { ...open, id: deliveryId(event, destination), destination, state: 'waiting', number: 0 }
}

function attempted(record: AttemptRecord): FoldedDelivery {
  const { delivery: id, destination, number, trigger, settlement } = record
  const base = { ...open, id, destination, number, trigger }
  switch (settlement.kind) {
    case 'delivered':
      return { ...base, state: 'delivered' }
    case 'retry':
      return { ...base, state: 'waiting', nextAt: settlement.at }
    case 'dead':
      return { ...base, state: 'dead', diedAt: record.at + record.durationMs, deadReason: settlement.reason }
    default:
      return settlement satisfies never
  }
}

function died({ delivery: id, destination, attempt, at, reason }: DeadMeta): FoldedDelivery {
  return { ...open, id, destination, state: 'dead', number: attempt, diedAt: at, deadReason: reason }
}
