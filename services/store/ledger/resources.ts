import { LedgerResource } from '@fairlead/wire/store/ledger'
import type { QueryResultRow } from 'pg'
import { StoreError } from '../store-error.ts'
import { fieldsOf } from './columns.ts'

/** The kinds of rows that lists have, and where each stands. */
export interface Resource {
  readonly table: string
  /** The kind of the object whose facts they are computed from; undefined: the row says it. */
  readonly kind: string | undefined
  /** The last column of the key, where an id alone is not one. */
  readonly tail: 'incarnation' | 'owner' | undefined
  /** Columns that a filter names; absent: a filter by it finds nothing. */
  readonly status?: string
  readonly customer?: string
  readonly subscription?: string
  readonly currency?: string
  /** Columns beside the id that a search compares as a whole. */
  readonly named: readonly string[]
}

const resources: Readonly<Partial<Record<LedgerResource, Resource>>> = {
  [LedgerResource.PRODUCTS]: {
    table: 'ledger_products',
    kind: 'product',
    tail: 'incarnation',
    named: ['name'],
  },
  [LedgerResource.PLANS]: {
    table: 'ledger_plans',
    kind: 'plan',
    tail: 'incarnation',
    currency: 'currency',
    named: ['lookup_key', 'nickname', 'product'],
  },
  [LedgerResource.CUSTOMERS]: {
    table: 'ledger_customers',
    kind: 'customer',
    tail: undefined,
    customer: 'id',
    currency: 'currency',
    named: ['reference'],
  },
  [LedgerResource.SUBSCRIPTIONS]: {
    table: 'ledger_subscriptions',
    kind: 'subscription',
    tail: undefined,
    status: 'status',
    customer: 'customer',
    subscription: 'id',
    currency: 'currency',
    named: ['customer', 'reference'],
  },
  [LedgerResource.INVOICES]: {
    table: 'ledger_invoices',
    kind: 'invoice',
    tail: undefined,
    status: 'status',
    customer: 'customer',
    subscription: 'subscription',
    currency: 'currency',
    named: ['number', 'customer'],
  },
  [LedgerResource.PAYMENTS]: {
    table: 'ledger_payments',
    kind: undefined,
    tail: 'owner',
    status: 'status',
    customer: 'customer',
    subscription: 'subscription',
    currency: 'currency',
    named: ['customer', 'invoice'],
  },
}

/** Throws a StoreError `invalid_field`. */
export function requireResource(resource: LedgerResource): Resource {
  const found = resources[resource]
  if (found) return found
  throw new StoreError('invalid_field', 'resource: is missing', { field: 'resource' })
}

/** A row as a message. */
export function rowMessage(row: QueryResultRow) {
  const { provider, account, mode, id, ...fields } = fieldsOf(row)
  // Columns that are no part of the provider's object.
  const { incarnation: _incarnation, tail: _tail, sorted: _sorted, ...shown } = fields
  return {
    provider: String(provider),
    account: String(account),
    mode: String(mode),
    id: String(id),
    fields: JSON.parse(JSON.stringify(shown)) as { [name: string]: never },
  }
}
