import { toUuid as uuid } from '@fairlead/webhook/id'
import { type Mode, modes } from '@fairlead/wire/mode'
import type { Db } from '../scope.ts'
import { dimensionOf } from '../usage/dimension.ts'
import type { DestinationRun } from './write-activity.ts'
import { type NewEvent, text } from './write-log.ts'

/** What new events add to the counts by source and type, and what goes well again. */

/** A slot of `rollups`. */
export const rollupSlotMs = 15 * 60_000

/**
 * Adds new events to the counts of their source and type: two rows for each that a batch names. Of types an organization
 * has 500 that are counted apart; the others are counted together.
 */
export async function countEvents(db: Db, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const groups = new Map<string, { meta: NewEvent['meta']; slotMs: number; events: number; bytes: number }>()
  for (const { meta } of events) {
    const slotMs = Math.floor(meta.receivedAt / rollupSlotMs) * rollupSlotMs
    const key = JSON.stringify([meta.organization, meta.source, meta.type, slotMs, meta.mode])
    const group = groups.get(key) ?? { meta, slotMs, events: 0, bytes: 0 }
    groups.set(key, group)
    group.events += 1
    group.bytes += meta.size
  }
  const rows = [...groups.values()]
  const given = [
    rows.map(({ meta }) => uuid(meta.organization)),
    rows.map(({ meta }) => text(meta.source)),
    rows.map(({ meta }) => text(meta.type)),
    rows.map(({ slotMs }) => new Date(slotMs).toISOString()),
    rows.map(row => row.events),
    rows.map(({ bytes }) => bytes),
    rows.map(({ meta }) => meta.mode ?? 'live'),
  ]
  const types = db.query(
    `insert into rollup_types (organization_id, type)
     select distinct organization_id, type from unnest($1::uuid[], $2::text[]) as n (organization_id, type)
     where type <> '' and not exists (
         select from rollup_types k where k.organization_id = n.organization_id and k.type = n.type)
       and (select count(*) from rollup_types k where k.organization_id = n.organization_id) < 500
     on conflict do nothing`,
    [given[0], given[2]],
  )
  const counts = db.query(
    `insert into rollups as known (organization_id, dimension, value, slot, events, bytes)
     select n.organization_id, d.dimension, d.value, n.slot, sum(n.events), sum(n.bytes)
     from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::text[])
       as n (organization_id, source, type, slot, events, bytes, mode)
     left join rollup_types t on t.organization_id = n.organization_id and t.type = n.type
     cross join lateral (values (${dimensionOf('source', 'n.mode')}, n.source),
       (${dimensionOf('type', 'n.mode')}, coalesce(t.type, ''))) as d (dimension, value)
     group by 1, 2, 3, 4 order by 1, 2, 4, 3
     on conflict (organization_id, dimension, slot, value) do update set
       events = known.events + excluded.events, bytes = known.bytes + excluded.bytes`,
    given,
  )
  await Promise.all([types, counts])
}

/** Counts what went well since an issue was last seen: attempts that were delivered, and events of a source. */
export async function noteRecoveries(
  db: Db,
  runs: readonly DestinationRun[],
  events: readonly NewEvent[],
): Promise<void> {
  const counts = new Map<
    string,
    { organization: string; kind: string; subject: string; mode: Mode; count: number }
  >()
  for (const { organization, destination, successes } of runs) {
    const subject = uuid(destination)
    for (const mode of modes) {
      const count = successes[mode]
      if (count === 0) continue
      counts.set(`${subject} ${mode}`, {
        organization: uuid(organization),
        kind: 'delivery',
        subject,
        mode,
        count,
      })
    }
  }
  for (const { meta } of events) {
    const subject = uuid(meta.sourceId)
    const { mode = 'live' } = meta
    const key = `${subject} ${mode}`
    const known = counts.get(key)
    if (known) known.count += 1
    else counts.set(key, { organization: uuid(meta.organization), kind: 'refusal', subject, mode, count: 1 })
  }
  const rows = [...counts.values()]
  if (rows.length === 0) return
  await db.query(
    `update issues i set recovered_count = i.recovered_count + n.count
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[])
       as n (organization_id, kind, subject_id, count, mode)
     where (i.organization_id, i.kind, i.subject_id, i.mode) = (n.organization_id, n.kind, n.subject_id, n.mode)
       and i.state in ('open', 'acknowledged')`,
    [
      rows.map(row => row.organization),
      rows.map(row => row.kind),
      rows.map(row => row.subject),
      rows.map(row => row.count),
      rows.map(row => row.mode),
    ],
  )
}
