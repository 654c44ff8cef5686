import type { Db } from '../scope.ts'
import type { ToldKind } from './outbox.ts'
import { inPlace, type Place, placeValues } from './place.ts'

/** Objects that are settled by one statement. */
export const mostSettled = 1_000

/**
 * Takes what is due of kinds of which nobody is told anything as told: of each object its status alone is kept, so that whoever listens later is
 * told what changes from then on. Neither rows nor histories leave Postgres. The place is locked. Answers how many objects there were.
 */
export async function settleUnheard(db: Db, place: Place, kinds: readonly ToldKind[]): Promise<number> {
  if (kinds.length === 0) return 0
  const known = (table: string): string =>
    `from ${table} r where ${inPlace('r')} and r.id = u.object_id and r.known`
  const { rowCount } = await db.query(
    `update ledger_outbox o
     set due_at = null, told_status = coalesce(d.status, o.told_status), told_digest = null, told_history = null
     from (
       select u.kind, u.object_id, case u.kind
           when 'customer' then (select case when r.deleted then 'deleted' else 'known' end ${known('ledger_customers')})
           when 'subscription' then (select coalesce(r.status, 'unknown') ${known('ledger_subscriptions')})
           when 'invoice' then (select coalesce(r.status, 'unknown') ${known('ledger_invoices')})
           else (select r.status ${known('ledger_payments')} order by r.owner limit 1)
         end as status
       from (
         select kind, object_id from ledger_outbox where ${inPlace()} and due_at <= now() and kind = any($5::text[])
         order by due_at limit $6) u
       offset 0
     ) d
     where ${inPlace('o')} and o.kind = d.kind and o.object_id = d.object_id`,
    [...placeValues(place), kinds, mostSettled],
  )
  return rowCount ?? 0
}
