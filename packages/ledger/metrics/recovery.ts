import { share } from '../fraction.ts'
import type { InvoiceRow } from '../rows.ts'
import type { Window } from './figures.ts'

/** What became of invoices whose first payment failed, by invoice and never by event. */
export interface Recovery {
  readonly currency: string
  /** Invoices that failed first within the window; void ones are left out. */
  readonly failed: number
  /** Paid within the time allowed. */
  readonly recovered: number
  /** Still open, and within the time allowed. */
  readonly pending: number
  /** recovered / (failed − pending). */
  readonly rate: string | null
  readonly recoveredAmount: bigint
}

/**
 * An invoice failed first when a second attempt was needed, or when its only one left it open. The time of that failure is taken to be when it
 * was finalized: Stripe tries an hour after a draft at the latest.
 * @param withinMs how long a payment may take to count as recovered
 * @param now the time of asking
 */
export function recoveryOf(
  invoices: readonly InvoiceRow[],
  window: Window,
  withinMs: number,
  now: number,
): Recovery[] {
  const failed = invoices.filter(invoice => {
    const at = invoice.finalizedAt ?? invoice.createdAt
    return hasFailed(invoice) && at !== null && at >= window.from && at < window.to
  })
  const byCurrency = [...Map.groupBy(failed, ({ currency }) => currency ?? '')]
  return byCurrency
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, own]) => {
      const recovered = own.filter(invoice => isRecovered(invoice, withinMs))
      const pending = own.filter(invoice => isPending(invoice, withinMs, now))
      return {
        currency,
        failed: own.length,
        recovered: recovered.length,
        pending: pending.length,
        rate: recoveryRate({
          failed: own.length,
          recovered: recovered.length,
          pending: pending.length,
        }),
        recoveredAmount: recovered.reduce((sum, { amountPaid }) => sum + (amountPaid ?? 0n), 0n),
      }
    })
}

/** recovered / (failed − pending). */
export function recoveryRate({
  failed,
  recovered,
  pending,
}: Pick<Recovery, 'failed' | 'recovered' | 'pending'>): string | null {
  return share(BigInt(recovered), BigInt(failed - pending))
}

function hasFailed({ status, attemptCount }: InvoiceRow): boolean {
  const attempts = attemptCount ?? 0
  return status !== 'void' && status !== 'draft' && (attempts > 1 || (attempts === 1 && status !== 'paid'))
}

function isRecovered({ status, paidAt, finalizedAt, createdAt }: InvoiceRow, withinMs: number): boolean {
  const since = finalizedAt ?? createdAt
  return status === 'paid' && paidAt !== null && since !== null && paidAt - since <= withinMs
}

function isPending({ status, finalizedAt, createdAt }: InvoiceRow, withinMs: number, now: number): boolean {
  const since = finalizedAt ?? createdAt
  return status === 'open' && since !== null && now - since < withinMs
}
