import type { ObjectiveBudget } from '@fairlead/wire/store/organization'
import type { ObjectiveStatus, OrganizationStatus } from './status-schema.ts'

/** A budget moves with every webhook: it is written no more often than this, ms. */
const leastMs = 300_000

type Judged = Pick<ObjectiveBudget, 'objective' | 'target' | 'good' | 'bad'>
type BudgetStatus = Partial<Pick<OrganizationStatus, 'objectives' | 'budgetLeft'>>

/**
 * The part of a status that tells of budgets. One that was written less than five minutes ago, or has moved by less than 1 % of
 * the whole, stays as it is; one whose target is another is written at once. Pure.
 *
 * @param budgets undefined: not asked for, so everything stays
 */
export function budgetStatusOf(
  budgets: readonly Judged[] | undefined,
  before: BudgetStatus | undefined,
  nowMs: number,
): BudgetStatus {
  if (!budgets || (budgets.length === 0 && !before?.objectives?.length)) return {}
  const told = new Map(before?.objectives?.map(objective => [objective.name, objective]))
  const objectives = budgets.map((budget): ObjectiveStatus => {
    const name = nameOf(budget)
    const now = { name, target: percentText(100 * budget.target), budgetLeft: leftText(budget) }
    const known = told.get(name)
    const isFresh = known !== undefined && nowMs - Date.parse(known.lastMovedAt) < leastMs
    if (known?.target === now.target && (isFresh || known.budgetLeft === now.budgetLeft)) return known
    return { ...now, lastMovedAt: new Date(nowMs).toISOString() }
  })
  const least = objectives
    .map(({ budgetLeft }) => budgetLeft)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))[0]
  return { objectives, budgetLeft: least ?? '' }
}

/** Whether a status tells what was just read: if not, it is read again although nothing changes. */
export function areBudgetsTold(
  { objectives = [] }: BudgetStatus,
  budgets: readonly Judged[] | undefined = [],
): boolean {
  const told = new Map(objectives.map(({ name, budgetLeft }) => [name, budgetLeft]))
  return budgets.every(budget => told.get(nameOf(budget)) === leftText(budget))
}

const nameOf = ({ objective }: Judged): ObjectiveStatus['name'] =>
  objective === 'freshness' ? 'freshness' : 'delivery'

/** Whole percents, rounded down: 100% says that nothing was bad. */
function leftText({ target, good, bad }: Judged): string {
  const judged = Number(good + bad)
  const left = judged === 0 ? 1 : 1 - Number(bad) / judged / (1 - target)
  // 1e-9: 1 - 0.99 is a little more than 0.01.
  return percentText(Math.floor(100 * left + 1e-9))
}

const percentText = (percent: number): string => `${Number(percent.toFixed(4))}%`
