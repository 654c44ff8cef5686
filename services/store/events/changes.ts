import { setTimeout as wait } from 'node:timers/promises'
import { fromUuid, type OrganizationId, parseId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { type Db, readAcrossModes } from '../scope.ts'
import { select } from '../sql.ts'
import { StoreError } from '../store-error.ts'
import { eventConditions, indexedEvents, lookedAt, type ModedFilter } from './filter.ts'
import { withDestination } from './read.ts'
import type { DeliveryRow, EventRow } from './rows.ts'

/** How often the log is asked while someone waits for changes, ms. */
const pollMs = 400
/** Changed events that are looked at in one step, and those of the batch in which they end; as many are shown at most. */
const stepSize = 500
/** Whoever is further behind than this begins anew, at the list: it costs less than to tell all that went by. */
const mostBehind = 10_000

/** A place among the changes of an organization: behind this event of this batch, or behind the whole batch. */
export interface Position {
  readonly change: bigint
  /** Of the event; the greatest there is: behind the whole batch. */
  readonly id: string
}

const greatestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** `17` or `17.evt_…`. */
export const positionText = ({ change, id }: Position): string =>
  id === greatestId ? String(change) : `${change}.${fromUuid('evt', id)}`

/** Throws a StoreError `invalid_field`. */
export function readPositionText(text: string): Position {
  const [, change, event] = /^(\d{1,18})(?:\.(evt_[0-9a-z]{26}))?$/.exec(text) ?? []
  const id = event === undefined ? undefined : parseId('evt', event)
  if (change === undefined || (event !== undefined && !id)) {
    throw new StoreError('invalid_field', 'position: is not one of ours', { field: 'position' })
  }
  return { change: BigInt(change), id: id ? toUuid(id) : greatestId }
}

export type ChangedRow = EventRow & { change_seq: string }

export interface Changes {
  readonly events: readonly ChangedRow[]
  /** The reader has everything up to here. */
  readonly position: Position
  /** The position is too old, or of another log. */
  readonly reset: boolean
}

export const positionOf = (row: ChangedRow): Position => ({ change: BigInt(row.change_seq), id: row.id })

/** Up to where an organization's log is written, in both modes. @param mode of the transaction */
export async function readLatest(
  db: Db,
  organization: OrganizationId,
  mode: Mode | undefined,
): Promise<Position> {
  const [latest] = await readAcrossModes<{ position: string | null }>(
    db,
    mode,
    'select max(change_seq) as position from events where organization_id = $1 and change_seq is not null',
    [toUuid(organization)],
  )
  return { change: BigInt(latest?.position ?? 0), id: greatestId }
}

/**
 * Events that were written after a position and fit, in the order in which they were written; waits for none. The steps are of both
 * modes, so that the position goes on while the other mode alone is written; only events of the filter's mode are read.
 */
export async function readChanges(
  db: Db,
  organization: OrganizationId,
  filter: ModedFilter,
  after: Position,
): Promise<Changes> {
  const { mode } = filter
  const values = [toUuid(organization), String(after.change), after.id]
  const behind = 'where organization_id = $1 and (change_seq, id) > ($2, $3) order by change_seq, id'
  const step = await readAcrossModes<{ change_seq: string }>(
    db,
    mode,
    `select change_seq from events ${behind} limit ${stepSize}`,
    values,
  )
  const last = step.at(-1)?.change_seq
  if (last === undefined) {
    const { change } = await readLatest(db, organization, mode)
    // Another log (restored, or of other servers) counts from elsewhere.
    return { events: [], position: after, reset: change > 0n && change < after.change }
  }
  if (step.length === stepSize) {
    const tooFar = `select from events ${behind} offset ${mostBehind} limit 1`
    if ((await readAcrossModes(db, mode, tooFar, values)).length > 0)
      return { events: [], position: after, reset: true }
  }
  const conditions = await eventConditions(db, organization, filter)
  const query = indexedEvents(conditions)
    .whereRaw('(change_seq, id) > (?, ?)', [String(after.change), after.id])
    .where('change_seq', '<=', last)
    .orderBy(['change_seq', 'id'])
    .limit(stepSize)
  for (const fits of lookedAt(conditions, 'events')) query.whereRaw(fits)
  const events = await select<ChangedRow>(db, query)
  const position =
    events.length === stepSize ? positionOf(events.at(-1)!) : { change: BigInt(last), id: greatestId }
  return { events, position, reset: false }
}

/** The deliveries of events, with the names of their destinations. */
export async function readDeliveriesOf(db: Db, events: readonly EventRow[]): Promise<DeliveryRow[]> {
  if (events.length === 0) return []
  const { rows } = await db.query<DeliveryRow>(
    `${withDestination}
     where d.organization_id = $1
       and (d.event_id, d.received_at) in (select * from unnest($2::uuid[], $3::timestamptz[]))
     order by x.name, d.destination_id`,
    [events[0]!.organization_id, events.map(({ id }) => id), events.map(row => row.received_at)],
  )
  return rows
}

/** The same as `look`, and waits for the first change, `patienceMs` at most: one short transaction for each look. */
export async function awaitChanges<Found extends Changes>(
  look: () => Promise<Found>,
  patienceMs: number,
  signal: AbortSignal,
): Promise<Found> {
  const deadlineMs = performance.now() + patienceMs
  for (;;) {
    const changes = await look()
    const leftMs = deadlineMs - performance.now()
    if (changes.events.length > 0 || changes.reset || leftMs <= 0 || signal.aborted) return changes
    await wait(Math.min(pollMs, leftMs), undefined, { signal }).catch(() => {})
  }
}
