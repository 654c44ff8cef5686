import { type DestinationId, type OrganizationId, toUuid as uuid } from '@fairlead/webhook/id'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import type { Mode } from '@fairlead/wire/mode'
import type { Db } from '../scope.ts'
import type { FoldedEvent } from './fold.ts'
import type { NewEvent } from './write-log.ts'

/** Counts of events and attempts for sources, destinations and the month: a few rows a batch. */

/** Adds new events to the count of their month (UTC). */
export async function addUsage(db: Db, events: readonly NewEvent[]): Promise<void> {
  const counts = new Map<string, number>()
  for (const { meta } of events) {
    // What Fairlead itself tells an organization is none of its events.
    if (meta.to !== undefined) continue
    const key = `${meta.organization} ${new Date(meta.receivedAt).toISOString().slice(0, 7)}-01`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  if (counts.size === 0) return
  const keys = [...counts.keys()].sort().map(key => key.split(' ') as [OrganizationId, string])
  await db.query(
    `insert into monthly_usage as known (organization_id, month, accepted)
     select * from unnest($1::uuid[], $2::date[], $3::bigint[])
     on conflict (organization_id, month) do update set accepted = known.accepted + excluded.accepted`,
    [
      keys.map(([organization]) => uuid(organization)),
      keys.map(([, month]) => month),
      keys.map(key => counts.get(key.join(' '))),
    ],
  )
}

/** Notes when sources last took an event, and how many, for each secret that verified them. */
export async function noteSources(db: Db, events: readonly NewEvent[]): Promise<void> {
  const runs = new Map<string, { newest: NewEvent['meta']; matched: number }>()
  for (const { meta } of events) {
    const key = `${meta.sourceId} ${meta.secret ?? ''}`
    const run = runs.get(key)
    if (!run) runs.set(key, { newest: meta, matched: 1 })
    else {
      run.matched += 1
      if (run.newest.receivedAt < meta.receivedAt) run.newest = meta
    }
  }
  const rows = [...runs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, run]) => run)
  if (rows.length === 0) return
  await db.query(
    `insert into source_activity as known (organization_id, source_id, secret_id, last_event_at, matched)
     select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[])
     on conflict (organization_id, source_id, secret_id) do update set
       last_event_at = greatest(known.last_event_at, excluded.last_event_at),
       matched = known.matched + excluded.matched`,
    [
      rows.map(({ newest }) => uuid(newest.organization)),
      rows.map(({ newest }) => uuid(newest.sourceId)),
      rows.map(({ newest }) => newest.secret?.replaceAll('\0', '') ?? ''),
      rows.map(({ newest }) => new Date(newest.receivedAt)),
      rows.map(({ matched }) => matched),
    ],
  )
}

/** A destination's attempts in one batch. */
export interface DestinationRun {
  readonly organization: OrganizationId
  readonly destination: DestinationId
  lastAt: number
  lastSuccessAt: number | undefined
  /** Since when all of the batch's attempts failed; undefined: the last one succeeded. */
  failingSince: number | undefined
  lastError: string | undefined
  lane: AttemptRecord['lane']
  /** Attempts that succeeded since the last of their mode that failed. */
  readonly successes: Record<Mode, number>
}

/** Folds attempts, in the order in which they were made, into each destination's health. Pure. */
export function foldRuns(events: readonly FoldedEvent[]): DestinationRun[] {
  const attempts = events.flatMap(event =>
    [...event.attempts.values()].map(attempt => ({
      organization: event.organization,
      mode: event.mode,
      attempt,
    })),
  )
  attempts.sort((a, b) => a.attempt.at - b.attempt.at)
  const runs = new Map<DestinationId, DestinationRun>()
  for (const { organization, mode, attempt } of attempts) {
    const { destination, at } = attempt
    const run = runs.get(destination) ?? {
      organization,
      destination,
      lastAt: at,
      lastSuccessAt: undefined,
      failingSince: undefined,
      lastError: undefined,
      lane: undefined,
      successes: { live: 0, test: 0 },
    }
    runs.set(destination, run)
    run.lastAt = at
    run.lane = attempt.lane
    if (attempt.settlement.kind === 'delivered') {
      Object.assign(run, { lastSuccessAt: at, failingSince: undefined, lastError: undefined })
      run.successes[mode] += 1
    } else {
      run.failingSince ??= at
      run.successes[mode] = 0
      run.lastError = errorOf(attempt)
    }
  }
  return [...runs.values()]
}

function errorOf(attempt: AttemptRecord): string {
  return attempt.status === undefined ? attempt.outcome : String(attempt.status)
}

/** Writes the health of destinations. A batch that is older than the row changes nothing. */
export async function noteDestinations(db: Db, runs: readonly DestinationRun[]): Promise<void> {
  if (runs.length === 0) return
  const rows = [...runs].sort((a, b) => (a.destination < b.destination ? -1 : 1))
  const date = (ms: number | undefined) => (ms === undefined ? null : new Date(ms))
  await db.query(
    `insert into destination_health as known
       (organization_id, destination_id, last_attempt_at, last_success_at, failing_since, last_error, lane)
     select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[])
     on conflict (organization_id, destination_id) do update set
       last_attempt_at = excluded.last_attempt_at,
       last_success_at = coalesce(excluded.last_success_at, known.last_success_at),
       failing_since = case
         when excluded.failing_since is null or excluded.last_success_at is not null then excluded.failing_since
         else coalesce(known.failing_since, excluded.failing_since) end,
       last_error = excluded.last_error,
       lane = excluded.lane
     where excluded.last_attempt_at >= known.last_attempt_at`,
    [
      rows.map(run => uuid(run.organization)),
      rows.map(run => uuid(run.destination)),
      rows.map(run => date(run.lastAt)),
      rows.map(run => date(run.lastSuccessAt)),
      rows.map(run => date(run.failingSince)),
      rows.map(run => run.lastError ?? null),
      rows.map(run => run.lane ?? null),
    ],
  )
}
