import { exponentOf } from '@fairlead/ledger/money'
import { z } from 'zod'
import { modeSchema } from '../mode.ts'
import { timeText } from '../time.ts'

/** Rows of the ledger as answers have them. Field names are those of packages/ledger; a time is text, an amount says its currency. */

export const moneySchema = z
  .object({
    amount: z.int().meta({ description: 'Whole minor units.', example: 1999 }),
    currency: z.string().length(3).meta({ description: 'ISO 4217.', example: 'USD' }),
    exponent: z.int().meta({ description: 'Decimals of the currency: 1999 with 2 is 19.99.', example: 2 }),
  })
  .meta({ id: 'Money' })

export type Fields = Readonly<Record<string, unknown>>

/** An amount that JSON holds exactly; undefined amounts and currencies give null. Throws a RangeError past 2^53 − 1. */
export function money(amount: unknown, currency: unknown): z.input<typeof moneySchema> | null {
  if (typeof amount !== 'string' || typeof currency !== 'string') return null
  const value = Number(amount)
  if (!Number.isSafeInteger(value)) throw new RangeError('an amount is beyond what JSON holds exactly')
  return { amount: value, currency, exponent: exponentOf(currency) }
}

/** 9999-12-31, after which times have more digits than a time of an answer. */
const latestMs = 253_402_300_799_999

export const time = (ms: unknown): string | null =>
  typeof ms === 'number' && ms >= 0 && ms <= latestMs ? new Date(ms).toISOString() : null

const text = z.string().nullable()
const nullableTime = timeText.nullable()
const nullableMoney = moneySchema.nullable()

/** What a schema's field is read from, by what the schema is: one declaration of a row makes schema and presentation. */
type Column = 'text' | 'flag' | 'count' | 'counts' | 'time' | 'money' | 'json' | 'yes' | 'exponent'

const schemaOf = {
  text,
  flag: z.boolean().nullable(),
  yes: z.boolean(),
  count: z.number().nullable(),
  counts: z.record(z.string(), z.int()).meta({
    description:
      'What is odd about its events, and how often. `too_many_facts`: it has more than the 1,000 events or 1 MiB that a row is computed from.',
    example: { too_many_facts: 1 },
  }),
  time: nullableTime,
  money: nullableMoney,
  json: z.unknown().nullable(),
  exponent: z.int().nullable().meta({ description: 'Decimals of its currency.', example: 2 }),
} as const satisfies Record<Column, z.ZodType>

export type Columns = Readonly<Record<string, Column>>

type ShapeOf<C extends Columns> = { [Name in keyof C]: (typeof schemaOf)[C[Name]] }

export const shapeOf = <C extends Columns>(columns: C): ShapeOf<C> =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, schemaOf[column]])) as ShapeOf<C>

/** The fields of a row by their columns. What the row doesn't have is null. */
export function present<C extends Columns>(columns: C, fields: Fields): z.input<z.ZodObject<ShapeOf<C>>> {
  const entries = Object.entries(columns).map(([name, column]) => [
    name,
    presentOne(column, fields[name], fields),
  ])
  return Object.fromEntries(entries)
}

function presentOne(column: Column, value: unknown, { currency }: Fields): unknown {
  switch (column) {
    case 'text':
      return value === undefined || value === null ? null : String(value)
    case 'flag':
      return typeof value === 'boolean' ? value : null
    case 'yes':
      return value === true
    case 'count':
      return value === undefined || value === null ? null : Number(value)
    case 'counts':
      return value ?? {}
    case 'time':
      return time(value)
    case 'money':
      return money(value, currency)
    case 'json':
      return value ?? null
    case 'exponent':
      return typeof currency === 'string' ? exponentOf(currency) : null
    default:
      return column satisfies never
  }
}

export const headSchema = {
  provider: z.enum(['stripe', 'paypal', 'shopify']),
  account: z.string().meta({ description: "The connected account; empty: the source's own." }),
  mode: modeSchema,
  id: z.string().meta({ description: "The provider's id." }),
}

/** Of rows that are made of one object's facts. */
const told = {
  known: 'yes',
  complete: 'yes',
  stale: 'yes',
  gaps: 'count',
  anomalies: 'counts',
  firstSeenAt: 'time',
  updatedAt: 'time',
  headEventId: 'text',
  deletedAt: 'time',
} as const satisfies Columns

