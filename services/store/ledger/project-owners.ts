import { projectAccess } from '@fairlead/ledger/project/access'
import { projectMovements } from '@fairlead/ledger/project/movements'
import type { Db } from '../scope.ts'
import { columnsOf, replaceRows } from './columns.ts'
import type { OwnedRows } from './owned-rows.ts'
import { openPauses } from './pause.ts'
import { type Place, placeColumns } from './place.ts'
import { customerPrefix, projectPaymentsOf } from './project-payments.ts'
import { type KnownChanges, readOwned } from './read-owned.ts'
import { findByLines, type Touched } from './touched.ts'

/** Owners that are asked for at one time: a price may be that of all of a tenant's customers. */
const ownersAtOnce = 200

/**
 * Computes what may have changed of owners (a customer, or a payment that has none) anew from their rows: payments, access and
 * recurring revenue. Answers the ids of payments that came or changed.
 * @param known changes of subscriptions that were just written
 */
export async function projectOwners(
  db: Db,
  place: Place,
  touched: Touched,
  known: KnownChanges,
): Promise<string[]> {
  const owners = [...touched.keys()].filter(owner => owner.startsWith(customerPrefix)).toSorted()
  for (let from = 0; from < owners.length; from += ownersAtOnce)
    await projectRevenue(db, place, touched, owners.slice(from, from + ownersAtOnce), known)
  return await projectPaymentsOf(db, place, touched)
}

async function projectRevenue(
  db: Db,
  place: Place,
  touched: Touched,
  owners: readonly string[],
  known: KnownChanges,
): Promise<void> {
  const of = (owner: string) => touched.get(owner)!
  const asked = owners.filter(owner => of(owner).revenue || of(owner).lines)
  const byLines = await findByLines(db, place, asked)
  const wanted = asked.filter(owner => of(owner).revenue || byLines.has(owner))
  const [lined, others] = [
    wanted.filter(owner => byLines.has(owner)),
    wanted.filter(owner => !byLines.has(owner)),
  ]
  await project(db, place, lined, true, known)
  await project(db, place, others, false, known)
}

interface Projected extends ReturnType<typeof projectMovements> {
  readonly customer: string
  readonly access: ReturnType<typeof projectAccess>
}

async function project(
  db: Db,
  place: Place,
  owners: readonly string[],
  lines: boolean,
  known: KnownChanges,
): Promise<void> {
  const pauses = openPauses()
  for await (const found of readOwned(db, place, owners, lines, undefined, undefined, known)) {
    const projected: Projected[] = []
    for (const owned of found) {
      projected.push(projectOne(owned))
      if (pauses.isDue()) await pauses.take()
    }
    await writeRevenue(db, place, projected)
  }
}

/** Where not all was read, neither access nor the revenue of any subscription is complete. Pure. */
function projectOne({ owner, rows, cut }: OwnedRows): Projected {
  const customer = owner.slice(customerPrefix.length)
  const [access, revenue] = [projectAccess(rows), projectMovements(rows)]
  if (!cut) return { customer, access, ...revenue }
  const incomplete = rows.subscriptions.map(({ id }) => id).toSorted()
  return { customer, access: access && { ...access, complete: false }, ...revenue, incomplete }
}

async function writeRevenue(db: Db, place: Place, computed: readonly Projected[]): Promise<void> {
  if (computed.length === 0) return
  const ofCustomers = { place, by: { customer: computed.map(({ customer }) => customer) } }
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
