import type { Row, TransitionRow } from '@fairlead/ledger/rows'
import type { QueryResultRow } from 'pg'
import type { Db } from '../scope.ts'
import { fieldsOf } from './columns.ts'
import { plansOf } from './links.ts'
import { type OwnedRows, openOwned, type Reading, take } from './owned-rows.ts'
import { inPlace, type Place, placeValues } from './place.ts'
import { reviveRow } from './revive.ts'

const revenueKinds: readonly Row['kind'][] = ['customer', 'subscription', 'discount']

/** Of one owner: rows of each kind, and changes of its subscriptions, that are read. */
const mostOfOwner = { rows: 1_000, transitions: 10_000 }
/** And as many bytes of each, as Postgres keeps them; one row may be larger. */
const ownerBytes = 2 * 1024 ** 2
/** Owners that are in memory at one time, and their bytes; one may be larger. */
const roundOf = { owners: 200, bytes: 4 * 1024 ** 2 }

/** All changes of some subscriptions, by their ids. */
export type KnownChanges = ReadonlyMap<string, readonly TransitionRow[]>

const noneKnown: KnownChanges = new Map()

/**
 * The rows that each owner's access and recurring revenue are computed from, with the plans and coupons that its subscriptions name. In rounds,
 * so that what is in memory has a bound. Of an owner with too many rows of a kind those that haven't ended, and of them the newest.
 * @param lines with invoices, whose lines tell what tiers and taxes came to
 * @param known changes that are in memory as they are stored: their states are not read
 */
export async function* readOwned(
  db: Db,
  place: Place,
  owners: readonly string[],
  lines: boolean,
  most: typeof mostOfOwner = mostOfOwner,
  round: typeof roundOf = roundOf,
  known: KnownChanges = noneKnown,
): AsyncGenerator<readonly OwnedRows[]> {
  for (let left = owners; left.length > 0; ) {
    const kinds = lines ? [...revenueKinds, 'invoice'] : revenueKinds
    const read = await readRows(db, place, left.slice(0, round.owners), kinds, most.rows, round.bytes)
    const found = await addTransitions(db, place, read, most.transitions, round.bytes, known)
    await addTerms(db, place, found)
    yield found
    left = left.slice(found.length)
  }
}

/** Rows of the first of some owners, as many as a round has. */
async function readRows(
  db: Db,
  place: Place,
  owners: readonly string[],
  kinds: readonly string[],
  most: number,
  roundBytes: number,
): Promise<Reading[]> {
  const { rows } = await db.query<{
    n: number
    fields: Record<string, unknown>
    cut: boolean
    more: boolean
  }>(
    `select f.n::int, o.fields, f.cut, f.more from (
       select r.*, r.n = min(r.n) over () as first, max(r.total) over () > $9 and max(r.n) over () > min(r.n) over () as more from (
         select w.n, o.*, bool_or(not o.kept) over (partition by w.n) as cut,
           sum(o.size) filter (where o.kept) over (order by w.n) as total
         from unnest($5::text[]) with ordinality as w (owner, n) cross join unnest($6::text[]) as k (kind)
         cross join lateral (
           select x.*, x.place <= $7 and (x.upto <= $8 or x.place = 1) as kept from (
             select x.*, row_number() over by_age as place, sum(x.size) over by_age as upto from (
               select o.kind, o.id, o.incarnation, pg_column_size(o.fields) as size,
                 coalesce(o.fields->>'status' in ('canceled', 'expired'), false) as ended,
                 coalesce((o.fields->>'createdAt')::bigint, (o.fields->>'startAt')::bigint, 0) as at
               from ledger_objects o where ${inPlace('o')} and o.owner = w.owner and o.kind = k.kind offset 0) x
             window by_age as (order by x.ended, x.at desc, x.id, x.incarnation rows unbounded preceding)
             order by x.ended, x.at desc, x.id, x.incarnation limit $7 + 1) x
         ) o
       ) r
     ) f
     cross join lateral (
       select o.fields from ledger_objects o where ${inPlace('o')} and o.kind = f.kind and o.id = f.id and o.incarnation = f.incarnation
       offset 0) o
     where f.kept and (f.total <= $9 or f.first)
     order by f.n, f.kind, f.id, f.incarnation`,
    [...placeValues(place), owners, kinds, most, ownerBytes, roundBytes],
  )
  const last = rows.at(-1)
  const found = owners.slice(0, last?.more ? last.n : owners.length).map(openOwned)
  for (const { n, fields, cut } of rows) {
    const of = found[n - 1]!
    of.cut ||= cut
    take(of.rows, reviveRow(fields))
  }
  return found
}

