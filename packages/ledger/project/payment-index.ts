import type {
  ChargeRow,
  CustomerRow,
  CustomerRows,
  DisputeRow,
  InvoicePaymentRow,
  InvoiceRow,
  PaymentIntentRow,
  RefundRow,
} from '../rows.ts'

/** The rows that payments are made of: of one customer, or of one payment without one. Any order. */
export interface PaymentRows
  extends Pick<
    CustomerRows,
    'invoices' | 'invoicePayments' | 'paymentIntents' | 'charges' | 'refunds' | 'disputes' | 'orders'
  > {
  readonly customer: Pick<CustomerRow, 'id'> | null
}

type Part = RefundRow | DisputeRow

/** A customer's rows by what they name, made once: one customer may have many thousands. */
export interface PaymentIndex {
  readonly intents: ReadonlyMap<string, PaymentIntentRow>
  readonly invoices: ReadonlyMap<string, InvoiceRow>
  /** Refunds and disputes. */
  readonly byCharge: ReadonlyMap<string, readonly Part[]>
  readonly byIntent: ReadonlyMap<string, readonly Part[]>
  readonly byOrder: ReadonlyMap<string, readonly Part[]>
  readonly linksByIntent: ReadonlyMap<string, readonly InvoicePaymentRow[]>
  readonly linksByCharge: ReadonlyMap<string, readonly InvoicePaymentRow[]>
  /** The intent that a charge was made by; null where nothing tells. */
  intentOf(charge: ChargeRow): string | null
}

export function indexOf(rows: PaymentRows): PaymentIndex {
  const parts: readonly Part[] = [...rows.refunds, ...rows.disputes]
  const byCharge = grouped(parts, ({ charge }) => charge)
  // Of several the first: so it is put in last.
  const byLatestCharge = new Map(
    rows.paymentIntents.toReversed().map(({ id, latestCharge }) => [latestCharge, id]),
  )
  const ofRefund = (id: string): string | null =>
    (byCharge.get(id) ?? []).find(part => part.kind === 'refund' && part.paymentIntent !== null)
      ?.paymentIntent ?? null
  return {
    intents: new Map(rows.paymentIntents.map(intent => [intent.id, intent])),
    invoices: new Map(rows.invoices.toReversed().map(invoice => [invoice.id, invoice])),
    byCharge,
    byIntent: grouped(parts, ({ paymentIntent }) => paymentIntent),
    byOrder: grouped(parts, ({ order }) => order),
    linksByIntent: grouped(rows.invoicePayments, ({ paymentIntent }) => paymentIntent),
    linksByCharge: grouped(rows.invoicePayments, ({ charge }) => charge),
    intentOf: ({ id, paymentIntent }) => paymentIntent ?? byLatestCharge.get(id) ?? ofRefund(id),
  }
}

/** Without those that name nothing. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string | null): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    if (key === null) continue
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(item)
  }
  return groups
}
