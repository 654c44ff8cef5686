import type { ChargeRow, DisputeRow, OrderRow, PaymentIntentRow, PaymentRow, RefundRow } from '../rows.ts'

/** What belongs to one payment. */
export interface PaymentParts {
  readonly intent: PaymentIntentRow | null
  readonly order: OrderRow | null
  readonly charges: readonly ChargeRow[]
  readonly refunds: readonly RefundRow[]
  readonly disputes: readonly DisputeRow[]
}

export type Sums = Pick<
  PaymentRow,
  'amount' | 'captured' | 'refunded' | 'disputedOpen' | 'disputedLost' | 'currency' | 'complete'
>

/** What was taken in a payment, and what of it is gone again. */
export function moneyOf({ intent, order, charges, refunds, disputes }: PaymentParts): Sums {
  const currency = first(intent?.currency, order?.currency, ...charges.map(charge => charge.currency))
  const back = refunds.filter(({ status }) => status !== 'failed' && status !== 'canceled')
  const [open, lost] = [disputes.filter(isOpen), disputes.filter(({ status }) => status === 'lost')]
  const parts = [...back, ...open, ...lost]
  const summed = currency ?? leastCurrencyOf(parts)
  const isSummed = (part: RefundRow | DisputeRow): boolean =>
    part.currency === null || part.currency === summed
  const sumOf = (some: readonly (RefundRow | DisputeRow)[]): bigint =>
    sum(some.filter(isSummed).map(({ amount }) => amount))
  const refunded = sumOf(back)
  return {
    amount: first(intent?.amount, order?.amount, ...charges.map(charge => charge.amount)),
    captured: order ? (isPaid(order) ? (order.amount ?? 0n) : 0n) : takenBy(charges, intent),
    refunded,
    disputedOpen: sumOf(open),
    disputedLost: greater(sumOf(lost), reversedOf(charges) - refunded),
    currency,
    complete: parts.every(isSummed) && hasAllRefunds(charges, refunds),
  }
}

export function first<T>(...values: readonly (T | null | undefined)[]): T | null {
  return values.find(value => value !== null && value !== undefined) ?? null
}

/** Of a payment whose currency isn't known yet. */
function leastCurrencyOf(parts: readonly (RefundRow | DisputeRow)[]): string | null {
  return first(...parts.map(({ currency }) => currency).toSorted())
}

function takenBy(charges: readonly ChargeRow[], intent: PaymentIntentRow | null): bigint {
  const settled = charges.filter(({ status }) => isSettled(status))
  return settled.length > 0 ? sum(settled.map(row => row.amountCaptured)) : (intent?.amountReceived ?? 0n)
}

/** What a bank or PayPal took back. A refund or a lost dispute may tell of the same money. */
function reversedOf(charges: readonly ChargeRow[]): bigint {
  return sum(charges.filter(({ status }) => status === 'reversed').map(row => row.amountCaptured))
}

/**
 * Whether there is a refund for all that the charges say was paid back. Failed refunds count here, because a charge isn't always told
 * anew when a refund of it fails.
 */
function hasAllRefunds(charges: readonly ChargeRow[], refunds: readonly RefundRow[]): boolean {
  return sum(charges.map(row => row.amountRefunded)) <= sum(refunds.map(({ amount }) => amount))
}

/** Rows that were stored before an attribute was kept don't have it. */
function sum(amounts: readonly (bigint | null | undefined)[]): bigint {
  return amounts.reduce<bigint>((total, amount) => total + (amount ?? 0n), 0n)
}

const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b)

export function isSettled(status: ChargeRow['status']): boolean {
  return status === 'succeeded' || status === 'reversed'
}

export function isPaid({ status }: OrderRow): boolean {
  return status === 'paid' || status === 'partially_refunded' || status === 'refunded'
}

/** An inquiry (`warning`) takes no money, so it isn't open. */
export function isOpen({ status }: DisputeRow): boolean {
  return status === 'needs_response' || status === 'under_review'
}
