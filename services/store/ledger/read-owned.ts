import type { CustomerRow, CustomerRows, Row, TransitionRow } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { fieldsOf } from './columns.ts'
import { plansOf } from './links.ts'
import { inPlace, type Place, placeValues } from './place.ts'
import { reviveRow } from './revive.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Element)[] ? Element[] : T[K] }

const empty = (): Mutable<CustomerRows> => ({
  customer: null,
  products: [],
  plans: [],
  coupons: [],
  discounts: [],
  subscriptions: [],
  transitions: [],
  invoices: [],
  invoicePayments: [],
  paymentIntents: [],
  charges: [],
  refunds: [],
  disputes: [],
  checkouts: [],
  orders: [],
})
export const nothing: CustomerRows = empty()

/** What rows are read for: those that a projection doesn't look at are not. */
export interface Wanted {
  readonly payments: boolean
  /** Access and recurring revenue. */
  readonly revenue: boolean
  /** Lines of invoices, which tell what tiers and taxes came to. */
  readonly lines: boolean
}

function kindsOf({ payments, revenue, lines }: Wanted): Row['kind'][] {
  const kinds = new Set<Row['kind']>(['customer'])
  for (const kind of payments ? paymentKinds : []) kinds.add(kind)
  for (const kind of revenue ? (['subscription', 'discount'] as const) : []) kinds.add(kind)
  if (lines) kinds.add('invoice')
  return [...kinds]
}

/** Rows that payments are made of. */
const paymentKinds = [
  'payment_intent',
  'charge',
  'refund',
  'dispute',
  'order',
  'invoice_payment',
  'invoice',
] as const satisfies readonly Row['kind'][]

/** The wanted rows of each owner, with the plans and coupons that its subscriptions name. */
export async function readOwned(
  db: Db,
  place: Place,
  owners: readonly string[],
  wanted: Wanted,
): Promise<Map<string, CustomerRows>> {
  const { rows } = await db.query<{ owner: string; fields: Record<string, unknown> }>(
    `select owner, ${wanted.lines ? 'fields' : "fields - 'lines' as fields"} from ledger_objects
     where ${inPlace()} and owner = any($5::text[]) and kind = any($6::text[])
     order by kind, id, incarnation`,
    [...placeValues(place), owners, kindsOf(wanted)],
  )
  const found = new Map<string, Mutable<CustomerRows>>()
  for (const { owner, fields } of rows) {
    const of = found.get(owner) ?? empty()
    found.set(owner, of)
    take(of, reviveRow(fields))
  }
  if (wanted.revenue) {
    await addTransitions(db, place, found)
    await addTerms(db, place, found)
  }
  return found
}

function take(of: Mutable<CustomerRows>, row: Row): void {
  switch (row.kind) {
    case 'customer':
      of.customer = row satisfies CustomerRow
      return
    case 'discount':
      of.discounts.push(row)
      return
    case 'subscription':
      of.subscriptions.push(row)
      return
    case 'invoice':
      of.invoices.push(row)
      return
    case 'invoice_payment':
      of.invoicePayments.push(row)
      return
    case 'payment_intent':
      of.paymentIntents.push(row)
      return
    case 'charge':
      of.charges.push(row)
      return
    case 'refund':
      of.refunds.push(row)
      return
    case 'dispute':
      of.disputes.push(row)
      return
    case 'checkout':
      of.checkouts.push(row)
      return
    case 'order':
      of.orders.push(row)
      return
    // Owners of themselves, from which nothing is projected; and credit notes, which are rows of their own alone.
    case 'product':
    case 'plan':
    case 'coupon':
    case 'credit_note':
    case 'account':
      return
    default:
      row satisfies never
  }
}

async function addTransitions(
  db: Db,
  place: Place,
  found: ReadonlyMap<string, Mutable<CustomerRows>>,
): Promise<void> {
  const of = new Map(
    [...found.values()].flatMap(rows => rows.subscriptions.map(({ id }) => [id, rows.transitions] as const)),
  )
  if (of.size === 0) return
  // Without the state before, which is the one after the last, and is as large.
  const { rows } = await db.query(
    `select provider, account, mode, kind, id, incarnation, position, at_ms, event_id, "to" from ledger_transitions
     where ${inPlace()} and kind = 'subscription' and id = any($5::text[]) order by id, incarnation, position`,
    [...placeValues(place), [...of.keys()]],
  )
  for (const row of rows) of.get(row.id)?.push(fieldsOf(row) as unknown as TransitionRow)
}

/** Plans of subscriptions, of their past too, what these cost then, and coupons of discounts: all incarnations. */
async function addTerms(
  db: Db,
  place: Place,
  found: ReadonlyMap<string, Mutable<CustomerRows>>,
): Promise<void> {
  const wants = [...found.values()].map(of => ({
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
    `select * from ledger_transitions where ${inPlace()} and kind = 'plan' and id = any($5::text[]) and changes ? 'unitAmount'
     order by id, incarnation, position`,
    [...placeValues(place), plans.map(({ id }) => id)],
  )
  return rows.map(row => fieldsOf(row) as unknown as TransitionRow)
}

async function readTerms(db: Db, place: Place, kind: string, ids: ReadonlySet<string>): Promise<Row[]> {
  if (ids.size === 0) return []
  const { rows } = await db.query<{ fields: Record<string, unknown> }>(
    `select fields from ledger_objects where ${inPlace()} and kind = $5 and id = any($6::text[]) order by id, incarnation`,
    [...placeValues(place), kind, [...ids]],
  )
  return rows.map(({ fields }) => reviveRow(fields))
}
