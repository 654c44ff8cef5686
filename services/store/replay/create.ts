import { newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { CreateReplayRequest } from '@fairlead/wire/store/replay'
import type { NatsConnection } from '@nats-io/transport-node'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { readKept } from './kept.ts'
import type { ReplayRow } from './rows.ts'
import { type Counted, countSelection } from './select.ts'
import { type Selector, selectorOf } from './selector.ts'

/** Deliveries a second: the default and the most, which a worker makes beside its new events. */
const presetRate = 50
const maxRate = 1_000
/** Deliveries that one Replay may make. Larger ones are split by time. */
const maxDeliveries = 1_000_000
const maxDestinations = 100

/**
 * Counts the deliveries that a Replay of events of one mode, or of both, would make, and writes its row unless only the count was asked for. Throws a StoreError
 * `invalid_field`, `not_found`, `destination_deleted`, `replay_too_large` or `nats_unavailable`.
 */
export async function createReplay(
  db: Db,
  nats: NatsConnection,
  organization: OrganizationId,
  request: CreateReplayRequest,
  nowMs: number,
  mode: Mode | undefined,
): Promise<ReplayRow> {
  const asked = readRequest(request, nowMs)
  if (asked.requestId && !request.dryRun) {
    const known = await findByRequest(db, organization, asked.requestId)
    if (known) return known
  }
  const destinations = asked.destinations.length > 0 ? asked.destinations : null
  if (destinations) await requireDestinations(db, organization, destinations)
  const counted = await countSelection(
    db,
    { organization, selector: asked.selector, destinations, mode },
    await readKept(nats),
  )
  if (counted.deliveries > maxDeliveries) {
    throw new StoreError(
      'replay_too_large',
      `${counted.deliveries} deliveries are matched; one Replay makes ${maxDeliveries} at most: make several, by time`,
    )
  }
  const row = { ...newRow(organization, asked, destinations, counted, nowMs), mode: mode ?? null }
  if (request.dryRun) return { ...row, id: '' }
  return insert(db, row, asked.requestId)
}

interface Asked {
  readonly selector: Selector
  readonly destinations: readonly string[]
  readonly rate: number
  readonly createdBy: string
  readonly requestId: string
}

function readRequest(request: CreateReplayRequest, nowMs: number): Asked {
  const { ratePerSecond: rate = 0, destinationIds, createdBy, requestId } = request
  if (rate > maxRate) throw invalid('rate_per_second', `must be at most ${maxRate}`)
  if (createdBy.length > 200) throw invalid('created_by', 'at most 200 characters')
  if (requestId.length > 100) throw invalid('request_id', 'at most 100 characters')
  if (destinationIds.length > maxDestinations) throw invalid('destination_ids', `at most ${maxDestinations}`)
  const ids = destinationIds.map((id, i) => toUuid(requireId('dst', id, `destination_ids[${i}]`)))
  return {
    selector: selectorOf(request.selector, nowMs),
    destinations: [...new Set(ids)],
    rate: rate || presetRate,
    createdBy,
    requestId,
  }
}

async function requireDestinations(
  db: Db,
  organization: OrganizationId,
  ids: readonly string[],
): Promise<void> {
  const { rows } = await db.query<{ id: string; deleted: boolean }>(
    'select id, deleted_at is not null as deleted from destinations where organization_id = $1 and id = any($2::uuid[])',
    [toUuid(organization), ids],
  )
  if (rows.length < ids.length) throw new StoreError('not_found', 'one of the destinations is not there')
  if (rows.some(({ deleted }) => deleted)) {
    throw new StoreError('destination_deleted', 'one of the destinations was deleted')
  }
}

function newRow(
  organization: OrganizationId,
  asked: Asked,
  destinations: readonly string[] | null,
  counted: Counted,
  nowMs: number,
): Omit<ReplayRow, 'mode'> {
  return {
    organization_id: toUuid(organization),
    id: toUuid(newId('rpl', nowMs)),
    selector: asked.selector,
    destination_ids: destinations && [...destinations],
    rate_per_second: asked.rate,
    state: 'pending',
    matched_events: String(counted.events),
    matched: String(counted.deliveries),
    expired: String(counted.expired),
    published: '0',
    skipped: '0',
    cursor_at: null,
    cursor_id: null,
    in_hand: null,
    kind: 'replay',
    delivered: '0',
    failed: '0',
    created_by: asked.createdBy,
    created_at: new Date(nowMs),
    started_at: null,
    ended_at: null,
    fault: null,
  }
}

/** Of two calls with the same request id at once, the second gets the Replay that the first has made. */
async function insert(db: Db, row: ReplayRow, requestId: string): Promise<ReplayRow> {
  const { rows } = await db.query<ReplayRow>(
    `insert into replays (organization_id, id, request_id, selector, destination_ids, rate_per_second, matched_events,
       matched, expired, created_by, created_at, mode)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (organization_id, request_id) do update set request_id = excluded.request_id
     returning *`,
    [
      row.organization_id,
      row.id,
      requestId || null,
      JSON.stringify(row.selector),
      row.destination_ids,
      row.rate_per_second,
      row.matched_events,
      row.matched,
      row.expired,
      row.created_by,
      row.created_at,
      row.mode,
    ],
  )
  return rows[0]!
}

async function findByRequest(
  db: Db,
  organization: OrganizationId,
  requestId: string,
): Promise<ReplayRow | undefined> {
  const { rows } = await db.query<ReplayRow>(
    'select * from replays where organization_id = $1 and request_id = $2',
    [toUuid(organization), requestId],
  )
  return rows[0]
}

const invalid = (field: string, message: string) =>
  new StoreError('invalid_field', `${field}: ${message}`, { field })
