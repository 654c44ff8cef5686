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

/** What a row may name of the same payment: as a record, for which Postgres unpacks the row's fields once. */
const fieldsOf = (row: string): string =>
  `jsonb_to_record(${row}.fields) as f (charge text, "latestCharge" text, "order" text, "paymentIntent" text, invoice text)`

/** What a row names of the same payment, as a lateral table `p` of kind and id; the id is null where it names none. @param row a table of objects */
export const paymentLinks = (row: string): string =>
  `lateral (select p.* from ${fieldsOf(row)} cross join lateral (values ('charge', f.charge), ('charge', f."latestCharge"),
     ('order', f."order"), ('payment_intent', f."paymentIntent"), ('invoice', f.invoice)) as p (kind, id)) as p`

/** The texts of what a row names of the same payment, as an array of SQL. */
export const namedBy = (row: string): string =>
  `(select array_remove(array['charge:' || f.charge, 'charge:' || f."latestCharge", 'order:' || f."order",
     'payment_intent:' || f."paymentIntent", 'invoice:' || f.invoice], null) from ${fieldsOf(row)})`
