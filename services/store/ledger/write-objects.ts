import type { Folded, InvoiceRow, Row, SubscriptionRow } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { type Columns, columnsOf, jsonOf, putRows, replaceRows } from './columns.ts'
import { type FoldedObject, headOf } from './folded-object.ts'
import type { Owned } from './owners.ts'
import { inPlace, type Place, placeColumns, placeValues } from './place.ts'
import { writeTransitions } from './write-transitions.ts'

/** Tables that hold the rows of one kind in typed columns; other kinds are in `ledger_objects` alone. */
const tables = {
  product: { table: 'ledger_products', incarnations: true },
  plan: { table: 'ledger_plans', incarnations: true },
  customer: { table: 'ledger_customers', incarnations: false },
  subscription: { table: 'ledger_subscriptions', incarnations: false },
  invoice: { table: 'ledger_invoices', incarnations: false },
  refund: { table: 'ledger_refunds', incarnations: false },
  dispute: { table: 'ledger_disputes', incarnations: false },
  credit_note: { table: 'ledger_credit_notes', incarnations: false },
} as const satisfies Partial<Record<Row['kind'], { table: string; incarnations: boolean }>>

/** Writes what the folds of objects gave, `ledger_objects` aside: typed rows, parts, histories and personal data. */
export async function writeFolded(db: Db, place: Place, folded: readonly FoldedObject[]): Promise<void> {
  for (const [kind, { table, incarnations }] of Object.entries(tables)) {
    const rows = folded.filter(({ object }) => object.kind === kind).flatMap(({ folded }) => folded.rows)
    if (rows.length === 0) continue
    const columns = (incarnations ? rows : lastOfEach(rows)).map(row =>
      typedColumns(place, row, incarnations),
    )
    // The placeholder of an object that is told of now has another incarnation, and goes; other objects have one row for ever.
    if (!incarnations) await putRows(db, table, ['id'], columns)
    else {
      const by = { id: rows.map(({ id }) => id) }
      await replaceRows(db, { table, place, by, key: ['id', 'incarnation'], rows: columns })
    }
  }
  await writeParts(db, place, folded)
  await writeTransitions(db, place, folded)
  const personal = folded.flatMap(({ folded }) => folded.personal ?? [])
  await putRows(
    db,
    'ledger_customer_personal',
    ['customer'],
    personal.map(row => ({ ...placeColumns(place), ...columnsOf(row) })),
  )
}

/** Of an object without incarnations there is one row. */
const lastOfEach = (rows: readonly Folded['rows'][number][]) => [
  ...new Map(rows.map(row => [row.id, row])).values(),
]

function typedColumns(place: Place, row: Folded['rows'][number], incarnations: boolean): Columns {
  const { kind: _kind, items: _items, lines: _lines, ...fields } = columnsOf(row)
  const { incarnation: _incarnation, ...without } = fields
  return { ...(incarnations ? fields : without), ...placeColumns(place) }
}

/** Items and lines: those that an object has no longer go. */
async function writeParts(db: Db, place: Place, folded: readonly FoldedObject[]): Promise<void> {
  const heads = folded.map(headOf)
  const subscriptions = heads.filter((row): row is SubscriptionRow => row.kind === 'subscription')
  await replaceParts(
    db,
    place,
    'ledger_subscription_items',
    'subscription',
    subscriptions,
    ({ items }) => items,
  )
  const invoices = heads.filter((row): row is InvoiceRow => row.kind === 'invoice')
  await replaceParts(db, place, 'ledger_invoice_lines', 'invoice', invoices, ({ lines }) => lines)
}

async function replaceParts<Of extends Row>(
  db: Db,
  place: Place,
  table: string,
  column: string,
  rows: readonly Of[],
  partsOf: (row: Of) => readonly object[],
): Promise<void> {
  if (rows.length === 0) return
  await replaceRows(db, {
    table,
    place,
    by: { [column]: rows.map(({ id }) => id) },
    key: [column, 'id'],
    rows: rows.flatMap(row =>
      partsOf(row).map(part => ({ ...placeColumns(place), [column]: row.id, ...columnsOf(part) })),
    ),
  })
}

/** Writes the rows of objects that were folded, in each incarnation, with their owners. */
export async function writeObjects(
  db: Db,
  place: Place,
  owned: readonly { readonly row: Row; readonly owner: string }[],
  folded: readonly FoldedObject[],
): Promise<void> {
  const ofFold = new Map(
    folded.map(({ object, folded }) => [`${object.kind} ${object.objectId}`, folded.rows]),
  )
  const rows = owned.flatMap(({ row, owner }) =>
    (ofFold.get(`${row.kind} ${row.id}`) ?? []).map(one => objectColumns(place, one, owner)),
  )
  await putRows(db, 'ledger_objects', ['kind', 'id', 'incarnation'], rows)
  await removePlaceholders(
    db,
    place,
    folded.filter(({ folded }) => folded.rows.some(({ incarnation }) => incarnation !== '')),
  )
}

/** Gives stored objects other owners; of what they are nothing changed. */
export async function moveObjects(db: Db, place: Place, moved: readonly Owned[]): Promise<void> {
  if (moved.length === 0) return
  await db.query(
    `update ledger_objects t set owner = n.owner from unnest($5::text[], $6::text[], $7::text[]) as n (kind, id, owner)
     where ${inPlace('t')} and t.kind = n.kind and t.id = n.id`,
    [
      ...placeValues(place),
      moved.map(({ row }) => row.kind),
      moved.map(({ row }) => row.id),
      moved.map(({ owner }) => owner),
    ],
  )
}

/** Of objects that have another incarnation now. */
async function removePlaceholders(db: Db, place: Place, folded: readonly FoldedObject[]): Promise<void> {
  if (folded.length === 0) return
  await db.query(
    `delete from ledger_objects t using unnest($5::text[], $6::text[]) as o (kind, id)
     where ${inPlace('t')} and t.kind = o.kind and t.id = o.id and t.incarnation = '' and not t.known and exists (
       select from ledger_objects n where ${inPlace('n')} and n.kind = t.kind and n.id = t.id and n.incarnation <> '')`,
    [
      ...placeValues(place),
      folded.map(({ object }) => object.kind),
      folded.map(({ object }) => object.objectId),
    ],
  )
}

/** An object's row as `ledger_objects` keeps it. */
const objectColumns = (place: Place, row: Folded['rows'][number], owner: string): Columns => ({
  ...placeColumns(place),
  kind: row.kind,
  id: row.id,
  incarnation: row.incarnation,
  known: row.known,
  owner,
  fields: jsonOf(row),
})
