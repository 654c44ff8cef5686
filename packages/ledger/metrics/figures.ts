import { share } from '../fraction.ts'
import { roundHalfEven } from '../money.ts'
import type { MovementRow } from '../rows.ts'
import type { Bridge } from './bridge.ts'

/*
 * Figures as shares are decimal texts of 6 digits ("0.041667"), and null where there is nothing to divide by. Money is minor units.
 */

/** Customers with MRR above 0 at the end of a time (exclusive), in any currency. */
export function subscribersAt(movements: readonly MovementRow[], at: number): Set<string> {
  const totals = new Map<string, bigint>()
  for (const movement of movements) {
    if (movement.at >= at) continue
    const key = customerKey(movement)
    totals.set(key, (totals.get(key) ?? 0n) + movement.after - movement.before)
  }
  return new Set([...totals].filter(([, amount]) => amount > 0n).map(([key]) => key))
}

/** A customer of a provider, account and mode: ids count within these alone. */
export function customerKey({ provider, account, mode, customer }: MovementRow): string {
  return [provider, account, mode, customer].join(' ')
}

/** Average MRR of a subscriber, rounded half to even. ARPU is the same. */
export function arpa(mrr: bigint, subscribers: number): bigint | null {
  return subscribers === 0 ? null : roundHalfEven(mrr, BigInt(subscribers))
}

export function arr(mrr: bigint): bigint {
  return 12n * mrr
}

/** A time span: from (inclusive) to (exclusive), in milliseconds since 1970. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** `standard` (ChartMogul): who left within the window, of who was there at its start. */
export function customerChurnStandard(movements: readonly MovementRow[], window: Window): string | null {
  const start = subscribersAt(movements, window.from)
  const left = new Set(departures(movements, window).filter(key => start.has(key)))
  return standardChurn({ left: left.size, start: start.size })
}

/** The same from counts. @param counts `left`: of those at the start who left, each once */
export function standardChurn({ left, start }: { left: number; start: number }): string | null {
  return share(BigInt(left), BigInt(start))
}

const thirtyDaysMs = 30 * 86_400_000

/**
 * `stripe`: departures of the last 30 days, of who was active 30 days ago and who came since. Who came and left within counts in
 * both; who left twice counts twice.
 */
export function customerChurnStripe(movements: readonly MovementRow[], at: number): string | null {
  const window = { from: at - thirtyDaysMs, to: at }
  const start = subscribersAt(movements, window.from)
  const came = within(movements, window).filter(
    movement => movement.kind === 'new' || movement.kind === 'reactivation',
  )
  return stripeChurn({
    active: start.size,
    started: came.length,
    stopped: departures(movements, window).length,
  })
}

/** The same from counts: customers who were active 30 days ago, and how often customers began and stopped since. */
export function stripeChurn({
  active,
  started,
  stopped,
}: {
  active: number
  started: number
  stopped: number
}): string | null {
  return share(BigInt(stopped), BigInt(active + started))
}

function within(movements: readonly MovementRow[], { from, to }: Window): MovementRow[] {
  return movements.filter(({ at }) => at >= from && at < to)
}

function departures(movements: readonly MovementRow[], window: Window): string[] {
  return within(movements, window)
    .filter(({ kind }) => kind === 'churn')
    .map(customerKey)
}

/** (churn + contraction) / MRR at the start. */
export function grossMrrChurn({ start, churn, contraction }: Bridge): string | null {
  return share(churn + contraction, start)
}

/** (churn + contraction − expansion − reactivation) / MRR at the start. Negative where what stays grows faster. */
export function netMrrChurn({ start, churn, contraction, expansion, reactivation }: Bridge): string | null {
  return share(churn + contraction - expansion - reactivation, start)
}

/** 1 − gross churn. */
export function grossRetention({ start, churn, contraction }: Bridge): string | null {
  return share(start - churn - contraction, start)
}

/** 1 − net churn, without reactivation: who comes back wasn't retained. */
export function netRetention({ start, churn, contraction, expansion }: Bridge): string | null {
  return share(start - churn - contraction + expansion, start)
}

/** ARPA / customer churn, in minor units. Null while nobody leaves. */
export function lifetimeValue(averageMrr: bigint | null, churned: number, of: number): bigint | null {
  if (averageMrr === null || churned === 0 || of === 0) return null
  return roundHalfEven(averageMrr * BigInt(of), BigInt(churned))
}
