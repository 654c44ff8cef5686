import type { Log } from '@fairlead/daemon/log'
import type { Pool } from 'pg'
import { derivedTables, keptTables } from './ledger/rebuild.ts'
import { returnInterval } from './organizations/returning.ts'
import { comingDays, ensureDays } from './partitions.ts'
import { type Db, inScope } from './scope.ts'
import { dropExpired } from './stripe-connect/hold.ts'

/** Dead letters, with their events, are kept this long even where the organization keeps events for less. */
const deadLetterDays = 30
/** Replays are listed so long after they have ended. */
const replayDays = 90
/** Events of which the ledger could make nothing, and rebuilds that have ended, are listed so long. */
const ledgerNoteDays = 90
/** Whoever promotes a rejection again is told its event for so long; the record itself was kept for three days. */
const promotionDays = 7
/** How long a statement waits for others to be done with a table that is dropped; then it is dropped next time. */
const lockTimeoutMs = 2_000

/**
 * Makes the tables of the log's coming days, and removes days past retention: the whole table of a day that no organization
 * keeps, and single rows of a day that only some organizations keep. Retention is to the day (UTC): an event of today that is kept for
 * one day goes the day after tomorrow. Safe to stop and to repeat.
 */
export async function maintain(pool: Pool, nowMs: number, log: Log): Promise<void> {
  const today = new Date(nowMs).toISOString().slice(0, 10)
  const platform = <T>(work: (db: Db) => Promise<T>) =>
    inScope(pool, 'platform', work, { timeoutMs: 600_000 })
  await platform(db => ensureDays(db, comingDays(nowMs)))

  const { shortest, longest } = await platform(readBounds)
  for (const { day, ageDays } of await platform(db => readDays(db, today))) {
    if (ageDays > longest) {
      await platform(db => dropDay(db, day))
      log.info({ day }, 'log.day_dropped')
    } else if (ageDays > shortest) {
      const events = await platform(db => removeExpired(db, day, ageDays))
      if (events > 0) log.info({ day, events }, 'log.events_removed')
    }
  }
  await platform(db => removeOldReplays(db, nowMs))
  await platform(db => db.query('delete from idempotency_keys where expires_at < $1', [new Date(nowMs)]))
  await platform(db =>
    db.query('delete from promotions where done_at < $1', [new Date(nowMs - promotionDays * 86_400_000)]),
  )
  await platform(db => removeOldLedgerNotes(db, nowMs))
  await platform(db => dropExpired(db, nowMs))
  await platform(db => removeOldCounts(db, nowMs))
  await platform(db => removeOldIssues(db, nowMs))
  await platform(db => removeDeletedSettings(db, nowMs))
  await platform(removeDeletedOrganizations)
}

/** The shortest and the longest time, in days, that anyone keeps anything. */
async function readBounds(db: Db): Promise<{ shortest: number; longest: number }> {
  const { rows } = await db.query<{ shortest: number; longest: number }>(
    `select coalesce(min(retention_days), 0) as shortest, greatest(max(retention_days), $1::int) as longest
     from organizations`,
    [deadLetterDays],
  )
  return rows[0]!
}

async function readDays(db: Db, today: string): Promise<{ day: string; ageDays: number }[]> {
  const { rows } = await db.query<{ day: string; age_days: number }>(
    `select day::text, $1::date - day as age_days
     from (select to_date(substring(inhrelid::regclass::text from '\\d{8}$'), 'YYYYMMDD') as day
           from pg_inherits where inhparent = 'events'::regclass) as days
     order by day`,
    [today],
  )
  return rows.map(row => ({ day: row.day, ageDays: row.age_days }))
}

async function dropDay(db: Db, day: string): Promise<void> {
  await db.query(`set local lock_timeout = ${lockTimeoutMs}`)
  const suffix = day.replaceAll('-', '')
  await db.query(
    `drop table if exists attempts_${suffix}, deliveries_${suffix}, event_values_${suffix}, events_${suffix}`,
  )
}

/** Removes one day's events of organizations that don't keep them any longer; answers how many. */
async function removeExpired(db: Db, day: string, ageDays: number): Promise<number> {
  const ofDay = `received_at >= ($1::date)::timestamp at time zone 'UTC'
    and received_at < ($1::date + 1)::timestamp at time zone 'UTC'`
  const { rowCount } = await db.query(
    `delete from events e where ${ofDay}
       and not exists (select from organizations o where o.id = e.organization_id and o.retention_days >= $2)
       and not ($2 <= $3 and e.dead_count > 0
         and exists (select from organizations o where o.id = e.organization_id
           and (o.deleted_at is null or o.deleted_at > now() - ${returnInterval}))
         and exists (select from deliveries d where d.organization_id = e.organization_id and d.event_id = e.id
           and d.received_at = e.received_at and d.state = 'dead'))`,
    [day, ageDays, deadLetterDays],
  )
  if (rowCount) {
    for (const table of ['attempts', 'deliveries', 'event_values']) {
      await db.query(
        `delete from ${table} x where x.${ofDay.replace('and received_at', 'and x.received_at')}
           and not exists (select from events e where e.organization_id = x.organization_id and e.id = x.event_id
             and e.received_at = x.received_at)`,
        [day],
      )
    }
  }
  return rowCount ?? 0
}

