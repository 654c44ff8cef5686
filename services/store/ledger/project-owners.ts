import { projectAccess } from '@fairlead/ledger/project/access'
import { projectMovements } from '@fairlead/ledger/project/movements'
import { projectPayments } from '@fairlead/ledger/project/payments'
import type { CustomerRow, CustomerRows, Row, TransitionRow } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { columnsOf, fieldsOf, replaceRows } from './columns.ts'
import { plansOf } from './links.ts'
import { inPlace, type Place, placeColumns, placeValues } from './place.ts'
import { reviveRow } from './revive.ts'

/**
 * Computes payments, access and recurring revenue of owners (a customer, or a payment that has none) anew from all their rows.
 * Answers the ids of payments that came or changed.
 */
export async function projectOwners(db: Db, place: Place, owners: readonly string[]): Promise<string[]> {
  const changed: string[] = []
  for (let from = 0; from < owners.length; from += ownersAtOnce)
    changed.push(...(await projectSome(db, place, owners.slice(from, from + ownersAtOnce))))
  return changed
}

/** Owners whose rows are in memory at one time: a price may be that of all of a tenant's customers. */
const ownersAtOnce = 200

async function projectSome(db: Db, place: Place, owners: readonly string[]): Promise<string[]> {
  const rows = await readOwned(db, place, owners)
  const projected = owners.map(owner => {
    const of = rows.get(owner) ?? nothing
    return { owner, payments: projectPayments(of), access: projectAccess(of), ...projectMovements(of) }
  })
  const changed = await replaceRows(db, {
    table: 'ledger_payments',
    where: `${inPlace('t', 2)} and t.owner = any($6::text[])`,
    values: [...placeValues(place), owners],
    key: ['id', 'owner'],
    rows: projected.flatMap(({ owner, payments }) =>
      payments.map(payment => ({ ...columnsOf(payment), ...placeColumns(place), owner })),
    ),
    returning: 'id',
  })
  const ofCustomers = {
    where: `${inPlace('t', 2)} and t.customer = any($6::text[])`,
    values: [
      ...placeValues(place),
      owners.flatMap(owner => (owner.startsWith('customer:') ? [owner.slice('customer:'.length)] : [])),
    ],
  }
  await replaceRows(db, {
    ...ofCustomers,
    table: 'ledger_access',
    key: ['customer'],
    rows: projected.flatMap(({ access, incomplete }) =>
      access ? [{ ...columnsOf(access), mrr_incomplete: incomplete, ...placeColumns(place) }] : [],
    ),
  })
  await replaceRows(db, {
    ...ofCustomers,
    table: 'ledger_mrr_movements',
    key: ['customer', 'currency', 'at_ms', 'position'],
    rows: projected.flatMap(({ movements }) =>
      numbered(movements).map(one => ({ ...columnsOf(one), ...placeColumns(place) })),
    ),
  })
  return changed
}

/** Movements of one customer, currency and time are told apart by their place in the projection's order. */
function numbered<Movement extends { readonly currency: string; readonly at: number }>(
  movements: readonly Movement[],
): (Movement & { position: number })[] {
  const counts = new Map<string, number>()
  return movements.map(movement => {
    const text = `${movement.currency} ${movement.at}`
    const position = counts.get(text) ?? 0
    counts.set(text, position + 1)
    return { ...movement, position }
  })
}

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
const nothing: CustomerRows = empty()

/** All rows of each owner, with the plans, products and coupons that they name. */
async function readOwned(
  db: Db,
  place: Place,
  owners: readonly string[],
): Promise<Map<string, CustomerRows>> {
  const { rows } = await db.query<{ owner: string; fields: Record<string, unknown> }>(
    `select owner, fields from ledger_objects where ${inPlace()} and owner = any($5::text[])
     order by kind, id, incarnation`,
    [...placeValues(place), owners],
  )
  const found = new Map<string, Mutable<CustomerRows>>()
  for (const { owner, fields } of rows) {
    const of = found.get(owner) ?? empty()
    found.set(owner, of)
    take(of, reviveRow(fields))
  }
  await addTransitions(db, place, found)
  await addTerms(db, place, found)
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
  const { rows } = await db.query(
    `select * from ledger_transitions where ${inPlace()} and kind = 'subscription' and id = any($5::text[])
     order by id, incarnation, position`,
    [...placeValues(place), [...of.keys()]],
  )
  for (const row of rows) of.get(row.id)?.push(fieldsOf(row) as unknown as TransitionRow)
}

/** Plans of subscriptions, of their past too, what these cost then, their products, and coupons of discounts: all incarnations. */
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
  const products = await read(
    'product',
    new Set(plans.flatMap(row => (row.kind === 'plan' && row.product !== null ? [row.product] : []))),
  )
  for (const want of wants) {
    const own = plans.filter(row => row.kind === 'plan').filter(({ id }) => want.plans.has(id))
    const named = new Set(own.map(({ product }) => product))
    want.of.plans.push(...own)
    want.of.transitions.push(...prices.filter(({ id }) => want.plans.has(id)))
    want.of.products.push(...products.filter(row => row.kind === 'product').filter(({ id }) => named.has(id)))
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
