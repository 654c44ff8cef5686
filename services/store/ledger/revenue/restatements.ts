import { timestampFromDate, timestampMs } from '@bufbuild/protobuf/wkt'
import { toUuid } from '@fairlead/webhook/id'
import type { ListRestatementsRequest } from '@fairlead/wire/store/revenue'
import { decodeCursor, encodeCursor, pageSize } from '../../page.ts'
import { requireId } from '../../parse-request.ts'
import type { Db } from '../../scope.ts'
import { inPlace, type Place, placeValues } from '../place.ts'

/*
 * By how much the figures of days differ from those that they were closed with. Triggers add what late facts change
 * (migrations 0100 and 0107); a rebuild, which writes every row anew, compares the days before and after.
 */

interface RestatementRow {
  readonly day: string
  readonly currency: string
  readonly mode: string
  readonly mrr: string
  readonly paid: string
  readonly refunded: string
  readonly lost: string
  readonly first_at: Date
  readonly last_at: Date
}

/** A page, newest day first. Days whose changes have made each other up are left out: they stand as they were closed. */
export async function listRestatements(db: Db, request: ListRestatementsRequest) {
  const limit = pageSize(request.limit, 50, 500)
  const [place = null] = decodeCursor(request.cursor, 'foreign')
  const ms = (at: ListRestatementsRequest['after']) => (at ? timestampMs(at) : null)
  const { rows } = await db.query<RestatementRow>(
    `select day::text, currency, mode, mrr, paid, refunded, lost, first_at, last_at
     from ledger_restatements
     where organization_id = $1 and (mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0)
       and ($2::bigint is null or day >= (to_timestamp($2::bigint / 1000.0) at time zone 'UTC')::date)
       and ($3::bigint is null or day <= (to_timestamp(($3::bigint - 1) / 1000.0) at time zone 'UTC')::date)
       and ($4 = '' or currency = $4) and ($5::text is null or day || ' ' || currency || ' ' || mode < $5)
     order by day || ' ' || currency || ' ' || mode desc limit $6`,
    [
      toUuid(requireId('org', request.organizationId, 'organization_id')),
      ms(request.after),
      ms(request.before),
      request.currency,
      place,
      limit + 1,
    ],
  )
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return {
    restatements: shown.map(({ first_at, last_at, mrr, paid, refunded, lost, ...row }) => ({
      ...row,
      mrr: BigInt(mrr),
      paid: BigInt(paid),
      refunded: BigInt(refunded),
      lost: BigInt(lost),
      firstAt: timestampFromDate(first_at),
      lastAt: timestampFromDate(last_at),
    })),
    next: last ? encodeCursor(`${last.day} ${last.currency} ${last.mode}`) : '',
  }
}

/** Days of an organization that changed after they were closed, by the hour in which that happened. */
export interface RestatedHour {
  readonly organization_id: string
  readonly mode: string
  readonly hour: Date
  readonly days: number
  readonly first_day: string
  readonly last_day: string
  readonly currencies: string[]
}

/** Hours that are over, of the last day, of organizations that are told. @param told a query named `told` */
export async function readRestatedHours(db: Db, told: string): Promise<RestatedHour[]> {
  const { rows } = await db.query<RestatedHour>(
    `with ${told}
     select r.organization_id, r.mode, date_trunc('hour', r.last_at, 'UTC') as hour, count(*)::int as days,
       min(r.day)::text as first_day, max(r.day)::text as last_day, array_agg(distinct r.currency) as currencies
     from told join ledger_restatements r on r.organization_id = told.organization_id
     where r.last_at > greatest(told.told_since, now() - interval '1 day') and r.last_at < date_trunc('hour', now(), 'UTC')
       and (r.mrr <> 0 or r.paid <> 0 or r.refunded <> 0 or r.lost <> 0)
     group by 1, 2, 3`,
  )
  return rows
}

/** Figures of closed days of a place, by day and currency. */
export type ClosedDays = ReadonlyMap<string, readonly bigint[]>

/** As the triggers of migrations 0100 and 0107 count them. */
export async function readClosedDays(db: Db, place: Place): Promise<ClosedDays> {
  const { rows } = await db.query<{ key: string; mrr: string; paid: string; refunded: string; lost: string }>(
    `select (to_timestamp(at_ms / 1000.0) at time zone 'UTC')::date || ' ' || currency as key, sum(mrr) as mrr, sum(paid) as paid,
       sum(refunded) as refunded, sum(lost) as lost
     from (
       select at_ms, currency, after - before as mrr, 0 as paid, 0 as refunded, 0 as lost from ledger_mrr_movements where ${inPlace()}
       union all select settled_ms, currency, 0, captured, 0, 0 from ledger_payments where ${inPlace()}
       union all select created_ms, currency, 0, 0, amount, 0 from ledger_refunds
         where ${inPlace()} and coalesce(status, '') not in ('failed', 'canceled')
       union all select created_ms, currency, 0, 0, 0, amount from ledger_disputes where ${inPlace()} and status = 'lost'
       union all select settled_ms, currency, 0, 0, 0, disputed_lost from ledger_payments where ${inPlace()} and status = 'reversed'
       union all select p.settled_ms, p.currency, 0, 0, 0, -d.amount
         from ledger_payments p join ledger_disputes d
           on (d.organization_id, d.provider, d.account, d.mode, d.charge, d.currency)
             = (p.organization_id, p.provider, p.account, p.mode, p.id, p.currency)
         where ${inPlace('p')} and p.status = 'reversed' and d.status = 'lost'
     ) c
     where currency is not null
       and at_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
     group by 1`,
    placeValues(place),
  )
  return new Map(
    rows.map(row => [
      row.key,
      [row.mrr, row.paid, row.refunded, row.lost].map(amount => BigInt(amount ?? 0)),
    ]),
  )
}

/**
 * Notes what differs. A rebuild of an unchanged version notes nothing. The time is that of the note: the transaction began before all objects
 * were computed, in an hour that was told of meanwhile.
 */
export async function noteRestated(
  db: Db,
  { organization, mode }: Place,
  before: ClosedDays,
  after: ClosedDays,
): Promise<void> {
  const changed = [...new Set([...before.keys(), ...after.keys()])].flatMap(key => {
    const [was, is] = [before.get(key) ?? [], after.get(key) ?? []]
    const change = [0, 1, 2, 3].map(index => (is[index] ?? 0n) - (was[index] ?? 0n))
    return change.some(amount => amount !== 0n) ? [{ key, change: change.map(String) }] : []
  })
  if (changed.length === 0) return
  await db.query(
    `insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost, first_at, last_at)
     select $1, $2, c.*, noted, noted
     from unnest($3::date[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) as c, clock_timestamp() as noted
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr, paid = r.paid + excluded.paid,
       refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost, last_at = excluded.last_at`,
    [
      toUuid(organization),
      mode,
      changed.map(({ key }) => key.slice(0, 10)),
      changed.map(({ key }) => key.slice(11)),
      ...[0, 1, 2, 3].map(index => changed.map(({ change }) => change[index])),
    ],
  )
}
