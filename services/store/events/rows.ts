import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { WaitingDeliverySchema } from '@fairlead/wire/store/delivery'
import {
  AttemptSchema,
  DeadLetterSchema,
  type Delivery,
  DeliverySchema,
  DeliveryState,
  EventSchema,
  EventStatus,
  Trigger,
} from '@fairlead/wire/store/event'
import { at } from '../organizations/messages.ts'
import { type EventStatusWord, statusOf } from './status.ts'

/** Rows of the log as pg reads them, and as messages of the proto. */

export interface EventRow {
  organization_id: string
  id: string
  received_at: Date
  source_id: string
  source: string
  provider: string
  type: string
  /** Null: `type` alone. */
  types: string[] | null
  status: EventStatusWord
  stream_seq: string | null
  size_bytes: string
  method: string
  url: string
  secret_id: string | null
  delivery_count: number | null
  delivered_count: number
  dead_count: number
  repeat_count: number
  differing_count: number
  last_repeated_at: Date | null
  mode: Mode
}

export interface DeliveryRow {
  organization_id: string
  event_id: string
  destination_id: string
  received_at: Date
  id: string
  state: keyof typeof stateMessage
  attempt_count: number
  next_attempt_at: Date | null
  died_at: Date | null
  dead_reason: string | null
  dead_seq: string | null
  discard_reason: string | null
  mode: Mode
  /** From the destination's row. */
  destination: string | null
  destination_deleted: boolean
}

export interface AttemptRow {
  destination_id: string
  number: number
  at: Date
  duration_ms: number
  delivered: boolean
  outcome: string
  status: number | null
  reason: string | null
  trigger: keyof typeof triggerMessage
}

export const statusMessage = {
  pending: EventStatus.PENDING,
  processing: EventStatus.PROCESSING,
  success: EventStatus.SUCCESS,
  failed: EventStatus.FAILED,
  unrouted: EventStatus.UNROUTED,
} as const satisfies Record<EventStatusWord, EventStatus>
export const stateMessage = {
  waiting: DeliveryState.WAITING,
  delivered: DeliveryState.DELIVERED,
  dead: DeliveryState.DEAD,
  discarded: DeliveryState.DISCARDED,
} as const
export const triggerMessage = {
  route: Trigger.ROUTE,
  manual: Trigger.MANUAL,
  replay: Trigger.REPLAY,
} as const

/** An enum's value as rows write it; undefined for UNSPECIFIED and unknown values. */
export function wordOf<Word extends string>(
  words: Readonly<Record<Word, number>>,
  value: number,
): Word | undefined {
  return (Object.keys(words) as Word[]).find(word => words[word] === value)
}

export function eventMessage(row: EventRow) {
  return create(EventSchema, {
    id: fromUuid('evt', row.id),
    organizationId: fromUuid('org', row.organization_id),
    source: row.source,
    sourceId: fromUuid('src', row.source_id),
    provider: row.provider,
    type: row.type,
    types: row.types ?? [row.type],
    status: statusMessage[statusOf(row)],
    receivedAt: timestampFromDate(row.received_at),
    sizeBytes: BigInt(row.size_bytes),
    method: row.method,
    url: row.url,
    secretId: row.secret_id ?? '',
    deliveryCount: row.delivery_count ?? 0,
    deliveredCount: row.delivered_count,
    deadCount: row.dead_count,
    repeatCount: row.repeat_count,
    differingCount: row.differing_count,
    ...at('lastRepeatedAt', row.last_repeated_at),
    mode: row.mode,
  })
}

export function deliveryMessage(row: DeliveryRow, attempts: readonly AttemptRow[] = []): Delivery {
  return create(DeliverySchema, {
    id: fromUuid('dlv', row.id),
    eventId: fromUuid('evt', row.event_id),
    destinationId: fromUuid('dst', row.destination_id),
    destination: row.destination ?? '',
    state: stateMessage[row.state],
    ...at('nextAttemptAt', row.state === 'waiting' ? row.next_attempt_at : null),
    attemptCount: row.attempt_count,
    attempts: attempts.map(attemptMessage),
    discardReason: row.discard_reason ?? '',
  })
}

export function attemptMessage(row: AttemptRow) {
  return create(AttemptSchema, {
    number: row.number,
    at: timestampFromDate(row.at),
    durationMs: row.duration_ms,
    outcome: row.outcome,
    status: row.status ?? 0,
    reason: row.reason ?? '',
    trigger: triggerMessage[row.trigger],
  })
}

export function deadLetterMessage(row: DeliveryRow & Pick<EventRow, 'source' | 'provider' | 'type'>) {
  return create(DeadLetterSchema, {
    delivery: deliveryMessage(row),
    source: row.source,
    provider: row.provider,
    type: row.type,
    receivedAt: timestampFromDate(row.received_at),
    ...at('diedAt', row.died_at),
    reason: row.dead_reason ?? '',
    mode: row.mode,
  })
}

export function waitingMessage(row: DeliveryRow & Pick<EventRow, 'source' | 'provider' | 'type'>) {
  return create(WaitingDeliverySchema, {
    delivery: deliveryMessage(row),
    source: row.source,
    provider: row.provider,
    type: row.type,
    receivedAt: timestampFromDate(row.received_at),
    mode: row.mode,
  })
}
