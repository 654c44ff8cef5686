import type { Row } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { inPlace, type Place, placeValues } from './place.ts'

/**
 * What of an owner's projections may be another now: payments, or access and recurring revenue. `lines`: revenue, where lines of invoices
 * count in it.
 */
export type Aspect = 'payments' | 'revenue' | 'lines'

/** Owners with what changed for them. */
export type Touched = Map<string, Set<Aspect>>

const aspects: Readonly<Record<Row['kind'], readonly Aspect[]>> = {
  customer: ['payments', 'revenue'],
  subscription: ['revenue'],
  discount: ['revenue'],
  invoice: ['payments', 'lines'],
  invoice_payment: ['payments'],
  payment_intent: ['payments'],
  charge: ['payments'],
  refund: ['payments'],
  dispute: ['payments'],
  order: ['payments'],
  // Owners of themselves, whose users are found by their terms; and rows of which nothing is projected.
  product: [],
  plan: [],
  coupon: [],
  credit_note: [],
  checkout: [],
  account: [],
}

export function touch(touched: Touched, owner: string, kind: Row['kind']): void {
  if (aspects[kind].length === 0) return
  const known = touched.get(owner) ?? new Set()
  for (const aspect of aspects[kind]) known.add(aspect)
  touched.set(owner, known)
}

/** Those of the owners with a plan, now or once, whose tiers or taxes only lines of invoices tell. */
export async function findByLines(
  db: Db,
  place: Place,
  owners: readonly string[],
): Promise<ReadonlySet<string>> {
  if (owners.length === 0) return new Set()
  const { rows } = await db.query<{ owner: string }>(
    // Each step by its index, whatever Postgres knows of the tables so far.
    `select distinct s.owner from (
       select s.owner, s.id from ledger_objects s
       where ${inPlace('s')} and s.owner = any($5::text[]) and s.kind = 'subscription' offset 0) s
     cross join lateral (
       select l.parent_id from ledger_links l
       where ${inPlace('l')} and l.kind = 'subscription' and l.id = s.id and l.parent_kind = 'plan' offset 0) l
     cross join lateral (
       select p.* from ledger_plans p where ${inPlace('p')} and p.id = l.parent_id offset 0) p
     where (
       p.scheme = 'tiered' or p.tax = 'inclusive' or p.unit_amount is null or exists (
         select from ledger_transitions t where ${inPlace('t')} and t.kind = 'plan' and t.id = p.id
           and t.changes ? 'unitAmount' and t."to"->>'unitAmount' is null))`,
    [...placeValues(place), owners],
  )
  return new Set(rows.map(({ owner }) => owner))
}
