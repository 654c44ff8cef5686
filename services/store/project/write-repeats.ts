import { type OrganizationId, type SourceId, toUuid as uuid } from '@fairlead/webhook/id'
import type { RepeatedRecord } from '@fairlead/wire/attempt'
import type { Db } from '../scope.ts'
import { slotMs } from '../source-counts.ts'
import { foldRepeats } from './fold.ts'
import type { NewEvent } from './write-log.ts'

/** Swallowed repeats: counted on their event, and in the counts of their source. */

/** An id is remembered for 72 h 12 min, and the clocks of receivers differ: no repeat is of an event older than this. */
const oldestDays = 4

/** Notes on events how often they were repeated. Events that are no longer in the log are left out. */
export async function noteRepeats(db: Db, records: readonly RepeatedRecord[]): Promise<void> {
  const events = foldRepeats(records)
  if (events.length === 0) return
  await db.query(
    `update events e set repeat_count = e.repeat_count + n.count, differing_count = e.differing_count + n.differing,
       last_repeated_at = greatest(e.last_repeated_at, n.last_at)
     from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::timestamptz[])
       as n (organization_id, id, count, differing, last_at)
     where e.organization_id = n.organization_id and e.id = n.id
       and e.received_at between $6::timestamptz and $7::timestamptz`,
    [
      events.map(({ organization }) => uuid(organization)),
      events.map(({ event }) => uuid(event)),
      events.map(({ count }) => count),
      events.map(({ differing }) => differing),
      events.map(({ lastAt }) => new Date(lastAt)),
      // Constants, so that Postgres leaves out the days that can't hold them.
      new Date(Math.min(...events.map(({ lastAt }) => lastAt)) - oldestDays * 86_400_000),
      new Date(Math.max(...events.map(({ lastAt }) => lastAt)) + 86_400_000),
    ],
  )
}

interface Slot {
  readonly organization: OrganizationId
  readonly source: SourceId
  readonly atMs: number
  accepted: number
  repeated: number
  differing: number
}

/** Adds a batch's repeats to the counts of its sources: one statement, a row for each source. */
export async function countRequests(
  db: Db,
  accepted: readonly NewEvent[],
  repeated: readonly RepeatedRecord[],
): Promise<void> {
  const slots = foldSlots(accepted, repeated)
  if (slots.length === 0) return
  await db.query(
    `insert into source_counts as known (organization_id, source_id, slot, accepted, repeated, differing)
     select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[])
     on conflict (organization_id, source_id, slot) do update set accepted = known.accepted + excluded.accepted,
       repeated = known.repeated + excluded.repeated, differing = known.differing + excluded.differing`,
    [
      slots.map(({ organization }) => uuid(organization)),
      slots.map(({ source }) => uuid(source)),
      slots.map(({ atMs }) => new Date(atMs)),
      slots.map(slot => slot.accepted),
      slots.map(slot => slot.repeated),
      slots.map(slot => slot.differing),
    ],
  )
}

/** In one order, so that two transactions that touch the same rows don't wait for each other in a circle. Pure. */
export function foldSlots(accepted: readonly NewEvent[], repeated: readonly RepeatedRecord[]): Slot[] {
  const slots = new Map<string, Slot>()
  const slotOf = (organization: OrganizationId, source: SourceId, at: number): Slot => {
    const atMs = Math.floor(at / slotMs) * slotMs
    const key = `${source} ${atMs}`
    let slot = slots.get(key)
    if (!slot) {
      slot = { organization, source, atMs, accepted: 0, repeated: 0, differing: 0 }
      slots.set(key, slot)
    }
    return slot
  }
  for (const { meta } of accepted) slotOf(meta.organization, meta.sourceId, meta.receivedAt).accepted += 1
  for (const record of repeated) {
    const slot = slotOf(record.organization, record.sourceId, record.at)
    slot.repeated += record.count
    slot.differing += record.differing
  }
  return [...slots].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, slot]) => slot)
}
