import { toUuid as uuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import { plainArray, textArray } from './arrays.ts'
import type { FoldedEvent, LoggedAttempt } from './fold.ts'
import { date, maybeText, text } from './write-log.ts'

/** An attempt and its event. */
export interface EventAttempt {
  readonly event: FoldedEvent
  readonly attempt: LoggedAttempt
}

/**
 * One that is there stays, unless only this record of it was delivered; that one is counted again. The answer is null where
 * all are new, as nearly always: to send back a thousand keys would cost as much as to write their rows.
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
    returning organization_id, event_id, destination_id, number
  )
  select case when (select count(*) from fresh) < cardinality($1::uuid[]) then array(
    select concat_ws(' ', organization_id, event_id, destination_id, number) from fresh) end as fresh`

/** Writes attempts. Answers those that count: an attempt that comes twice is counted once. */
export async function insertAttempts(db: Db, events: readonly FoldedEvent[]): Promise<EventAttempt[]> {
  const rows: EventAttempt[] = []
  for (const event of events) for (const attempt of event.attempts.values()) rows.push({ event, attempt })
  if (rows.length === 0) return []
  const { rows: answer } = await db.query<{ fresh: string[] | null }>(statement, [
    plainArray(rows.map(({ event }) => uuid(event.organization))),
    plainArray(rows.map(({ event }) => uuid(event.id))),
    plainArray(rows.map(({ attempt }) => uuid(attempt.destination))),
    plainArray(rows.map(({ attempt }) => attempt.number)),
    plainArray(rows.map(({ event }) => date(event.receivedAt))),
    plainArray(rows.map(({ attempt }) => date(attempt.at))),
    plainArray(rows.map(({ attempt }) => attempt.durationMs)),
    plainArray(rows.map(({ attempt }) => isDelivered(attempt))),
    textArray(rows.map(({ attempt }) => text(attempt.outcome))),
    plainArray(rows.map(({ attempt }) => attempt.status ?? null)),
    textArray(rows.map(({ attempt }) => maybeText(attempt.reason))),
    textArray(rows.map(({ attempt }) => attempt.trigger)),
    plainArray(rows.map(({ attempt }) => (attempt.replay ? uuid(attempt.replay) : null))),
    plainArray(rows.map(({ attempt }) => isDead(attempt))),
    plainArray(rows.map(({ attempt }) => attempt.exchangeSeq ?? null)),
    textArray(rows.map(({ event }) => event.mode)),
  ])
  const fresh = answer[0]?.fresh
  if (!fresh) return rows
  const keys = new Set(fresh)
  return rows.filter(({ event, attempt }) =>
    keys.has(`${uuid(event.organization)} ${uuid(event.id)} ${uuid(attempt.destination)} ${attempt.number}`),
  )
}

export const isDelivered = ({ settlement }: LoggedAttempt): boolean => settlement.kind === 'delivered'
export const isDead = ({ settlement }: LoggedAttempt): boolean => settlement.kind === 'dead'