export const columns = {
  plan: {
    ...told,
    createdAt: 'time',
    product: 'text',
    active: 'flag',
    nickname: 'text',
    lookupKey: 'text',
    currency: 'text',
    exponent: 'exponent',
    unitAmount: 'text',
    scheme: 'text',
    usage: 'text',
    interval: 'text',
    intervalCount: 'count',
    trialDays: 'count',
    tax: 'text',
    deleted: 'flag',
  },
  customer: {
    ...told,
    createdAt: 'time',
    reference: 'text',
    email: 'text',
    name: 'text',
    phone: 'text',
    country: 'text',
    currency: 'text',
    balance: 'money',
    delinquent: 'flag',
    deleted: 'flag',
    redacted: 'flag',
  },
  subscription: {
    ...told,
    customer: 'text',
    status: 'text',
    providerStatus: 'text',
    createdAt: 'time',
    startAt: 'time',
    trialStartAt: 'time',
    trialEndAt: 'time',
    cancelAt: 'time',
    cancelAtPeriodEnd: 'flag',
    canceledAt: 'time',
    endedAt: 'time',
    periodStartAt: 'time',
    periodEndAt: 'time',
    collection: 'text',
    latestInvoice: 'text',
    currency: 'text',
    reference: 'text',
  },
  invoice: {
    ...told,
    customer: 'text',
    subscription: 'text',
    number: 'text',
    status: 'text',
    reason: 'text',
    currency: 'text',
    subtotal: 'money',
    discount: 'money',
    tax: 'money',
    total: 'money',
    amountDue: 'money',
    amountPaid: 'money',
    amountRemaining: 'money',
    attemptCount: 'count',
    nextAttemptAt: 'time',
    dueAt: 'time',
    createdAt: 'time',
    finalizedAt: 'time',
    paidAt: 'time',
    voidedAt: 'time',
    uncollectibleAt: 'time',
    periodStartAt: 'time',
    periodEndAt: 'time',
    deleted: 'flag',
  },
  payment: {
    known: 'yes',
    complete: 'yes',
    kind: 'text',
    customer: 'text',
    invoice: 'text',
    subscription: 'text',
    amount: 'money',
    captured: 'money',
    refunded: 'money',
    disputedOpen: 'money',
    disputedLost: 'money',
    currency: 'text',
    status: 'text',
    failureCode: 'text',
    method: 'text',
    attempts: 'count',
    createdAt: 'time',
    settledAt: 'time',
  },
} as const satisfies Record<string, Columns>

/** Parts of rows, which stand with their whole. */
export const partColumns = {
  items: {
    id: 'text',
    plan: 'text',
    quantity: 'count',
    periodStartAt: 'time',
    periodEndAt: 'time',
    inline: 'json',
  },
  lines: {
    id: 'text',
    plan: 'text',
    subscription: 'text',
    subscriptionItem: 'text',
    quantity: 'count',
    amount: 'money',
    currency: 'text',
    proration: 'yes',
    periodStartAt: 'time',
    periodEndAt: 'time',
    tax: 'money',
    discount: 'money',
  },
  refunds: {
    id: 'text',
    charge: 'text',
    amount: 'money',
    currency: 'text',
    status: 'text',
    reason: 'text',
    failureReason: 'text',
    createdAt: 'time',
  },
  disputes: {
    id: 'text',
    charge: 'text',
    amount: 'money',
    currency: 'text',
    status: 'text',
    providerStatus: 'text',
    reason: 'text',
    createdAt: 'time',
    evidenceDueAt: 'time',
  },
  creditNotes: {
    id: 'text',
    number: 'text',
    amount: 'money',
    currency: 'text',
    status: 'text',
    reason: 'text',
    createdAt: 'time',
    voidedAt: 'time',
  },
  subscriptions: {
    id: 'text',
    status: 'text',
    currency: 'text',
    createdAt: 'time',
    periodEndAt: 'time',
    endedAt: 'time',
  },
  invoices: {
    id: 'text',
    number: 'text',
    status: 'text',
    total: 'money',
    currency: 'text',
    createdAt: 'time',
    paidAt: 'time',
  },
  payments: {
    id: 'text',
    status: 'text',
    amount: 'money',
    currency: 'text',
    createdAt: 'time',
    settledAt: 'time',
  },
} as const satisfies Record<string, Columns>

export type PartName = keyof typeof partColumns

export const transitionSchema = z
  .object({
    kind: z.string().meta({ example: 'subscription' }),
    id: z.string(),
    at: timeText,
    eventId: z.string().meta({ description: "The provider's event that brought it." }),
    type: z.string().meta({ description: "The provider's type of that event." }),
    changes: z.array(z.string()).meta({ description: 'What changed.' }),
    from: z.unknown().meta({ description: 'Before; null for the first.' }),
    to: z.unknown(),
    legal: z
      .boolean()
      .meta({ description: 'False: the provider documents no such step. Usually an event is missing.' }),
    gap: z.boolean().meta({ description: "True: the event's own picture of before is another one." }),
  })
  .meta({ id: 'LedgerTransition' })

export function presentTransition(fields: Fields): z.input<typeof transitionSchema> {
  return {
    kind: String(fields.kind),
    id: String(fields.id),
    at: time(fields.at) ?? '',
    eventId: String(fields.eventId),
    type: String(fields.type),
    changes: Array.isArray(fields.changes) ? fields.changes.map(String) : [],
    from: fields.from ?? null,
    to: fields.to ?? null,
    legal: fields.legal === true,
    gap: fields.gap === true,
  }
}
