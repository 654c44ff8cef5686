import type { Link, Row } from './rows.ts'

const links = (...pairs: readonly (readonly [Link['kind'], string | null])[]): readonly Link[] =>
  pairs.flatMap(([kind, id]) => (id === null ? [] : [{ kind, id }]))

/** The customer that a row names itself; null where it names none. */
export function customerOf(row: Row): string | null {
  if (row.kind === 'customer') return row.id
  return 'customer' in row ? row.customer : null
}

/**
 * The objects through which a row belongs to a customer when it names none itself, nearest first. A refund belongs to its charge's
 * customer, a PayPal sale to its subscription's. Follow them until a row names a customer. Whoever stores rows keeps these links, so
 * that the rows of a customer can be found from above. A placeholder has no links: it belongs to nobody, and the rows that name it
 * stand for it in projections.
 */
export function parentsOf(row: Row): readonly Link[] {
  switch (row.kind) {
    case 'refund':
    case 'dispute':
      return links(['charge', row.charge], ['payment_intent', row.paymentIntent], ['order', row.order])
    case 'charge':
      return links(
        ['payment_intent', row.paymentIntent],
        ['subscription', row.subscription],
        ['invoice', row.invoice],
      )
    case 'invoice_payment':
      return links(['invoice', row.invoice], ['payment_intent', row.paymentIntent], ['charge', row.charge])
    case 'payment_intent':
      return links(['invoice', row.invoice])
    case 'invoice':
    case 'discount':
      return links(['subscription', row.subscription])
    case 'credit_note':
      return links(['invoice', row.invoice])
    case 'checkout':
      return links(
        ['subscription', row.subscription],
        ['payment_intent', row.paymentIntent],
        ['invoice', row.invoice],
      )
    case 'product':
    case 'plan':
    case 'coupon':
    case 'customer':
    case 'subscription':
    case 'order':
    case 'account':
      return []
    default:
      return row satisfies never
  }
}
