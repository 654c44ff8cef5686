import { toUuid as uuid } from '@fairlead/webhook/id'
import { type Mode, modes } from '@fairlead/wire/mode'
import type { Db } from '../scope.ts'
import type { DestinationRun } from './write-activity.ts'
import { type EventAttempt, isDelivered } from './write-attempts.ts'
import { date, type NewEvent, text } from './write-log.ts'

/** Failed attempts by their cause, and what goes well again. */

/**
 * What becomes of an issue that is seen again: it counts on, is opened again where it was resolved before this failure or
 * where the time or the count is reached up to which it is ignored, and begins to recover anew.
 */
export const issueSeen = `
  failures = known.failures + excluded.failures, events = known.events + excluded.events,
  first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
  last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
  sample_event_id = excluded.sample_event_id, sample_number = excluded.sample_number,
  sample_rejection = excluded.sample_rejection, recovered_count = 0,
  state = case
    when known.state = 'resolved' and excluded.last_seen_at > known.resolved_at then 'open'
    when known.state = 'ignored' and (known.ignored_until <= excluded.last_seen_at
      or known.ignored_failures <= known.failures + excluded.failures) then 'open'
    else known.state end,
  regressed = known.regressed or (known.state = 'resolved' and excluded.last_seen_at > known.resolved_at),
  opened_at = case when known.state = 'resolved' and excluded.last_seen_at > known.resolved_at
    then excluded.first_seen_at else known.opened_at end`

/** What stands before the cause in the key of an issue of test data: the rest of the key is what it was before there were modes. */
export const testCause = 'test.'

/** An event counts for a cause with the first of its attempts that fails for it. */
const failuresSeen = `
  with failed as (
    select n.*, case n.mode when 'test' then '${testCause}' || n.outcome else n.outcome end as cause,
      not exists (
        select from attempts p where p.organization_id = n.organization_id and p.event_id = n.event_id
          and p.destination_id = n.destination_id and p.received_at = n.received_at and p.number < n.number
          and p.outcome = n.outcome and coalesce(p.status, 0) = n.status) as is_first
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::int[],
      $9::text[]) as n (organization_id, event_id, destination_id, number, received_at, at, outcome, status, mode)
  ),
  seen as (
    insert into issues as known (organization_id, kind, subject_id, cause, status, first_seen_at, last_seen_at, opened_at,
      failures, events, sample_event_id, sample_number, mode)
    select organization_id, 'delivery', destination_id, cause, status, min(at), max(at), min(at), count(*),
      count(distinct event_id) filter (where is_first), (array_agg(event_id order by at desc))[1],
      (array_agg(number order by at desc))[1], mode
    from failed group by organization_id, destination_id, cause, status, mode
    order by organization_id, destination_id, cause, status
    on conflict (organization_id, kind, subject_id, cause, status) do update set ${issueSeen}
    returning organization_id, id, subject_id, cause, status
  )
  insert into issue_hours as known (organization_id, issue_id, hour, failures)
  select s.organization_id, s.id, date_trunc('hour', f.at, 'UTC'), count(*)
  from seen s
  join failed f on (f.organization_id, f.destination_id, f.cause, f.status)
    = (s.organization_id, s.subject_id, s.cause, s.status)
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (organization_id, issue_id, hour) do update set failures = known.failures + excluded.failures`

/** Counts failed attempts in the issues of their causes. @param attempts that are in the log since this batch */
export async function noteFailures(db: Db, attempts: readonly EventAttempt[]): Promise<void> {
  const failed = attempts.filter(({ attempt }) => !isDelivered(attempt))
  if (failed.length === 0) return
  await db.query(failuresSeen, [
    failed.map(({ event }) => uuid(event.organization)),
    failed.map(({ event }) => uuid(event.id)),
    failed.map(({ attempt }) => uuid(attempt.destination)),
    failed.map(({ attempt }) => attempt.number),
    failed.map(({ event }) => date(event.receivedAt)),
    failed.map(({ attempt }) => date(attempt.at)),
    failed.map(({ attempt }) => text(attempt.outcome)),
    failed.map(({ attempt }) => attempt.status ?? 0),
    failed.map(({ event }) => event.mode),
  ])
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
