import { LedgerResource, type LedgerRow } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { pageOf } from '../query.ts'
import {
  type Columns,
  columns,
  type Fields,
  headSchema,
  type PartName,
  partColumns,
  present,
  shapeOf,
  transitionSchema,
} from './schemas.ts'

/** The resources of the ledger: one declaration each makes its list, its row, its facts and its export, under both paths. */
interface Declared {
  /** As paths have it. */
  readonly path: 'plans' | 'customers' | 'subscriptions' | 'invoices' | 'payments'
  /** In names of operations and schemas. */
  readonly noun: 'Plan' | 'Customer' | 'Subscription' | 'Invoice' | 'Payment'
  readonly resource: LedgerResource
  readonly columns: Columns
  readonly statuses: readonly string[]
  readonly parts: readonly PartName[]
  /** For people. */
  readonly said: string
}

const declared: readonly Declared[] = [
  {
    path: 'plans',
    noun: 'Plan',
    resource: LedgerResource.PLANS,
    columns: columns.plan,
    statuses: [],
    parts: [],
    said: 'Prices of products. `unitAmount` is a decimal number of minor units.',
  },
  {
    path: 'customers',
    noun: 'Customer',
    resource: LedgerResource.CUSTOMERS,
    columns: columns.customer,
    statuses: [],
    parts: ['subscriptions', 'invoices', 'payments'],
    said: 'Who pays. `known: false`: other objects name the customer, and no event has told of it yet.',
  },
  {
    path: 'subscriptions',
    noun: 'Subscription',
    resource: LedgerResource.SUBSCRIPTIONS,
    columns: columns.subscription,
    statuses: [
      'incomplete',
      'trialing',
      'active',
      'past_due',
      'unpaid',
      'paused',
      'canceled',
      'expired',
      'unknown',
    ],
    parts: ['items', 'invoices'],
    said: 'What customers have booked. `canceledAt` is when the cancellation was asked for; `endedAt` is the end.',
  },
  {
    path: 'invoices',
    noun: 'Invoice',
    resource: LedgerResource.INVOICES,
    columns: columns.invoice,
    statuses: ['draft', 'open', 'uncollectible', 'paid', 'void', 'unknown'],
    parts: ['lines', 'payments', 'creditNotes'],
    said: 'What customers are asked to pay.',
  },
  {
    path: 'payments',
    noun: 'Payment',
    resource: LedgerResource.PAYMENTS,
    columns: columns.payment,
    statuses: [
      'pending',
      'requires_action',
      'failed',
      'canceled',
      'succeeded',
      'partially_refunded',
      'refunded',
      'disputed',
      'lost',
      'reversed',
      'unknown',
    ],
    parts: ['refunds', 'disputes'],
    said: 'Money taken once, with all that became of it: refunds and disputes count as they stand now.',
  },
]

/** With its schemas: one that has an id is one object, wherever it stands in the document. */
export interface BillingResource extends Declared {
  readonly row: z.ZodObject
  readonly page: z.ZodObject
  /** With its parts and its history. */
  readonly detail: z.ZodObject
}

const partSchemas = Object.fromEntries(
  Object.entries(partColumns).map(([name, of]) => [
    name,
    z.array(z.object(shapeOf(of as Columns)).meta({ id: `Billing_${name}` })),
  ]),
)

export const resources: readonly BillingResource[] = declared.map(resource => {
  const { noun, columns, parts } = resource
  const row = z.object({ ...headSchema, ...shapeOf(columns) }).meta({ id: `Billing${noun}` })
  const ofParts = Object.fromEntries(parts.map(name => [name, partSchemas[name] ?? z.array(z.unknown())]))
  return {
    ...resource,
    row,
    page: pageOf(row).meta({ id: `Billing${noun}Page` }),
    detail: row
      .extend({ ...ofParts, history: z.array(transitionSchema) })
      .meta({ id: `Billing${noun}Detail` }),
  }
})

export const presentPart = (name: PartName, fields: Fields) => present(partColumns[name] as Columns, fields)

export function presentRow(resource: Pick<Declared, 'columns'>, row: LedgerRow | undefined) {
  if (!row) throw new TypeError('the store answered without the row')
  return {
    provider: row.provider as 'stripe' | 'paypal' | 'shopify',
    account: row.account,
    mode: row.mode === 'test' ? ('test' as const) : ('live' as const),
    id: row.id,
    ...present(resource.columns, row.fields ?? {}),
  }
}
