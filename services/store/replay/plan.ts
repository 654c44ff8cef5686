import { deliveryId, fromUuid, toUuid } from '@fairlead/webhook/id'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import { distinctEvents } from '../events/dead-letters.ts'
import { recountEvents } from '../events/recount.ts'
import type { Db } from '../scope.ts'
import type { Kept } from './kept.ts'
import { type ReplayRow, selectionOf } from './rows.ts'
import { type SelectedRow, selectPage } from './select.ts'

/**
 * Plans the next page of a Replay in the transaction that is open: its deliveries wait from now on in the log, they
 * stand in hand in the Replay's row, and the cursor is behind their events. When none is left, it is completed.
 *
 * The number of each attempt is fixed here, and only a delivery whose row is unchanged is taken: a delivery that
 * was retried in this moment is on its way already.
 */
export async function planPage(db: Db, row: ReplayRow, kept: Kept, size: number, now: Date): Promise<void> {
  const after = row.cursor_at && row.cursor_id ? ([row.cursor_at, row.cursor_id] as const) : null
  const selected = await selectPage(db, selectionOf(row), kept, after, size)
  const last = selected.at(-1)
  if (!last) {
    await update(db, row, "state = 'completed', ended_at = $3, started_at = coalesce(started_at, $3)", [now])
    return
  }
  const references = selected.flatMap(found => referenceTo(found, row) ?? [])
  const taken = await take(db, row, references)
  const inHand = references.filter(({ delivery }) => taken.has(toUuid(delivery)))
  await update(
    db,
    row,
    `state = 'running', started_at = coalesce(started_at, $3), cursor_at = $4, cursor_id = $5, in_hand = $6,
     skipped = skipped + $7`,
    [
      now,
      last.received_at,
      last.event_id,
      inHand.length > 0 ? JSON.stringify(inHand) : null,
      selected.length - inHand.length,
    ],
  )
}

/** Undefined where the body is no longer kept. */
function referenceTo(found: SelectedRow, replay: ReplayRow): DeliveryReference | undefined {
  const seq = found.event_seq ?? found.dead_seq
  if (!seq) return undefined
  const event = fromUuid('evt', found.event_id)
  const destination = fromUuid('dst', found.destination_id)
  return {
    delivery: deliveryId(event, destination),
    event,
    organization: fromUuid('org', replay.organization_id),
    destination,
    source: found.source,
    receivedAt: found.received_at.getTime(),
    stored: { stream: found.event_seq ? 'EVENTS' : 'DEAD', seq: Number(seq) },
    attempt: (found.attempt_count ?? 0) + 1,
    spent: 0,
    of: Math.max(1, found.delivery_count),
    bytes: Number(found.size_bytes),
    trigger: 'replay',
    replay: fromUuid('rpl', replay.id),
  }
}

/** Marks deliveries as waiting, and inserts missing ones. Returns the ids of those that were as planned. */
async function take(
  db: Db,
  replay: ReplayRow,
  references: readonly DeliveryReference[],
): Promise<ReadonlySet<string>> {
  if (references.length === 0) return new Set()
  const { rows } = await db.query<{ id: string; event_id: string; received_at: Date }>(
    `insert into deliveries as known (organization_id, event_id, destination_id, received_at, id, state, attempt_count,
       trigger, mode)
     select $1, n.event_id, n.destination_id, n.received_at, n.id, 'waiting', n.attempt_count, 'replay', e.mode
     from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::int[])
       as n (event_id, destination_id, received_at, id, attempt_count)
     join events e on e.organization_id = $1 and e.id = n.event_id and e.received_at = n.received_at
     on conflict (organization_id, event_id, destination_id, received_at) do update set
       state = 'waiting', trigger = 'replay', next_attempt_at = null, died_at = null, dead_reason = null,
       discard_reason = null
     where known.attempt_count = excluded.attempt_count and known.state <> 'waiting'
     returning id, event_id, received_at`,
    [
      replay.organization_id,
      references.map(({ event }) => toUuid(event)),
      references.map(({ destination }) => toUuid(destination)),
      references.map(({ receivedAt }) => new Date(receivedAt)),
      references.map(({ delivery }) => toUuid(delivery)),
      references.map(({ attempt }) => attempt - 1),
    ],
  )
  await recountEvents(db, distinctEvents(fromUuid('org', replay.organization_id), rows))
  return new Set(rows.map(({ id }) => id))
}

async function update(db: Db, row: ReplayRow, set: string, values: unknown[]): Promise<void> {
  await db.query(`update replays set ${set} where organization_id = $1 and id = $2`, [
    row.organization_id,
    row.id,
    ...values,
  ])
}
