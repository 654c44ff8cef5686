import type { QueryResultRow } from 'pg'
import type { Db } from '../scope.ts'
import { fieldsOf } from './columns.ts'
import type { Tellable, ToldKind } from './outbox.ts'
import { inPlace, type Place, placeValues } from './place.ts'

const tables = {
  customer: 'ledger_customers',
  subscription: 'ledger_subscriptions',
  invoice: 'ledger_invoices',
  payment: 'ledger_payments',
} as const satisfies Record<ToldKind, string>

/**
 * Objects of one kind as they can be told now, by their id; what is not known, or is no more, is left out.
 * @param withHistory somebody is told that an object's past changed; payments have none
 */
export async function readTellable(
  db: Db,
  place: Place,
  kind: ToldKind,
  ids: readonly string[],
  withHistory: boolean,
): Promise<Map<string, Tellable>> {
  if (ids.length === 0) return new Map()
  const named = [...placeValues(place), ids]
  const { rows } = await db.query<QueryResultRow & { id: string }>(
    `select * from ${tables[kind]} where ${inPlace()} and id = any($5::text[]) and known ${kind === 'payment' ? 'order by owner desc' : ''}`,
    named,
  )
  const items = kind === 'subscription' ? await readItems(db, named) : new Map<string, object[]>()
  const transitions = withHistory ? await readTransitions(db, named, kind) : []
  const histories = Map.groupBy(transitions, ({ id }) => id)
  return new Map(
    rows.map(row => {
      const fields = {
        ...fieldsOf(row),
        ...(kind === 'subscription' && { items: items.get(row.id) ?? [] }),
      }
      const history = (histories.get(row.id) ?? []).map(({ at_ms, from, to }) => [at_ms, from, to])
      return [
        row.id,
        { kind, status: statusOf(kind, row), fields, history: withHistory ? history : undefined },
      ]
    }),
  )
}

async function readItems(db: Db, named: unknown[]): Promise<Map<string, object[]>> {
  const { rows } = await db.query<QueryResultRow & { subscription: string }>(
    `select * from ledger_subscription_items where ${inPlace()} and subscription = any($5::text[]) order by subscription, id`,
    named,
  )
  const items = Map.groupBy(rows, ({ subscription }) => subscription)
  return new Map([...items].map(([subscription, of]) => [subscription, of.map(partOf)]))
}

async function readTransitions(db: Db, named: unknown[], kind: ToldKind) {
  const { rows } = await db.query<{ id: string; at_ms: string; from: unknown; to: unknown }>(
    `select id, at_ms, "from", "to" from ledger_transitions where ${inPlace()} and kind = $6 and id = any($5::text[])
     order by id, incarnation, position`,
    [...named, kind],
  )
  return rows
}

/** A part without the key of its whole. */
export function partOf(row: QueryResultRow): Record<string, unknown> {
  const { provider: _provider, account: _account, mode: _mode, ...part } = fieldsOf(row)
  return part
}

function statusOf(kind: ToldKind, row: QueryResultRow): string {
  if (kind !== 'customer') return typeof row.status === 'string' ? row.status : 'unknown'
  return row.deleted ? 'deleted' : 'known'
}
