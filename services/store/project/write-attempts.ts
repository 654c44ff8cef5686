import { toUuid as uuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import { dimensionOf } from '../usage/dimension.ts'
import type { FoldedEvent, LoggedAttempt } from './fold.ts'
import { date, maybeText, text } from './write-log.ts'

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

/**
 * Attempts, and what is counted of them: one statement for a batch, so that an attempt that comes twice is counted once.
 *
 *   given ─▶ fresh (attempts) ─┬▶ rollups: by source, type and destination
 *                              └▶ failed ─▶ issues ─▶ their hours
 *
 * One that is there stays, unless only this record of it was delivered; that one is counted again.
 */
const statement = `
  with fresh as (
    insert into attempts as known (organization_id, event_id, destination_id, number, received_at, at, duration_ms,
      delivered, outcome, status, reason, trigger, replay_id, dead, exchange_seq, mode)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::int[],
      $8::bool[], $9::text[], $10::int[], $11::text[], $12::attempt_trigger[], $13::uuid[], $14::bool[], $15::bigint[],
      $16::text[])
    on conflict (organization_id, event_id, destination_id, number, received_at) do update set
      at = excluded.at, duration_ms = excluded.duration_ms, delivered = excluded.delivered,
      outcome = excluded.outcome, status = excluded.status, reason = excluded.reason, trigger = excluded.trigger,
      replay_id = excluded.replay_id, dead = excluded.dead, exchange_seq = excluded.exchange_seq
    where excluded.delivered and not known.delivered
    returning organization_id, event_id, destination_id, number, received_at, at, duration_ms, delivered, outcome,
      coalesce(status, 0) as status, dead, mode,
      case mode when 'test' then '${testCause}' || outcome else outcome end as cause
  ),
  counted as (
    select f.*, date_bin('15 minutes', f.at, 'epoch') as slot, e.source, coalesce(t.type, '') as type
    from fresh f
    join events e on e.organization_id = f.organization_id and e.id = f.event_id and e.received_at = f.received_at
    left join rollup_types t on t.organization_id = e.organization_id and t.type = e.type
  ),
  rolled as (
    insert into rollups as known (organization_id, dimension, value, slot, attempts, delivered, dead, latencies)
    select organization_id, dimension, value, slot, count(*), count(*) filter (where delivered),
      count(*) filter (where dead), histogram(array_agg(latency_bucket(duration_ms)) filter (where delivered))
    from counted
    cross join lateral (values
      (${dimensionOf('source', 'mode')}, source), (${dimensionOf('type', 'mode')}, type),
      (${dimensionOf('destination', 'mode')}, destination_id::text)) as d (dimension, value)
    group by organization_id, dimension, value, slot
    order by organization_id, dimension, slot, value
    on conflict (organization_id, dimension, slot, value) do update set
      attempts = known.attempts + excluded.attempts, delivered = known.delivered + excluded.delivered,
      dead = known.dead + excluded.dead, latencies = add_counts(known.latencies, excluded.latencies)
  ),
  failed as (
    select f.*, not exists (
      select from attempts p where p.organization_id = f.organization_id and p.event_id = f.event_id
        and p.destination_id = f.destination_id and p.received_at = f.received_at and p.number < f.number
        and p.outcome = f.outcome and coalesce(p.status, 0) = f.status) as is_first
    from fresh f where not delivered
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

export async function insertAttempts(db: Db, events: readonly FoldedEvent[]): Promise<void> {
  const rows: [FoldedEvent, LoggedAttempt][] = []
  for (const event of events) for (const attempt of event.attempts.values()) rows.push([event, attempt])
  if (rows.length === 0) return
  await db.query(statement, [
    rows.map(([event]) => uuid(event.organization)),
    rows.map(([event]) => uuid(event.id)),
    rows.map(([, attempt]) => uuid(attempt.destination)),
    rows.map(([, attempt]) => attempt.number),
    rows.map(([event]) => date(event.receivedAt)),
    rows.map(([, attempt]) => date(attempt.at)),
    rows.map(([, attempt]) => attempt.durationMs),
    rows.map(([, attempt]) => attempt.settlement.kind === 'delivered'),
    rows.map(([, attempt]) => text(attempt.outcome)),
    rows.map(([, attempt]) => attempt.status ?? null),
    rows.map(([, attempt]) => maybeText(attempt.reason)),
    rows.map(([, attempt]) => attempt.trigger),
    rows.map(([, attempt]) => (attempt.replay ? uuid(attempt.replay) : null)),
    rows.map(([, attempt]) => attempt.settlement.kind === 'dead'),
    rows.map(([, attempt]) => attempt.exchangeSeq ?? null),
    rows.map(([event]) => event.mode),
  ])
}
