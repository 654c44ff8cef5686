import type { Fact } from '@fairlead/ledger/facts'

/** An object of Stripe's whose event leaves something out. */
export interface WantedObject {
  readonly kind: Fact['kind']
  readonly id: string
  readonly mode: Fact['mode']
  /** The connected account that it belongs to; empty: the source's own. */
  readonly account: string
}

/** Where Stripe's API has objects of a kind, and the list in them that it cuts. Discounts are read with what has them. */
const pathsByKind: Readonly<Partial<Record<Fact['kind'], StripePaths>>> = {
  product: { path: id => `/v1/products/${id}` },
  plan: { path: id => `/v1/prices/${id}` },
  coupon: { path: id => `/v1/coupons/${id}` },
  customer: { path: id => `/v1/customers/${id}` },
  subscription: {
    path: id => `/v1/subscriptions/${id}`,
    list: { field: 'items', path: id => `/v1/subscription_items?subscription=${id}` },
  },
  invoice: {
    path: id => `/v1/invoices/${id}`,
    list: { field: 'lines', path: id => `/v1/invoices/${id}/lines` },
  },
  invoice_payment: { path: id => `/v1/invoice_payments/${id}` },
  payment_intent: { path: id => `/v1/payment_intents/${id}` },
  charge: { path: id => `/v1/charges/${id}` },
  refund: { path: id => `/v1/refunds/${id}` },
  dispute: { path: id => `/v1/disputes/${id}` },
  credit_note: { path: id => `/v1/credit_notes/${id}` },
  checkout: { path: id => `/v1/checkout/sessions/${id}` },
}

export interface StripePaths {
  readonly path: (id: string) => string
  readonly list?: { readonly field: string; readonly path: (id: string) => string }
}

/** Undefined: Stripe's API has no such objects by themselves. */
export const pathsOf = (kind: Fact['kind']): StripePaths | undefined => pathsByKind[kind]

/**
 * What is to be fetched for an event: objects whose lists it cut short, and those that a thin event only names. Each once. Pure.
 * @param sourceAccount of the source itself; facts of another account are of a connected one
 */
export function wantedOf(facts: readonly Fact[], sourceAccount: string): WantedObject[] {
  const wanted = facts
    .filter(({ provider, complete, kind }) => provider === 'stripe' && !complete && pathsOf(kind))
    .map(({ kind, objectId: id, mode, account }) => ({
      kind,
      id,
      mode,
      account: account === sourceAccount ? '' : account,
    }))
  return [...new Map(wanted.map(one => [`${one.account} ${one.kind} ${one.id}`, one])).values()]
}
