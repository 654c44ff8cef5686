import type { Row } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { paymentKinds, paymentLinks } from './payment-links.ts'
import { inPlace, type Place, placeValues } from './place.ts'
import { reviveRow } from './revive.ts'

/** An object of an owner of whose payments it may be a part. */
export interface PaymentSeed {
  readonly owner: string
  readonly kind: string
  readonly id: string
}

/** Payments that hang together, of any owners: by what their objects name. */
export interface PaymentParts {
  /** All that was found by the seeds, those without a row of the owner too: each may be the id of a payment, or have been. */
  readonly reached: readonly (PaymentSeed & { readonly row: Row | undefined })[]
  /** The seed of which there is more than was read; undefined: all was. */
  readonly cut: PaymentSeed | undefined
}

/** Kinds whose objects payments are named by. */
export const namingKinds: readonly string[] = ['payment_intent', 'charge', 'order']

/** Objects that are in memory at one time, and so of which one payment is computed. */
export const mostParts = 5_000

/**
 * Goes from objects to those that they name, and to those that name them, as far as the owner's rows lead: an invoice to its payments, a
 * payment to its charges and these to their refunds. Each step by an index, whatever Postgres knows of the tables so far.
 */
const reaching = `with recursive reached (owner, kind, id) as (
    select * from unnest($5::text[], $6::text[], $7::text[])
    union
    select r.owner, n.kind, n.id from reached r cross join lateral (
      select p.kind, p.id from (
        select o.owner, o.fields from ledger_objects o
        where ${inPlace('o')} and o.kind = r.kind and o.id = r.id offset 0) o
      cross join ${paymentLinks('o')}
      where o.owner = r.owner and p.id is not null
      union all
      select l.kind, l.id from (
        select l.kind, l.id from ledger_links l
        where ${inPlace('l')} and l.parent_kind = r.kind and l.parent_id = r.id offset 0) l
      cross join lateral (
        select o.owner from ledger_objects o where ${inPlace('o')} and o.kind = l.kind and o.id = l.id offset 0) o
      where l.kind = any($8::text[]) and o.owner = r.owner
    ) n
  )`

const seedValues = (place: Place, seeds: readonly PaymentSeed[]): unknown[] => [
  ...placeValues(place),
  seeds.map(({ owner }) => owner),
  seeds.map(({ kind }) => kind),
  seeds.map(({ id }) => id),
  paymentKinds,
]

/**
 * The rows of the payments of which the seeds are parts, at most `most` at one time: where seeds have more together, they are read one
 * after the other, and of a single seed with more those that say most. So what is read of a payment doesn't depend on the seeds beside it.
 */
export async function* readPaymentParts(
  db: Db,
  place: Place,
  seeds: readonly PaymentSeed[],
  most = mostParts,
): AsyncGenerator<PaymentParts> {
  const left = [seeds]
  for (let some = left.pop(); some; some = left.pop()) {
    if (some.length === 0) continue
    const reached = await readReached(db, place, some, most + 1)
    if (reached.length <= most) yield { reached, cut: undefined }
    else if (some.length === 1) {
      yield { reached: reached.slice(0, most), cut: some[0] }
      const done = await findReached(db, place, some[0]!, left.flat())
      for (const [index, waiting] of left.entries()) left[index] = waiting.filter(seed => !done.has(seed))
    } else {
      const half = Math.ceil(some.length / 2)
      left.push(some.slice(half), some.slice(0, half))
    }
  }
}

async function readReached(
  db: Db,
  place: Place,
  seeds: readonly PaymentSeed[],
  limit: number,
): Promise<PaymentParts['reached']> {
  const { rows } = await db.query<PaymentSeed & { fields: Record<string, unknown> | null }>(
    `${reaching}
     select r.owner, r.kind, r.id, case when o.owner = r.owner then o.fields end as fields from (
       select r.* from reached r order by array_position($8::text[], r.kind), r.id, r.owner limit $9) r
     left join lateral (
       select o.owner, o.fields - 'lines' as fields from ledger_objects o
       where ${inPlace('o')} and o.kind = r.kind and o.id = r.id offset 0) o on true
     order by array_position($8::text[], r.kind), r.id, r.owner`,
    [...seedValues(place, seeds), limit],
  )
  return rows.map(({ fields, ...seed }) => ({ ...seed, row: fields ? reviveRow(fields) : undefined }))
}

/** Those of some seeds that are found by another one. */
async function findReached(
  db: Db,
  place: Place,
  from: PaymentSeed,
  seeds: readonly PaymentSeed[],
): Promise<Set<PaymentSeed>> {
  if (seeds.length === 0) return new Set()
  const { rows } = await db.query<{ n: number }>(
    `${reaching}
     select w.n::int from unnest($9::text[], $10::text[], $11::text[]) with ordinality as w (owner, kind, id, n)
     where ((w.owner, w.kind, w.id) in (select r.owner, r.kind, r.id from reached r)) is true`,
    [
      ...seedValues(place, [from]),
      seeds.map(({ owner }) => owner),
      seeds.map(({ kind }) => kind),
      seeds.map(({ id }) => id),
    ],
  )
  return new Set(rows.map(({ n }) => seeds[n - 1]!))
}

/** Removes the payments that hang together with a seed and are none of some ids. */
export async function removeOtherPayments(
  db: Db,
  place: Place,
  from: PaymentSeed,
  ids: readonly string[],
): Promise<void> {
  await db.query(
    `${reaching}
     delete from ledger_payments t using reached r
     where ${inPlace('t')} and t.owner = r.owner and t.id = r.id and r.kind = any($9::text[]) and t.id <> all($10::text[])`,
    [...seedValues(place, [from]), namingKinds, ids],
  )
}
