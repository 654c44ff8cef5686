import { type IssueId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { ListIssuesRequest } from '@fairlead/wire/store/issue'
import { wordOf } from '../events/rows.ts'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { select, sql } from '../sql.ts'
import { StoreError } from '../store-error.ts'
import { type IssueRow, issueKinds, issueStates, outcomeOf, subjectIdOf } from './rows.ts'

/**
 * Deliveries of an issue `i` that wait after a failure, or are dead, and whose last attempt failed for its cause.
 * @param columns of the delivery `d`
 */
export const failingDeliveries = (columns: string): string => `
  select ${columns} from deliveries d
  join attempts a on a.organization_id = d.organization_id and a.event_id = d.event_id
    and a.destination_id = d.destination_id and a.received_at = d.received_at and a.number = d.attempt_count
  where i.kind = 'delivery' and d.organization_id = i.organization_id and d.destination_id = i.subject_id
    and d.state in ('waiting', 'dead') and d.attempt_count > 0
    and d.mode = i.mode and a.outcome = ${outcomeOf('i')} and coalesce(a.status, 0) = i.status and not a.delivered`

/** @param most how far deliveries that still fail are counted */
const withNames = (most: number): string => `
  i.*, coalesce(x.name, s.name) as subject,
  (select count(*)::int from (${failingDeliveries('1')} limit ${most}) as f) as failing`

const namesOf = `
  left join destinations x on i.kind = 'delivery' and x.organization_id = i.organization_id and x.id = i.subject_id
  left join sources s on i.kind = 'refusal' and s.organization_id = i.organization_id and s.id = i.subject_id`

/** Issues, the one seen last first. */
export async function listIssues(
  db: Db,
  organization: OrganizationId,
  request: ListIssuesRequest,
): Promise<{ rows: IssueRow[]; next: string }> {
  const limit = pageSize(request.limit, 50, 200)
  const page = sql('issues')
    .where('organization_id', toUuid(organization))
    .orderBy([
      { column: 'last_seen_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit + 1)
  const state = wordOf(issueStates, request.state)
  const kind = wordOf(issueKinds, request.kind)
  if (state) page.where('state', state)
  if (kind) page.where('kind', kind)
  if (request.subjectId) page.where('subject_id', toUuid(requireSubject(request.subjectId)))
  const [time, id] = decodeCursor(request.cursor, 'time', 'uuid')
  if (time && id) page.whereRaw('(last_seen_at, id) < (?, ?)', [time, id])
  const rows = await select<IssueRow>(
    db,
    sql
      .select(sql.raw(withNames(101)))
      .from(page.as('i'))
      .joinRaw(namesOf)
      .orderBy([
        { column: 'i.last_seen_at', order: 'desc' },
        { column: 'i.id', order: 'desc' },
      ]),
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next = rows.length > limit && last ? encodeCursor(last.last_seen_at.toISOString(), last.id) : ''
  return { rows: shown, next }
}

const requireSubject = (id: string) =>
  id.startsWith('src') ? requireId('src', id, 'subject_id') : requireId('dst', id, 'subject_id')

/** Throws a StoreError `not_found`. @param lock for a change */
export async function readIssue(
  db: Db,
  organization: OrganizationId,
  issue: IssueId,
  lock = false,
): Promise<IssueRow> {
  const { rows } = await db.query<IssueRow>(
    `select ${withNames(10_001)} from issues i ${namesOf}
     where i.organization_id = $1 and i.id = $2 ${lock ? 'for update of i' : ''}`,
    [toUuid(organization), toUuid(issue)],
  )
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such issue')
}

/** Failures by hour, of the last 24. */
export async function readTrend(
  db: Db,
  row: IssueRow,
  now: Date,
): Promise<{ hour: Date; failures: string }[]> {
  const { rows } = await db.query<{ hour: Date; failures: string }>(
    `select hour, failures from issue_hours
     where organization_id = $1 and issue_id = $2 and hour > $3 order by hour`,
    [row.organization_id, row.id, new Date(now.getTime() - 24 * 3_600_000)],
  )
  return rows
}

/** What the audit log has about the destination or source in the hour before the issue was opened. */
export async function readChangesBefore(
  db: Db,
  row: IssueRow,
): Promise<{ at: Date; action: string; actor: string }[]> {
  const { rows } = await db.query<{ at: Date; action: string; actor: string }>(
    `select at, action, coalesce(nullif(actor_name, ''), actor_id) as actor from audit_logs
     where organization_id = $1 and at between $3::timestamptz - interval '1 hour' and $3
       and (subject_id = $2 or action = 'organization.applied')
     order by at desc limit 20`,
    [row.organization_id, subjectIdOf(row), row.opened_at],
  )
  return rows
}
