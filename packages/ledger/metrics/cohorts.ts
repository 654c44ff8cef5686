import { share } from '../fraction.ts'
import type { MovementRow } from '../rows.ts'
import { type Calendar, monthAfter, monthOf, monthsApart } from './calendar.ts'
import { customerKey } from './figures.ts'

/** The customers whose first MRR fell into one month. Who leaves and comes back stays in the first cohort. */
export interface Cohort {
  readonly month: string
  readonly currency: string
  readonly size: number
  /** By months since the first: members with MRR at that month's end, of all. Null for months that aren't over. */
  readonly retention: readonly (string | null)[]
  /** By months since the first: MRR at that month's end, of that at the end of the first. May be above 1. */
  readonly netMrr: readonly (string | null)[]
}

/**
 * Cohorts of each currency, by currency and month.
 * @param lastMonth the last month that is over, such as `2026-02`: later cells are null
 */
export function cohortsOf(
  movements: readonly MovementRow[],
  lastMonth: string,
  months: number,
  calendar: Calendar,
): Cohort[] {
  const byCurrency = [...Map.groupBy(movements, ({ currency }) => currency)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )
  return byCurrency.flatMap(([currency, own]) => {
    const members = [...Map.groupBy(own, customerKey).values()].map(path => memberOf(path, calendar))
    const cohorts = [...Map.groupBy(members, ({ first }) => first)].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return cohorts.map(([month, those]) => cohortOf(month, currency, those, lastMonth, months))
  })
}

interface Member {
  readonly first: string
  /** MRR at the end of each month in which it changed, by month. */
  readonly ends: readonly (readonly [string, bigint])[]
}

function memberOf(path: readonly MovementRow[], calendar: Calendar): Member {
  const ordered = path.toSorted((a, b) => a.at - b.at)
  const ends = new Map(ordered.map(movement => [monthOf(calendar.dayOf(movement.at)), movement.after]))
  return { first: monthOf(calendar.dayOf(ordered[0]!.at)), ends: [...ends] }
}

function mrrAt({ ends }: Member, month: string): bigint {
  return ends.findLast(([end]) => monthsApart(end, month) >= 0)?.[1] ?? 0n
}

function cohortOf(
  month: string,
  currency: string,
  members: readonly Member[],
  lastMonth: string,
  months: number,
): Cohort {
  const cells = Array.from({ length: months + 1 }, (_, index) => {
    const cell = monthAfter(month, index)
    if (monthsApart(cell, lastMonth) < 0) return null
    const amounts = members.map(one => mrrAt(one, cell))
    return {
      active: amounts.filter(amount => amount > 0n).length,
      mrr: amounts.reduce((sum, amount) => sum + amount, 0n),
    }
  })
  return { month, currency, size: members.length, ...cohortShares(members.length, cells) }
}

/** A cohort at the end of a month: members with MRR then, and their MRR. */
export interface CohortCell {
  readonly active: number
  readonly mrr: bigint
}

/** Shares of a cohort. @param cells by months since the first; null for months that aren't over */
export function cohortShares(
  size: number,
  cells: readonly (CohortCell | null)[],
): Pick<Cohort, 'retention' | 'netMrr'> {
  const base = cells[0]?.mrr ?? 0n
  return {
    retention: cells.map(cell => cell && share(BigInt(cell.active), BigInt(size))),
    netMrr: cells.map(cell => cell && share(cell.mrr, base)),
  }
}