/** Adds the changes of subscriptions. @returns the first of the owners, as many as a round has changes of */
async function addTransitions(
  db: Db,
  place: Place,
  found: readonly Reading[],
  most: number,
  roundBytes: number,
  known: KnownChanges,
): Promise<readonly Reading[]> {
  const asked = found.flatMap(({ rows }, index) => rows.subscriptions.map(({ id }) => ({ n: index + 1, id })))
  if (asked.length === 0) return found
  // Without the state before, which is the one after the last, and is as large.
  const { rows } = await db.query<
    QueryResultRow & { id: string; n: number; cut: boolean; more: boolean; to: unknown }
  >(
    `select t.provider, t.account, t.mode, t.kind, t.id, t.incarnation, t.position, t.at_ms, t.event_id,
       case when t.id <> all($10::text[]) then t."to" end as "to", f.n, f.cut, f.more
     from (
       select r.*, r.n = min(r.n) over () as first, max(r.total) over () > $9 and max(r.n) over () > min(r.n) over () as more from (
         select x.*, bool_or(not x.kept) over (partition by x.n) as cut, sum(x.size) filter (where x.kept) over (order by x.n) as total
         from (
           select x.*, x.place <= $7 and (x.upto <= $8 or x.place = 1) as kept from (
             select s.n, t.*, row_number() over by_age as place, sum(t.size) over by_age as upto
             from unnest($5::int[], $6::text[]) as s (n, id)
             cross join lateral (
               select t.id, t.incarnation, t.position, t.at_ms, pg_column_size(t."to") as size from ledger_transitions t
               where ${inPlace('t')} and t.kind = 'subscription' and t.id = s.id offset 0) t
             window by_age as (partition by s.n order by t.at_ms desc, t.id, t.incarnation, t.position desc rows unbounded preceding)) x
           where x.place <= $7 + 1) x
       ) r
     ) f
     cross join lateral (
       select t.* from ledger_transitions t where ${inPlace('t')} and t.kind = 'subscription' and t.id = f.id
         and t.incarnation = f.incarnation and t.position = f.position offset 0) t
     where f.kept and (f.total <= $9 or f.first)
     order by f.n, t.id, t.incarnation, t.position`,
    [
      ...placeValues(place),
      asked.map(({ n }) => n),
      asked.map(({ id }) => id),
      most,
      ownerBytes,
      roundBytes,
      asked.map(({ id }) => id).filter(id => known.has(id)),
    ],
  )
  for (const { n, cut, more: _more, ...row } of rows) {
    const of = found[n - 1]!
    of.cut ||= cut
    of.rows.transitions.push(changeOf(fieldsOf(row) as unknown as TransitionRow, known))
  }
  const last = rows.at(-1)
  return last?.more ? found.slice(0, last.n) : found
}

function changeOf(row: TransitionRow, known: KnownChanges): TransitionRow {
  const changes = known.get(row.id)
  if (!changes) return row
  // A subscription has one incarnation.
  const found = changes[row.position]
  if (found?.position !== row.position) throw new TypeError(`a change of ${row.id} is not as it was written`)
  return { ...row, to: found.to }
}

/** Plans of subscriptions, of their past too, what these cost then, and coupons of discounts: all incarnations. */
async function addTerms(db: Db, place: Place, found: readonly Reading[]): Promise<void> {
  const wants = found.map(({ rows: of }) => ({
    of,
    plans: plansOf(
      of.transitions,
      of.subscriptions.flatMap(({ items }) => items),
    ),
    coupons: new Set(of.discounts.flatMap(({ coupon }) => coupon ?? [])),
  }))
  const read = (kind: string, ids: ReadonlySet<string>) => readTerms(db, place, kind, ids)
  const plans = await read('plan', new Set(wants.flatMap(want => [...want.plans])))
  const prices = await readPrices(db, place, plans)
  const coupons = await read('coupon', new Set(wants.flatMap(want => [...want.coupons])))
  for (const want of wants) {
    const own = plans.filter(row => row.kind === 'plan').filter(({ id }) => want.plans.has(id))
    want.of.plans.push(...own)
    want.of.transitions.push(...prices.filter(({ id }) => want.plans.has(id)))
    want.of.coupons.push(
      ...coupons.filter(row => row.kind === 'coupon').filter(({ id }) => want.coupons.has(id)),
    )
  }
}

/** Changes of what plans cost. */
async function readPrices(db: Db, place: Place, plans: readonly Row[]): Promise<TransitionRow[]> {
  if (plans.length === 0) return []
  const { rows } = await db.query(
    `select t.* from unnest($5::text[]) as n (id) cross join lateral (
       select provider, account, mode, kind, t.id, incarnation, position, at_ms, event_id, changes, "from", "to" from ledger_transitions t
       where ${inPlace('t')} and t.kind = 'plan' and t.id = n.id and changes ? 'unitAmount' offset 0) t
     order by t.id, t.incarnation, t.position`,
    [...placeValues(place), [...new Set(plans.map(({ id }) => id))]],
  )
  return rows.map(row => fieldsOf(row) as unknown as TransitionRow)
}

async function readTerms(db: Db, place: Place, kind: string, ids: ReadonlySet<string>): Promise<Row[]> {
  if (ids.size === 0) return []
  const { rows } = await db.query<{ fields: Record<string, unknown> }>(
    `select o.fields from unnest($6::text[]) as n (id) cross join lateral (
       select o.id, o.incarnation, o.fields from ledger_objects o
       where ${inPlace('o')} and o.kind = $5 and o.id = n.id offset 0) o
     order by o.id, o.incarnation`,
    [...placeValues(place), kind, [...ids]],
  )
  return rows.map(({ fields }) => reviveRow(fields))
}
