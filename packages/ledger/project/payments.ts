import type { ChargeRow, OrderRow, PaymentIntentRow, PaymentRow, PaymentStatus, Row } from '../rows.ts'
import { indexOf, type PaymentIndex, type PaymentRows } from './payment-index.ts'
import { first, isOpen, isPaid, isSettled, moneyOf, type PaymentParts, type Sums } from './payment-money.ts'

interface Group extends PaymentParts {
  readonly kind: PaymentRow['kind']
  readonly id: string
}

/**
 * The payments of a customer, with what was refunded and disputed. Amounts are sums over rows of refunds and disputes, never over
 * events, so a repeat or another order can't change them. Sorted by kind and id.
 */
export function projectPayments(rows: PaymentRows): PaymentRow[] {
  const index = indexOf(rows)
  return groupsOf(rows, index)
    .map(group => paymentOf(group, rows, index))
    .toSorted((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1))
}

/** The rows of one payment: its intent or order, its charges, and the refunds and disputes of these charges. */
export function rowsOfPayment(rows: PaymentRows, { kind, id }: Pick<PaymentRow, 'kind' | 'id'>): Row[] {
  const found = groupsOf(rows, indexOf(rows)).find(one => one.kind === kind && one.id === id)
  if (!found) return []
  const heads = [found.intent, found.order].filter(head => head !== null)
  return [...heads, ...found.charges, ...found.refunds, ...found.disputes]
}

function groupsOf(rows: PaymentRows, index: PaymentIndex): Group[] {
  const { intents } = index
  // Who owns a placeholder, others know: it counts where they are.
  const charges = rows.charges.filter(({ known, id }) => known || index.byCharge.has(id))
  const byIntent = Map.groupBy(charges, charge => index.intentOf(charge))
  const intentIds = [...intents.values()]
    .filter(({ known, id }) => known || byIntent.has(id) || index.byIntent.has(id))
    .map(({ id }) => id)
  const ids = new Set([...intentIds, ...[...byIntent.keys()].filter(id => id !== null)])
  return [
    ...[...ids].map(id =>
      group(index, 'payment_intent', id, byIntent.get(id) ?? [], intents.get(id) ?? null, null),
    ),
    ...(byIntent.get(null) ?? []).map(charge => group(index, 'charge', charge.id, [charge], null, null)),
    ...rows.orders
      .filter(({ known, id }) => known || index.byOrder.has(id))
      .map(order => group(index, 'order', order.id, [], null, order)),
  ]
}

function group(
  index: PaymentIndex,
  kind: PaymentRow['kind'],
  id: string,
  charges: readonly ChargeRow[],
  intent: PaymentIntentRow | null,
  order: OrderRow | null,
): Group {
  const parts = new Set([
    ...charges.flatMap(charge => index.byCharge.get(charge.id) ?? []),
    ...((kind === 'payment_intent' && index.byIntent.get(id)) || []),
    ...((kind === 'order' && index.byOrder.get(id)) || []),
  ])
  return {
    kind,
    id,
    intent,
    order,
    charges: charges.toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.id < b.id ? -1 : 1)),
    refunds: [...parts].filter(part => part.kind === 'refund'),
    disputes: [...parts].filter(part => part.kind === 'dispute'),
  }
}

function paymentOf(found: Group, rows: PaymentRows, index: PaymentIndex): PaymentRow {
  const { kind, id, intent, order, charges } = found
  const head = intent ?? order ?? charges[0]!
  const invoice = invoiceOf(found, index)
  const invoiceRow = invoice === null ? undefined : index.invoices.get(invoice)
  const latest = charges.at(-1)
  const settled = charges.find(({ status }) => isSettled(status))
  const money = moneyOf(found)
  return {
    provider: head.provider,
    account: head.account,
    mode: head.mode,
    id,
    kind,
    known: head.known || charges.some(({ known }) => known),
    customer: first(
      intent?.customer,
      order?.customer,
      ...charges.map(charge => charge.customer),
      rows.customer?.id,
    ),
    invoice,
    subscription: first(invoiceRow?.subscription, ...charges.map(charge => charge.subscription)),
    ...money,
    status: statusOf(found, money),
    failureCode: settled ? null : first(intent?.failureCode, latest?.failureCode),
    method: first(settled?.method, latest?.method),
    attempts: order ? 1 : charges.length,
    createdAt: first(intent?.createdAt, order?.createdAt, charges[0]?.createdAt),
    settledAt: first(settled?.createdAt, order && isPaid(order) ? order.processedAt : null),
  }
}

/** Told by the payment itself before 2025-03-31, and by an invoice payment since. */
function invoiceOf({ kind, id, intent, charges }: Group, index: PaymentIndex): string | null {
  const links = [
    ...((kind === 'payment_intent' && index.linksByIntent.get(id)) || []),
    ...charges.flatMap(charge => index.linksByCharge.get(charge.id) ?? []),
  ]
  const link = links.toSorted((a, b) => (a.id < b.id ? -1 : 1))[0]
  return first(intent?.invoice, ...charges.map(charge => charge.invoice), link?.invoice)
}

/** What became of the money comes before how it was taken. All disputes count, not the last. */
function statusOf(found: Group, { captured, refunded, disputedLost }: Sums): PaymentStatus {
  const base = baseStatusOf(found)
  if (base !== 'succeeded') return base
  if (found.disputes.some(isOpen)) return 'disputed'
  if (disputedLost > 0n && disputedLost >= captured) return 'lost'
  if (refunded > 0n) return refunded >= captured ? 'refunded' : 'partially_refunded'
  return 'succeeded'
}

function baseStatusOf({ intent, order, charges }: Group): PaymentStatus {
  if (order) return orderStatus(order)
  const has = (status: ChargeRow['status']): boolean => charges.some(charge => charge.status === status)
  if (has('reversed')) return 'reversed'
  if (intent?.status === 'succeeded' || charges.some(row => row.status === 'succeeded' && row.captured)) {
    return 'succeeded'
  }
  const status = intent?.status ?? 'unknown'
  switch (status) {
    case 'canceled':
    case 'requires_action':
      return status
    case 'requires_payment_method':
      return has('failed') || intent?.failureCode ? 'failed' : 'pending'
    case 'processing':
    case 'requires_capture':
    case 'requires_confirmation':
      return 'pending'
    case 'unknown':
      return has('pending') || has('succeeded') ? 'pending' : has('failed') ? 'failed' : 'unknown'
    default:
      return status satisfies never
  }
}

function orderStatus(order: OrderRow): PaymentStatus {
  if (isPaid(order)) return 'succeeded'
  if (order.status === 'voided') return 'canceled'
  return order.status === 'unknown' ? 'unknown' : 'pending'
}
