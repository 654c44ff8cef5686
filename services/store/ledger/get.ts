import { rowsOfPayment } from '@fairlead/ledger/project/payments'
import { toUuid } from '@fairlead/webhook/id'
import { type GetLedgerRowRequest, LedgerResource } from '@fairlead/wire/store/ledger'
import type { QueryResultRow } from 'pg'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { select, sql } from '../sql.ts'
import { StoreError } from '../store-error.ts'
import { fieldsOf } from './columns.ts'
import { addPersonal } from './list.ts'
import { readPaymentParts } from './payment-parts.ts'
import { type InPlace, inPlace, type Place, placeValues } from './place.ts'
import { rowsOf } from './project-payments.ts'
import { requireResource, rowMessage } from './resources.ts'
import { partOf } from './tellable.ts'

type Fields = Record<string, unknown>

/** Changes and parts that are shown with a row, the newest. */
const mostShown = 500

export interface FoundRow {
  readonly row: QueryResultRow
  readonly place: Place
  /** The objects whose facts the row is computed from. */
  readonly objects: readonly InPlace[]
}

/** Throws a StoreError `not_found`. */
export async function findRow(db: Db, request: GetLedgerRowRequest): Promise<FoundRow> {
  const organization = requireId('org', request.organizationId, 'organization_id')
  const resource = requireResource(request.resource)
  const query = sql
    .from(`${resource.table} as t`)
    .select('t.*')
    .where({ 't.organization_id': toUuid(organization), 't.id': request.id })
    .orderBy([
      't.provider',
      't.account',
      't.mode',
      ...(resource.tail ? [{ column: `t.${resource.tail}`, order: 'desc' }] : []),
    ])
    .limit(1)
  if (request.provider) query.where('t.provider', request.provider)
  if (request.account !== undefined) query.where('t.account', request.account)
  if (request.resource === LedgerResource.CUSTOMERS) addPersonal(query)
  const [row] = await select<QueryResultRow>(db, query)
  if (!row) throw new StoreError('not_found', 'the ledger has no such row')
  const place = { organization, provider: row.provider, account: row.account, mode: row.mode }
  const objects =
    resource.kind === undefined
      ? await objectsOfPayment(db, place, row)
      : [{ kind: resource.kind as InPlace['kind'], objectId: row.id }]
  return { row, place, objects }
}

/** A row with its history and its parts. Throws a StoreError `not_found`. */
export async function getRow(db: Db, request: GetLedgerRowRequest) {
  const found = await findRow(db, request)
  const transitions = await readTransitions(db, found)
  const parts = await readParts(db, request.resource, found)
  return {
    row: rowMessage(found.row),
    transitions: transitions.map(asJson),
    parts: Object.fromEntries(parts.map(([name, items]) => [name, { items: items.map(asJson) }])),
  }
}

/** As JSON has it: dates and undefined are none of the ledger's. */
export const asJson = (fields: Fields) => JSON.parse(JSON.stringify(fields)) as { [name: string]: never }

async function readTransitions(db: Db, { place, objects }: FoundRow): Promise<Fields[]> {
  const { rows } = await db.query(
    `select t.kind, t.id, t.at_ms, t.event_id, t.type, t.changes, t."from", t."to", t.legal, t.gap
     from unnest($5::text[], $6::text[]) as o (kind, object)
     join ledger_transitions t on ${inPlace('t')} and t.kind = o.kind and t.id = o.object
     order by t.at_ms desc, t.kind desc, t.id desc, t.position desc limit ${mostShown}`,
    [...placeValues(place), objects.map(({ kind }) => kind), objects.map(({ objectId }) => objectId)],
  )
  return rows.map(fieldsOf).toReversed()
}

async function readParts(
  db: Db,
  resource: LedgerResource,
  { row, place, objects }: FoundRow,
): Promise<(readonly [string, Fields[]])[]> {
  const read = (table: string, column: string, order = 'id') =>
    readBy(db, place, table, column, row.id, order)
  switch (resource) {
    case LedgerResource.SUBSCRIPTIONS:
      return [
        ['items', await read('ledger_subscription_items', 'subscription')],
        ['invoices', await read('ledger_invoices', 'subscription', 'created_ms desc nulls last, id')],
      ]
    case LedgerResource.INVOICES:
      return [
        ['lines', await read('ledger_invoice_lines', 'invoice')],
        ['payments', await read('ledger_payments', 'invoice')],
        ['creditNotes', await read('ledger_credit_notes', 'invoice')],
      ]
    case LedgerResource.PAYMENTS:
      return [
        ['refunds', await readObjects(db, place, objects, 'refund', 'ledger_refunds')],
        ['disputes', await readObjects(db, place, objects, 'dispute', 'ledger_disputes')],
      ]
    case LedgerResource.CUSTOMERS:
      return [
        ['subscriptions', await read('ledger_subscriptions', 'customer', 'created_ms desc nulls last, id')],
        ['invoices', await read('ledger_invoices', 'customer', 'created_ms desc nulls last, id')],
        ['payments', await read('ledger_payments', 'customer', 'created_ms desc nulls last, id')],
      ]
    case LedgerResource.PRODUCTS:
      return [['plans', await read('ledger_plans', 'product')]]
    default:
      return []
  }
}

async function readBy(
  db: Db,
  place: Place,
  table: string,
  column: string,
  id: string,
  order: string,
): Promise<Fields[]> {
  const { rows } = await db.query(
    `select * from ${table} where ${inPlace()} and ${column} = $5 order by ${order} limit ${mostShown}`,
    [...placeValues(place), id],
  )
  return rows.map(partOf)
}

async function readObjects(
  db: Db,
  place: Place,
  objects: readonly InPlace[],
  kind: InPlace['kind'],
  table: string,
): Promise<Fields[]> {
  const ids = objects.filter(object => object.kind === kind).map(({ objectId }) => objectId)
  if (ids.length === 0) return []
  const { rows } = await db.query(
    `select * from ${table} where ${inPlace()} and id = any($5::text[]) order by created_ms, id`,
    [...placeValues(place), ids],
  )
  return rows.map(partOf)
}

/**
 * Everything that a payment is projected from: its intent or order, charges, refunds and disputes. Of one with more than is read at a time those
 * that it was projected from.
 */
async function objectsOfPayment(db: Db, place: Place, row: QueryResultRow): Promise<InPlace[]> {
  const head: InPlace = { kind: row.kind, objectId: row.id }
  const seed = { owner: row.owner, kind: row.kind, id: row.id }
  for await (const { reached } of readPaymentParts(db, place, [seed])) {
    const rows = rowsOf(
      row.owner,
      reached.flatMap(({ row: part }) => part ?? []),
    )
    const parts = rowsOfPayment(rows, { kind: row.kind, id: row.id })
    const others = parts.map(({ kind, id }) => ({ kind, objectId: id }))
    return [head, ...others.filter(({ kind, objectId }) => kind !== head.kind || objectId !== head.objectId)]
  }
  return [head]
}
