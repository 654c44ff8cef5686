import type { Row } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { isOfPayments } from './payment-links.ts'
import { inPlace, type Place, placeValues } from './place.ts'

/** What may be another now of an owner's projections. */
interface Change {
  /** Access and recurring revenue. */
  revenue: boolean
  /** Access and recurring revenue, where lines of invoices count in it. */
  lines: boolean
  /** Objects whose payments may be others, by their text: those that changed, and those that they named before. */
  readonly payments: Set<string>
}

/** Owners with what changed for them. */
export type Touched = Map<string, Change>

const countsIn: Readonly<Record<Row['kind'], 'revenue' | 'lines' | undefined>> = {
  customer: 'revenue',
  subscription: 'revenue',
  discount: 'revenue',
  invoice: 'lines',
  invoice_payment: undefined,
  payment_intent: undefined,
  charge: undefined,
  refund: undefined,
  dispute: undefined,
  order: undefined,
  // Owners of themselves, whose users are found by their terms; and rows of which nothing is projected.
  product: undefined,
  plan: undefined,
  coupon: undefined,
  credit_note: undefined,
  checkout: undefined,
  account: undefined,
}

/** @param objects texts of the row, and of what it named before */
export function touch(touched: Touched, owner: string, kind: Row['kind'], objects: readonly string[]): void {
  const aspect = countsIn[kind]
  if (!aspect && !isOfPayments(kind)) return
  const change = touched.get(owner) ?? { revenue: false, lines: false, payments: new Set() }
  touched.set(owner, change)
  if (aspect) change[aspect] = true
  if (isOfPayments(kind)) for (const object of objects) change.payments.add(object)
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
