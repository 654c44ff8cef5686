import type { PaymentRows } from '@fairlead/ledger/project/payment-index'
import { projectPayments } from '@fairlead/ledger/project/payments'
import type { PaymentRow, Row } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { columnsOf, replaceRows } from './columns.ts'
import { openPauses } from './pause.ts'
import {
  mostParts,
  namingKinds,
  type PaymentParts,
  type PaymentSeed,
  readPaymentParts,
  removeOtherPayments,
} from './payment-parts.ts'
import { type Place, placeColumns } from './place.ts'
import type { Touched } from './touched.ts'

export const customerPrefix = 'customer:'

/**
 * Computes the payments anew of which touched objects are parts, or were: a customer's other payments are left as they are, so that a
 * payment's cost doesn't grow with them. @param most objects that are in memory at one time. Answers the ids of payments that came or changed.
 */
export async function projectPaymentsOf(
  db: Db,
  place: Place,
  touched: Touched,
  most = mostParts,
): Promise<string[]> {
  const seeds = [...touched].flatMap(([owner, { payments }]) =>
    [...payments].toSorted().map(text => ({ owner, ...splitText(text) })),
  )
  const changed: string[] = []
  for await (const parts of readPaymentParts(db, place, seeds, most))
    changed.push(...(await writePayments(db, place, parts)))
  return changed
}

const splitText = (text: string): Pick<PaymentSeed, 'kind' | 'id'> => ({
  kind: text.slice(0, text.indexOf(':')),
  id: text.slice(text.indexOf(':') + 1),
})

type Owned = PaymentRow & { readonly owner: string }

async function writePayments(db: Db, place: Place, { reached, cut }: PaymentParts): Promise<string[]> {
  const payments = (await project(reached)).map(one => (cut ? { ...one, complete: false } : one))
  if (cut) {
    const ids = payments.map(({ id }) => id)
    await removeOtherPayments(db, place, cut, ids)
  }
  const named = reached.filter(({ kind }) => namingKinds.includes(kind))
  if (named.length === 0) return []
  return await replaceRows(db, {
    table: 'ledger_payments',
    place,
    by: { id: named.map(({ id }) => id), owner: named.map(({ owner }) => owner) },
    key: ['id', 'owner'],
    rows: payments.map(payment => ({ ...columnsOf(payment), ...placeColumns(place) })),
    returning: 'id',
  })
}

async function project(reached: PaymentParts['reached']): Promise<Owned[]> {
  const pauses = openPauses()
  const projected: Owned[] = []
  for (const [owner, parts] of Map.groupBy(reached, one => one.owner)) {
    const payments = projectPayments(
      rowsOf(
        owner,
        parts.flatMap(({ row }) => row ?? []),
      ),
    )
    projected.push(...payments.map(payment => ({ ...payment, owner })))
    if (pauses.isDue()) await pauses.take()
  }
  return projected
}

/** The rows of one owner by their kinds. */
export function rowsOf(owner: string, rows: readonly Row[]): PaymentRows {
  const of = <K extends Row['kind']>(kind: K) =>
    rows.filter((row): row is Extract<Row, { kind: K }> => row.kind === kind)
  return {
    customer: owner.startsWith(customerPrefix) ? { id: owner.slice(customerPrefix.length) } : null,
    invoices: of('invoice'),
    invoicePayments: of('invoice_payment'),
    paymentIntents: of('payment_intent'),
    charges: of('charge'),
    refunds: of('refund'),
    disputes: of('dispute'),
    orders: of('order'),
  }
}
