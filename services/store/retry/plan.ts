import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid, newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { RetrySchema } from '@fairlead/wire/store/retry'
import { at } from '../organizations/messages.ts'
import { type ReplayRow, replayStates } from '../replay/rows.ts'
import type { Db } from '../scope.ts'
import { select, sql } from '../sql.ts'
import { StoreError } from '../store-error.ts'
import { deadLetters, readSelected, type Selected } from './select.ts'

/** A bulk retry's row: that of a Replay, and what was planned. */
export type RetryRow = ReplayRow & { planned_until: Date | null; asked: unknown }

/** How long what was planned may be started. */
const planMs = 15 * 60_000
const mostPlanned = 100_000
const mostLater = 10_001
const maxRate = 1_000
const presetRate = 50

/**
 * Notes the dead letters that fit, with the number of their attempts. What is tried later is a part of these, and never
 * another. Throws a StoreError `replay_too_large` or `invalid_field`.
 */
export async function planRetry(
  db: Db,
  organization: OrganizationId,
  selected: Selected,
  asked: {
    readonly rate: number
    readonly start: boolean
    readonly createdBy: string
    /** Of dead letters of this mode alone, which are all that the transaction sees. */
    readonly mode: Mode | undefined
  },
  now: Date,
): Promise<RetryRow> {
  if (asked.rate > maxRate) {
    throw new StoreError('invalid_field', `rate_per_second: must be at most ${maxRate}`, {
      field: 'rate_per_second',
    })
  }
  const id = toUuid(newId('rty', now.getTime()))
  const found = deadLetters(organization, selected)
    .where('d.died_at', '<=', now)
    .limit(mostPlanned + 1)
    .select(
      'd.organization_id',
      sql.raw('?::uuid as retry_id', [id]),
      'd.received_at',
      'd.event_id',
      'd.destination_id',
      'd.attempt_count',
    )
  const rows = await select<{ received_at: Date }>(db, sql('retry_items').insert(found).returning('event_id'))
  if (rows.length > mostPlanned) {
    throw new StoreError(
      'replay_too_large',
      `more than ${mostPlanned} dead letters fit: narrow the selection`,
    )
  }
  const { rows: made } = await db.query<RetryRow>(
    `insert into replays (organization_id, id, kind, selector, asked, rate_per_second, state, planned_until,
       matched_events, matched, expired, created_by, created_at, mode)
     select $1, $2, 'retry', $3, $4, $5, $6, $7, count(distinct event_id), count(*), 0, $8, $9, $10
     from retry_items where organization_id = $1 and retry_id = $2
     returning *`,
    [
      toUuid(organization),
      id,
      JSON.stringify({ sources: [], types: [], states: ['dead'], reasons: [], before: now }),
      JSON.stringify(selected),
      asked.rate || presetRate,
      asked.start ? 'pending' : 'paused',
      asked.start ? null : new Date(now.getTime() + planMs),
      asked.createdBy,
      now,
      asked.mode ?? null,
    ],
  )
  return made[0]!
}

/** Throws a StoreError `not_found`. */
export async function readRetry(
  db: Db,
  organization: OrganizationId,
  id: string,
  lock = false,
): Promise<RetryRow> {
  const { rows } = await db.query<RetryRow>(
    `select * from replays where organization_id = $1 and id = $2 and kind = 'retry' ${lock ? 'for update' : ''}`,
    [toUuid(organization), id],
  )
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such retry')
}

/** Starts what was planned; once started, it stays so. Throws a StoreError `replay_ended` for a plan that is too old. */
export async function startRetry(
  db: Db,
  organization: OrganizationId,
  id: string,
  now: Date,
): Promise<RetryRow> {
  const row = await readRetry(db, organization, id, true)
  if (!row.planned_until) return row
  if (row.ended_at || row.planned_until < now) {
    throw new StoreError('replay_ended', 'the plan is older than 15 minutes: make a new one')
  }
  const { rows } = await db.query<RetryRow>(
    `update replays set state = 'pending', planned_until = null where organization_id = $1 and id = $2 returning *`,
    [row.organization_id, row.id],
  )
  return rows[0]!
}

/** Dead letters that came to fit after it was planned. */
export async function countLater(db: Db, organization: OrganizationId, row: RetryRow): Promise<number> {
  const later = deadLetters(organization, readSelected(row.asked))
    .where('d.died_at', '>', row.created_at)
    .whereRaw(
      `not exists (select from retry_items t where t.organization_id = d.organization_id and t.retry_id = ?
         and t.received_at = d.received_at and t.event_id = d.event_id and t.destination_id = d.destination_id)`,
      [row.id],
    )
    .select(sql.raw('1'))
    .limit(mostLater)
  const [counted] = await select<{ count: number }>(
    db,
    sql.from(later.as('l')).select(sql.raw('count(*)::int as count')),
  )
  return counted?.count ?? 0
}

/** What was planned, by destination, most first. */
export async function readPlanned(db: Db, row: RetryRow) {
  const { rows } = await db.query<{ destination_id: string; name: string | null; count: string }>(
    `select t.destination_id, x.name, count(*) as count from retry_items t
     left join destinations x on x.organization_id = t.organization_id and x.id = t.destination_id
     where t.organization_id = $1 and t.retry_id = $2 group by 1, 2 order by 3 desc limit 100`,
    [row.organization_id, row.id],
  )
  return rows.map(({ destination_id, name, count }) => ({
    destinationId: fromUuid('dst', destination_id),
    destination: name ?? '',
    deliveries: BigInt(count),
  }))
}

export function retryMessage(row: RetryRow) {
  const left = BigInt(row.matched) - BigInt(row.published)
  return create(RetrySchema, {
    id: fromUuid('rty', row.id),
    state: replayStates[row.state],
    ...at('plannedUntil', row.planned_until),
    planned: BigInt(row.matched),
    published: BigInt(row.published),
    skipped: row.state === 'completed' ? left : BigInt(row.skipped),
    delivered: BigInt(row.delivered),
    failed: BigInt(row.failed),
    ratePerSecond: row.rate_per_second,
    createdAt: timestampFromDate(row.created_at),
    createdBy: row.created_by,
    ...at('startedAt', row.started_at),
    ...at('endedAt', row.ended_at),
    fault: row.fault ?? '',
    mode: row.mode ?? '',
  })
}
