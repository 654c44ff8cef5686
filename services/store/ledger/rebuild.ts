import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { Pool } from 'pg'
import { type Db, inScope } from '../scope.ts'
import { type InPlace, inPlace, lockPlaces, type Place, placeValues } from './place.ts'
import { refold } from './refold.ts'
import { noteRestated, readClosedDays } from './revenue/restatements.ts'

/** Objects that are computed in one transaction. */
const objectsAtOnce = 200
/** The longest that one statement may take, ms: to delete all rows of a large account is one. */
const rebuildMs = 600_000

/** Every table of computed rows, with the columns that name an object or customer of facts. */
export const derivedTables = [
  'ledger_objects',
  'ledger_links',
  'ledger_products',
  'ledger_plans',
  'ledger_customers',
  'ledger_customer_personal',
  'ledger_subscriptions',
  'ledger_subscription_items',
  'ledger_transitions',
  'ledger_invoices',
  'ledger_invoice_lines',
  'ledger_payments',
  'ledger_refunds',
  'ledger_disputes',
  'ledger_credit_notes',
  'ledger_access',
  'ledger_mrr_movements',
] as const

/** Tables of facts and of what is told. */
export const keptTables = [
  'ledger_facts',
  'ledger_fact_personal',
  'ledger_redactions',
  'ledger_quarantine',
  'ledger_outbox',
  // After the rows that are computed: to delete those is a change of closed days.
  'ledger_restatements',
] as const

/**
 * Computes all rows of an organization anew from its facts, and tells nobody. In one transaction the rows of a place go, and
 * come again in pages: whoever reads meanwhile sees them as they were. Facts that come wait for the place's lock.
 *
 * @param options `mode` of the data that is computed anew, of both without one; `progress` counts the objects; `signal` ends it between two pages
 */
export async function rebuildLedger(
  pool: Pool,
  organization: OrganizationId,
  { mode, progress, signal }: RebuildOptions,
): Promise<void> {
  const places = await inScope(pool, organization, db => readPlaces(db, organization), { mode })
  for (const place of places) {
    const options = { timeoutMs: rebuildMs, mode }
    await inScope(pool, organization, db => rebuildPlace(db, place, { progress, signal }), options)
  }
}

interface RebuildOptions {
  readonly mode: Mode | undefined
  readonly progress: { objects: number }
  readonly signal: AbortSignal
}

async function readPlaces(db: Db, organization: OrganizationId): Promise<Place[]> {
  const { rows } = await db.query<Omit<Place, 'organization'>>(
    'select distinct provider, account, mode from ledger_facts where organization_id = $1 order by 1, 2, 3',
    [toUuid(organization)],
  )
  return rows.map(row => ({ organization, ...row }))
}

async function rebuildPlace(
  db: Db,
  place: Place,
  { progress, signal }: Omit<RebuildOptions, 'mode'>,
): Promise<void> {
  await lockPlaces(db, [place])
  await db.query("select set_config('fairlead.ledger_rebuild', 'on', true)")
  const before = await readClosedDays(db, place)
  for (const table of derivedTables)
    await db.query(`delete from ${table} where ${inPlace()}`, placeValues(place))
  let after: InPlace | undefined
  do {
    signal.throwIfAborted()
    const objects = await readObjects(db, place, after)
    if (objects.length > 0) await refold(db, place, objects)
    progress.objects += objects.length
    after = objects.at(-1)
  } while (after)
  await noteRestated(db, place, before, await readClosedDays(db, place))
}

async function readObjects(db: Db, place: Place, after: InPlace | undefined): Promise<InPlace[]> {
  const { rows } = await db.query<{ kind: InPlace['kind']; object_id: string }>(
    `select distinct kind, object_id from ledger_facts
     where ${inPlace()} and (kind, object_id) > ($5, $6) order by kind, object_id limit $7`,
    [...placeValues(place), after?.kind ?? '', after?.objectId ?? '', objectsAtOnce],
  )
  return rows.map(({ kind, object_id: objectId }) => ({ kind, objectId }))
}