/** What Replays were made is told for as long as what they delivered could be. */
async function removeOldReplays(db: Db, nowMs: number): Promise<void> {
  await db.query('delete from replays where ended_at < $1', [new Date(nowMs - replayDays * 86_400_000)])
  await db.query('delete from replays where planned_until < $1', [new Date(nowMs - 3_600_000)])
  await db.query(
    `delete from retry_items i where not exists (
       select from replays r where r.organization_id = i.organization_id and r.id = i.retry_id and r.ended_at is null)`,
  )
}

/** Counts of a source are asked for the last hour only. */
async function removeOldCounts(db: Db, nowMs: number): Promise<void> {
  await db.query('delete from source_counts where slot < $1', [new Date(nowMs - 86_400_000)])
}

/** Counts are kept as long as the log of their organization, issues for 90 days after they were last seen. */
async function removeOldIssues(db: Db, nowMs: number): Promise<void> {
  await db.query(
    `delete from rollups r using organizations o
     where o.id = r.organization_id and r.slot < now() - make_interval(days => o.retention_days)`,
  )
  await db.query('delete from issue_hours where hour < $1', [new Date(nowMs - 2 * 86_400_000)])
  await db.query("delete from issues where last_seen_at < $1 and state <> 'ignored'", [
    new Date(nowMs - replayDays * 86_400_000),
  ])
  // Budgets are of 30 days.
  await db.query('delete from objective_hours where hour < $1', [new Date(nowMs - 31 * 86_400_000)])
  for (const table of ['issue_notices', 'notices'])
    await db.query(`delete from ${table} where at < $1`, [new Date(nowMs - replayDays * 86_400_000)])
}

const deletedSettings = [
  { table: 'sources', column: 'source_id', counted: ['source_activity', 'source_counts'] },
  { table: 'destinations', column: 'destination_id', counted: ['destination_health'] },
] as const

/**
 * The row of a deleted source or destination keeps its name for the log: it goes after the last event from before its deletion, with
 * a day for events that were under way, and after the last issue about it.
 */
async function removeDeletedSettings(db: Db, nowMs: number): Promise<void> {
  for (const { table, column, counted } of deletedSettings) {
    const { rows } = await db.query<{ organization_id: string; id: string }>(
      `delete from ${table} x
       where deleted_at < $1
         and not exists (select from events e
           where e.organization_id = x.organization_id and e.received_at < x.deleted_at + interval '1 day')
         and not exists (select from issues i where i.organization_id = x.organization_id and i.subject_id = x.id)
       returning organization_id, id`,
      [new Date(nowMs - 2 * 86_400_000)],
    )
    if (rows.length === 0) continue
    const keys = [rows.map(row => row.organization_id), rows.map(row => row.id)]
    for (const name of counted) {
      await db.query(
        `delete from ${name}
         where (organization_id, ${column}) in (select * from unnest($1::uuid[], $2::uuid[]))`,
        keys,
      )
    }
  }
}

/** The row of a deleted organization, with all that is configured for it, goes after the last of its events. */
async function removeOldLedgerNotes(db: Db, nowMs: number): Promise<void> {
  const oldest = [new Date(nowMs - ledgerNoteDays * 86_400_000)]
  await db.query('delete from ledger_quarantine where seen_at < $1', oldest)
  await db.query('delete from ledger_rebuilds where ended_at < $1', oldest)
}

async function removeDeletedOrganizations(db: Db): Promise<void> {
  const { rows } = await db.query<{ id: string }>(
    `delete from organizations o
     where deleted_at < now() - make_interval(days => retention_days)
       and not exists (select from events e where e.organization_id = o.id)
     returning id`,
  )
  if (rows.length === 0) return
  const ids = rows.map(row => row.id)
  for (const table of [
    'monthly_usage',
    'source_activity',
    'source_counts',
    'destination_health',
    'rollups',
    'rollup_types',
    'issues',
    'issue_hours',
    'objective_hours',
    'issue_notices',
    'promotions',
    'notices',
    'replays',
    'retry_items',
    // Rows before the restatements that their deletion notes.
    ...derivedTables,
    ...keptTables,
  ]) {
    await db.query(`delete from ${table} where organization_id = any($1::uuid[])`, [ids])
  }
}
