import type { CustomerRow, CustomerRows, Row } from '@fairlead/ledger/rows'

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

/** What access and recurring revenue of an owner are computed from. */
export interface OwnedRows {
  readonly owner: string
  readonly rows: CustomerRows
  /** There is more of it than was read. */
  readonly cut: boolean
}

/** The same while it is read. */
export type Reading = { owner: string; rows: Mutable<CustomerRows>; cut: boolean }

export const openOwned = (owner: string): Reading => ({ owner, rows: empty(), cut: false })

/** Takes a row that was read. */
export function take(of: Mutable<CustomerRows>, row: Row): void {
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
    // Of those payments are made, and from the others nothing is projected.
    case 'invoice_payment':
    case 'payment_intent':
    case 'charge':
    case 'refund':
    case 'dispute':
    case 'order':
    case 'checkout':
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
