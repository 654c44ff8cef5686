import type { JsonObject } from '@bufbuild/protobuf'
import { fromUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { NoticeType } from '@fairlead/wire/notice'
import type { Pool } from 'pg'
import { causeOf } from '../issues/rows.ts'
import { readRestatedHours } from '../ledger/revenue/restatements.ts'
import { type Db, inScope } from '../scope.ts'

/*
 * Notes what organizations are to be told. Each look compares what stands in the log's own tables with what was noted before:
 * an occurrence has a name (a destination and since when it fails, a month and a part of its limit), so looking twice, after a
 * restart or by two stores, notes nothing twice, and nothing is lost while no store runs.
 */

/** A destination whose every attempt failed for so long is failing. */
const failingMinutes = 5
/** Parts of the month's limit, percent. */
const quotaPercents = [80, 100]
/** Days before its end that a key's organization is told. */
const keyDays = 7
/** Changes of issues that one round takes, at most. */
const mostChanges = 500

interface Notice {
  readonly organization: string
  readonly type: NoticeType
  readonly occurrence: string
  readonly data: JsonObject
}

/** Organizations that are told something. The destination that they are told at is never told of to itself. */
const told = `told as (
  select s.organization_id, s.destination_id, s.silent_after, s.told_since from notification_settings s
  join organizations o on o.id = s.organization_id and o.deleted_at is null
  join destinations x on x.organization_id = s.organization_id and x.id = s.destination_id and x.deleted_at is null
)`

const looks: readonly ((db: Db) => Promise<Notice[]>)[] = [
  failing,
  recovered,
  paused,
  silent,
  nearQuota,
  expiring,
  changedIssues,
  restated,
]

/** Notes what is new. One store does it at a time. */
export async function noteOccurrences(pool: Pool): Promise<void> {
  await inScope(pool, 'platform', async db => {
    const { rows } = await db.query<{ taken: boolean }>(
      "select pg_try_advisory_xact_lock(hashtextextended('fairlead.notices', 0)) as taken",
    )
    if (!rows[0]!.taken) return
    for (const look of looks) await insertNotices(db, await look(db))
  })
}

async function insertNotices(db: Db, notices: readonly Notice[]): Promise<void> {
  if (notices.length === 0) return
  await db.query(
    `insert into notices (organization_id, type, occurrence, data)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) on conflict do nothing`,
    [
      notices.map(({ organization }) => organization),
      notices.map(({ type }) => type),
      notices.map(({ occurrence }) => occurrence),
      notices.map(({ data }) => JSON.stringify(data)),
    ],
  )
}

interface DestinationRow {
  readonly organization_id: string
  readonly destination_id: string
  readonly name: string
  readonly failing_since: Date
  readonly last_error: string | null
}

async function failing(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<DestinationRow>(
    `with ${told}
     select h.*, d.name from destination_health h
     join told on told.organization_id = h.organization_id and told.destination_id <> h.destination_id
     join destinations d on d.organization_id = h.organization_id and d.id = h.destination_id and d.deleted_at is null
     where h.failing_since < now() - make_interval(mins => $1)`,
    [failingMinutes],
  )
  return rows.map(row => ({
    organization: row.organization_id,
    type: 'destination.failing',
    occurrence: `${row.destination_id} ${row.failing_since.toISOString()}`,
    data: {
      destinationId: fromUuid('dst', row.destination_id),
      destination: row.name,
      failingSince: row.failing_since.toISOString(),
      lastError: row.last_error,
    },
  }))
}

/** Of those that were noted as failing. */
async function recovered(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<{
    organization_id: string
    occurrence: string
    data: { destinationId: string; destination: string; failingSince: string }
    last_success_at: Date
  }>(
    `select n.organization_id, n.occurrence, n.data, h.last_success_at from notices n
     join destination_health h on h.organization_id = n.organization_id
       and h.destination_id = split_part(n.occurrence, ' ', 1)::uuid
     where n.type = 'destination.failing' and h.last_success_at > (n.data->>'failingSince')::timestamptz
       and not exists (select from notices r where r.organization_id = n.organization_id
         and r.type = 'destination.recovered' and r.occurrence = n.occurrence)`,
  )
  return rows.map(({ organization_id, occurrence, data, last_success_at }) => ({
    organization: organization_id,
    type: 'destination.recovered',
    occurrence,
    data: {
      destinationId: data.destinationId,
      destination: data.destination,
      failingSince: data.failingSince,
      recoveredAt: last_success_at.toISOString(),
    },
  }))
}

async function paused(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<{
    organization_id: string
    destination_id: string
    name: string
    reason: string
    since: Date
  }>(
    `with ${told}
     select p.*, d.name from destination_pauses p
     join told on told.organization_id = p.organization_id and told.destination_id <> p.destination_id
     join destinations d on d.organization_id = p.organization_id and d.id = p.destination_id and d.deleted_at is null
     where p.since > told.told_since and p.since > now() - interval '1 day'`,
  )
  return rows.map(row => ({
    organization: row.organization_id,
    type: 'destination.paused',
    occurrence: `${row.destination_id} ${row.since.toISOString()}`,
    data: {
      destinationId: fromUuid('dst', row.destination_id),
      destination: row.name,
      reason: row.reason,
      since: row.since.toISOString(),
    },
  }))
}

/** Counted from the last event; of a source that had none, from when it was made or the organization began to be told. */
async function silent(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<{
    organization_id: string
    id: string
    name: string
    seconds: number
    last_event_at: Date | null
    since: Date
  }>(
    `with ${told}, expected as (
       select told.organization_id, s.id, s.name, e.value::int as seconds,
         greatest(told.told_since, s.created_at) as at_first,
         (select max(a.last_event_at) from source_activity a
          where a.organization_id = s.organization_id and a.source_id = s.id) as last_event_at
       from told cross join lateral jsonb_each_text(told.silent_after) as e (key, value)
       join sources s on s.organization_id = told.organization_id and s.name = e.key and s.deleted_at is null
         and s.active
     )
     select organization_id, id, name, seconds, last_event_at, greatest(last_event_at, at_first) as since
     from expected where greatest(last_event_at, at_first) < now() - make_interval(secs => seconds)`,
  )
  return rows.map(row => ({
    organization: row.organization_id,
    type: 'source.silent',
    occurrence: `${row.id} ${row.since.toISOString()}`,
    data: {
      sourceId: fromUuid('src', row.id),
      source: row.name,
      lastEventAt: row.last_event_at?.toISOString() ?? null,
      silentAfterSeconds: row.seconds,
    },
  }))
}

async function nearQuota(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<{
    organization_id: string
    month: string
    percent: number
    accepted: string
    webhook_limit: string
  }>(
    `with ${told}
     select u.organization_id, to_char(u.month, 'YYYY-MM') as month, p.percent, u.accepted, o.webhook_limit from told
     join organizations o on o.id = told.organization_id
     join monthly_usage u on u.organization_id = o.id and u.month = date_trunc('month', now() at time zone 'UTC')::date
     cross join unnest($1::int[]) as p (percent)
     where o.webhook_limit > 0 and u.accepted * 100 >= o.webhook_limit * p.percent order by p.percent`,
    [quotaPercents],
  )
  return rows.map(row => ({
    organization: row.organization_id,
    type: 'quota.near',
    occurrence: `${row.month} ${row.percent} of ${row.webhook_limit}`,
    data: {
      month: row.month,
      percent: row.percent,
      accepted: Number(row.accepted),
      limit: Number(row.webhook_limit),
    },
  }))
}

async function expiring(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<{ organization_id: string; id: string; name: string; expires_at: Date }>(
    `with ${told}
     select k.organization_id, k.id, k.name, k.expires_at from told
     join api_keys k on k.organization_id = told.organization_id
     where k.revoked_at is null and k.expires_at > now() and k.expires_at < now() + make_interval(days => $1)`,
    [keyDays],
  )
  return rows.map(row => ({
    organization: row.organization_id,
    type: 'key.expiring',
    occurrence: `${row.id} ${row.expires_at.toISOString()}`,
    data: { keyId: fromUuid('key', row.id), name: row.name, expiresAt: row.expires_at.toISOString() },
  }))
}

async function restated(db: Db): Promise<Notice[]> {
  const hours = await readRestatedHours(db, told)
  return hours.map(({ organization_id, mode, hour, days, first_day, last_day, currencies }) => ({
    organization: organization_id,
    type: 'ledger.restated',
    occurrence: `${mode} ${hour.toISOString()}`,
    data: { mode, since: hour.toISOString(), days, firstDay: first_day, lastDay: last_day, currencies },
  }))
}

interface IssueRow {
  readonly organization_id: string
  readonly id: string
  readonly change: 'opened' | 'regressed' | 'resolved'
  readonly issue_id: string
  readonly kind: 'delivery' | 'refusal'
  readonly subject_id: string
  readonly subject: string | null
  /** Of test data with a word before it: see `causeOf`. */
  readonly cause: string
  readonly mode: Mode
  readonly status: number
  readonly failures: string
  readonly first_seen_at: Date
  readonly last_seen_at: Date
}

/** A trigger writes a row for each change of an issue's state. Each row is taken once, also where no destination wants it. */
async function changedIssues(db: Db): Promise<Notice[]> {
  const { rows } = await db.query<IssueRow>(
    `with ${told}, changed as (
       update issue_notices n set told_at = now()
       where (n.organization_id, n.id) in (
         select organization_id, id from issue_notices where told_at is null order by at limit $1)
       returning n.organization_id, n.id, n.change, n.issue_id, n.at
     )
     select c.organization_id, c.id, c.change, c.issue_id, i.kind, i.subject_id, coalesce(d.name, s.name) as subject,
       i.cause, i.mode, i.status, i.failures, i.first_seen_at, i.last_seen_at
     from changed c
     join told on told.organization_id = c.organization_id and told.told_since <= c.at
     join issues i on i.organization_id = c.organization_id and i.id = c.issue_id
     left join destinations d on i.kind = 'delivery' and d.organization_id = i.organization_id and d.id = i.subject_id
     left join sources s on i.kind = 'refusal' and s.organization_id = i.organization_id and s.id = i.subject_id
     where c.change in ('opened', 'regressed', 'resolved')
       and not (i.kind = 'delivery' and i.subject_id = told.destination_id)`,
    [mostChanges],
  )
  return rows.map(row => ({
    organization: row.organization_id,
    type: `issue.${row.change}`,
    occurrence: row.id,
    data: {
      issueId: fromUuid('iss', row.issue_id),
      kind: row.kind,
      subjectId: fromUuid(row.kind === 'delivery' ? 'dst' : 'src', row.subject_id),
      subject: row.subject,
      cause: causeOf(row),
      mode: row.mode,
      status: row.status || null,
      failures: Number(row.failures),
      firstSeenAt: row.first_seen_at.toISOString(),
      lastSeenAt: row.last_seen_at.toISOString(),
    },
  }))
}
