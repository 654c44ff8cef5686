import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { type Replay, ReplaySchema, ReplaySelectorSchema, ReplayState } from '@fairlead/wire/store/replay'
import { stateMessage, statusMessage } from '../events/rows.ts'
import { at } from '../organizations/messages.ts'
import type { Selection } from './select.ts'
import { readSelector, type Selector } from './selector.ts'

/** A Replay's row as pg reads it, and as a message of the proto. */
export interface ReplayRow {
  organization_id: string
  id: string
  selector: unknown
  destination_ids: string[] | null
  rate_per_second: number
  state: keyof typeof replayStates
  matched_events: string
  matched: string
  expired: string
  published: string
  skipped: string
  cursor_at: Date | null
  cursor_id: string | null
  in_hand: unknown
  /** `retry`: of the deliveries in `retry_items`, and no others. */
  kind: 'replay' | 'retry'
  delivered: string
  failed: string
  created_by: string
  created_at: Date
  started_at: Date | null
  ended_at: Date | null
  fault: string | null
  /** Of events of this mode alone; null: of both. */
  mode: Mode | null
}

export const replayStates = {
  pending: ReplayState.PENDING,
  running: ReplayState.RUNNING,
  paused: ReplayState.PAUSED,
  completed: ReplayState.COMPLETED,
  cancelled: ReplayState.CANCELLED,
  failed: ReplayState.FAILED,
} as const

export const hasEnded = (row: ReplayRow): boolean => row.ended_at !== null

export function selectionOf(row: ReplayRow): Selection {
  return {
    organization: fromUuid('org', row.organization_id),
    selector: readSelector(row.selector),
    destinations: row.destination_ids,
    ...(row.kind === 'retry' && { retry: row.id }),
    ...(row.mode && { mode: row.mode }),
  }
}

/** @param names of destinations, by UUID */
export function replayMessage(row: ReplayRow, names: ReadonlyMap<string, string>): Replay {
  const destinations = row.destination_ids ?? []
  return create(ReplaySchema, {
    id: row.id ? fromUuid('rpl', row.id) : '',
    organizationId: fromUuid('org', row.organization_id),
    selector: selectorMessage(readSelector(row.selector)),
    destinationIds: destinations.map(id => fromUuid('dst', id)),
    destinations: destinations.map(id => names.get(id) ?? ''),
    ratePerSecond: row.rate_per_second,
    state: replayStates[row.state],
    matchedEvents: BigInt(row.matched_events),
    matched: BigInt(row.matched),
    expired: BigInt(row.expired),
    published: BigInt(row.published),
    skipped: BigInt(row.skipped),
    delivered: BigInt(row.delivered),
    failed: BigInt(row.failed),
    createdBy: row.created_by,
    createdAt: timestampFromDate(row.created_at),
    ...at('startedAt', row.started_at),
    ...at('endedAt', row.ended_at),
    fault: row.fault ?? '',
    mode: row.mode ?? '',
  })
}

function selectorMessage(selector: Selector) {
  return create(ReplaySelectorSchema, {
    sources: selector.sources,
    types: selector.types,
    reasons: selector.reasons,
    before: timestampFromDate(selector.before),
    ...at('after', selector.after ?? null),
    ...(selector.status && { status: statusMessage[selector.status] }),
    states: selector.states.map(state => stateMessage[state]),
    ...at('diedAfter', selector.diedAfter ?? null),
    ...at('diedBefore', selector.diedBefore ?? null),
  })
}
