import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { type OrganizationObjective, organizationObjectives } from '@fairlead/webhook/objective'
import type { Slo } from '../organizations/rows.ts'
import type { SharedPool } from '../postgres.ts'
import { type Db, inScope } from '../scope.ts'
import { hourMs } from './count-hours.ts'

/** What an organization judged in the last 30 days by one of its objectives. */
export interface Budget {
  readonly objective: OrganizationObjective
  /** The part that is to be good. */
  readonly target: number
  readonly good: number
  readonly bad: number
}

export interface Budgets {
  /** Reads what was counted since the last read: once an hour all of 30 days, else the newest hours alone. */
  read(): Promise<void>
  /** Of each objective that the organization declares, as of the last read. */
  of(organization: OrganizationId): readonly Budget[]
}

const windowHours = 30 * 24
/** The newest hours are read again each time: a batch of the hour before may still be committing. */
const openHours = 2
const timeoutMs = 60_000

type Sums = ReadonlyMap<string, Pick<Budget, 'good' | 'bad'>>
const keyOf = (organization: OrganizationId, objective: string): string => `${organization} ${objective}`

/**
 * Sums of `objective_hours`, kept in memory: summing 720 hours of each organization for each question would cost more than
 * everything else that the operator asks.
 *
 * @param slos of all organizations that declare objectives
 */
export function openBudgets(
  pool: SharedPool,
  slos: () => ReadonlyMap<OrganizationId, Slo>,
  now: () => number,
): Budgets {
  let closed: { readonly before: number; readonly sums: Sums } | undefined
  let open: Sums = new Map()
  return {
    async read() {
      if (slos().size === 0) return
      const hour = Math.floor(now() / hourMs)
      const before = hour - openHours + 1
      if (closed?.before !== before) closed = { before, sums: await sum(pool, hour - windowHours, before) }
      open = await sum(pool, before, hour + openHours)
    },
    of(organization) {
      const slo = slos().get(organization)
      if (!slo) return []
      return organizationObjectives.flatMap(objective => {
        const target = slo[objective]?.target
        if (target === undefined) return []
        const key = keyOf(organization, objective)
        const parts = [closed?.sums.get(key), open.get(key)]
        const total = (result: 'good' | 'bad') => parts.reduce((sum, part) => sum + (part?.[result] ?? 0), 0)
        return [{ objective, target, good: total('good'), bad: total('bad') }]
      })
    },
  }
}

/** What is left of a budget: 1 where nothing was bad, below 0 where the objective is missed. Pure. */
export function budgetLeft({ target, good, bad }: Pick<Budget, 'target' | 'good' | 'bad'>): number {
  const judged = good + bad
  return judged === 0 ? 1 : 1 - bad / judged / (1 - target)
}

/** Whole percents: what the operator tells, and so what makes a new version of an organization's health. */
export const budgetVersion = (budgets: readonly Budget[]): string =>
  budgets
    .map(budget => `${budget.objective} ${budget.target} ${Math.floor(100 * budgetLeft(budget))}`)
    .join(' ')

/** Hours since 1970, from the first to before the second. */
function sum(pool: SharedPool, from: number, before: number): Promise<Sums> {
  const read = async (db: Db): Promise<Sums> => {
    const { rows } = await db.query<{
      organization_id: string
      objective: string
      good: number
      bad: number
    }>(
      `select organization_id, objective, sum(good)::float8 as good, sum(bad)::float8 as bad
       from objective_hours where hour >= $1 and hour < $2 group by organization_id, objective`,
      [new Date(from * hourMs), new Date(before * hourMs)],
    )
    return new Map(
      rows.map(({ organization_id, objective, good, bad }) => [
        keyOf(fromUuid('org', organization_id), objective),
        { good, bad },
      ]),
    )
  }
  return inScope(pool, 'platform', read, { timeoutMs })
}
