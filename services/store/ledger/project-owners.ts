import { projectAccess } from '@fairlead/ledger/project/access'
import { projectMovements } from '@fairlead/ledger/project/movements'
import { projectPayments } from '@fairlead/ledger/project/payments'
import type { CustomerRows } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { columnsOf, replaceRows } from './columns.ts'
import { openPauses } from './pause.ts'
import { inPlace, type Place, placeColumns, placeValues } from './place.ts'
import { nothing, readOwned, type Wanted } from './read-owned.ts'
import { findByLines, type Touched } from './touched.ts'

/** Owners whose rows are in memory at one time: a price may be that of all of a tenant's customers. */
const ownersAtOnce = 200

/**
 * Computes what may have changed of owners (a customer, or a payment that has none) anew from their rows: payments, access and
 * recurring revenue. Answers the ids of payments that came or changed.
 */
export async function projectOwners(db: Db, place: Place, touched: Touched): Promise<string[]> {
  const changed: string[] = []
  const owners = [...touched.keys()].toSorted()
  for (let from = 0; from < owners.length; from += ownersAtOnce)
    changed.push(...(await projectSome(db, place, touched, owners.slice(from, from + ownersAtOnce))))
  return changed
}

async function projectSome(
  db: Db,
  place: Place,
  touched: Touched,
  owners: readonly string[],
): Promise<string[]> {
  const of = (owner: string) => touched.get(owner)!
  const asked = owners.filter(owner => of(owner).has('revenue') || of(owner).has('lines'))
  const byLines = await findByLines(db, place, asked)
  const groups = Map.groupBy(owners, owner => {
    const lines = byLines.has(owner)
    const revenue = of(owner).has('revenue') || (lines && of(owner).has('lines'))
    return wantedOf(of(owner).has('payments'), revenue, lines && revenue)
  })
  const projected: Projected[] = []
  for (const [wanted, some] of groups) projected.push(...(await project(db, place, some, wanted)))
  const changed = await writePayments(db, place, projected)
  await writeRevenue(db, place, projected)
  return changed
}

/** One object for each of the eight, so that owners group by it. */
const wants: readonly Wanted[] = [0, 1, 2, 3, 4, 5, 6, 7].map(bits => ({
  payments: (bits & 1) !== 0,
  revenue: (bits & 2) !== 0,
  lines: (bits & 4) !== 0,
}))

const wantedOf = (payments: boolean, revenue: boolean, lines: boolean): Wanted =>
  wants[(payments ? 1 : 0) + (revenue ? 2 : 0) + (lines ? 4 : 0)]!

interface Projected {
  readonly owner: string
  /** Undefined: as they were. */
  readonly payments: ReturnType<typeof projectPayments> | undefined
  readonly revenue:
    | (ReturnType<typeof projectMovements> & { readonly access: ReturnType<typeof projectAccess> })
    | undefined
}

async function project(
  db: Db,
  place: Place,
  owners: readonly string[],
  wanted: Wanted,
): Promise<Projected[]> {
  if (!wanted.payments && !wanted.revenue) return []
  const rows = await readOwned(db, place, owners, wanted)
  const pauses = openPauses()
  const projected: Projected[] = []
  for (const owner of owners) {
    const of: CustomerRows = rows.get(owner) ?? nothing
    projected.push({
      owner,
      payments: wanted.payments ? projectPayments(of) : undefined,
      revenue: wanted.revenue ? { access: projectAccess(of), ...projectMovements(of) } : undefined,
    })
    if (pauses.isDue()) await pauses.take()
  }
  return projected
}

async function writePayments(db: Db, place: Place, projected: readonly Projected[]): Promise<string[]> {
  const computed = projected.flatMap(({ owner, payments }) => (payments ? [{ owner, payments }] : []))
  if (computed.length === 0) return []
  return await replaceRows(db, {
    table: 'ledger_payments',
    where: `${inPlace('t', 2)} and t.owner = any($6::text[])`,
    values: [...placeValues(place), computed.map(({ owner }) => owner)],
    key: ['id', 'owner'],
    rows: computed.flatMap(({ owner, payments }) =>
      payments.map(payment => ({ ...columnsOf(payment), ...placeColumns(place), owner })),
    ),
    returning: 'id',
  })
}

async function writeRevenue(db: Db, place: Place, projected: readonly Projected[]): Promise<void> {
  const computed = projected.flatMap(({ owner, revenue }) =>
    revenue && owner.startsWith(customerPrefix)
      ? [{ customer: owner.slice(customerPrefix.length), ...revenue }]
      : [],
  )
  if (computed.length === 0) return
  const ofCustomers = {
    where: `${inPlace('t', 2)} and t.customer = any($6::text[])`,
    values: [...placeValues(place), computed.map(({ customer }) => customer)],
  }
  await replaceRows(db, {
    ...ofCustomers,
    table: 'ledger_access',
    key: ['customer'],
    rows: computed.flatMap(({ access, incomplete }) =>
      access ? [{ ...columnsOf(access), mrr_incomplete: incomplete, ...placeColumns(place) }] : [],
    ),
  })
  await replaceRows(db, {
    ...ofCustomers,
    table: 'ledger_mrr_movements',
    key: ['customer', 'currency', 'at_ms', 'position'],
    rows: computed.flatMap(({ movements }) =>
      numbered(movements).map(one => ({ ...columnsOf(one), ...placeColumns(place) })),
    ),
  })
}

const customerPrefix = 'customer:'

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
