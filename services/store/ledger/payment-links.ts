import type { Row } from '@fairlead/ledger/rows'

/** Kinds of rows that payments are made of. What says most of a payment comes first. */
export const paymentKinds = [
  'payment_intent',
  'charge',
  'order',
  'invoice',
  'invoice_payment',
  'dispute',
  'refund',
] as const satisfies readonly Row['kind'][]

export const isOfPayments = (kind: string): boolean => paymentKinds.some(known => known === kind)

/** What a row names of the same payment, as SQL's rows of kind and id; the id is null where it names none. @param row a table of objects */
export const paymentLinks = (row: string): string =>
  `('charge', ${row}.fields->>'charge'), ('charge', ${row}.fields->>'latestCharge'), ('order', ${row}.fields->>'order'),
   ('payment_intent', ${row}.fields->>'paymentIntent'), ('invoice', ${row}.fields->>'invoice')`

/** The texts of what a row names of the same payment, as an array of SQL. */
export const namedBy = (row: string): string =>
  `array_remove(array['charge:' || (${row}.fields->>'charge'), 'charge:' || (${row}.fields->>'latestCharge'),
     'order:' || (${row}.fields->>'order'), 'payment_intent:' || (${row}.fields->>'paymentIntent'),
     'invoice:' || (${row}.fields->>'invoice')], null)`
