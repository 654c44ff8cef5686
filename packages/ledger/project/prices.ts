import type { UnitAmount } from '../money.ts'
import type { PlanRow, TransitionRow } from '../rows.ts'

/** One change of a plan's amount. */
interface PriceStep {
  readonly at: number
  readonly eventId: string
  /** Null where it wasn't told, or was made of tiers. */
  readonly before: UnitAmount | null
  readonly after: UnitAmount | null
}

/** What plans cost at which time. PayPal changes the price of a plan for all who are on it; Stripe's prices don't change. */
export interface Prices {
  /** The amount in force. Of a time before all that is known: the first amount that is known. */
  unitAmountAt(plan: PlanRow, at: number): UnitAmount | null
  /** When a known amount changed, and by which event. The first that is known counts from the beginning: it is no change. */
  changesOf(plan: PlanRow): readonly Pick<PriceStep, 'at' | 'eventId'>[]
}

/** @param transitions of any objects, in any order */
export function pricesOf(transitions: readonly TransitionRow[]): Prices {
  const told = transitions.filter(
    ({ kind, at, changes }) => kind === 'plan' && at > 0 && changes.includes('unitAmount'),
  )
  const steps = new Map<string, readonly PriceStep[]>(
    [...Map.groupBy(told, keyOf)].map(([key, those]) => [
      key,
      those.toSorted((a, b) => a.position - b.position).map(stepOf),
    ]),
  )
  const stepsOf = (plan: PlanRow): readonly PriceStep[] => steps.get(keyOf(plan)) ?? []
  return {
    changesOf: plan => stepsOf(plan).filter(({ before }, index) => index > 0 || before !== null),
    unitAmountAt(plan, at) {
      const all = stepsOf(plan)
      const [first] = all
      if (!first) return plan.unitAmount
      const step = all.findLast(candidate => candidate.at <= at)
      return step ? step.after : (first.before ?? first.after)
    },
  }
}

const keyOf = ({ id, incarnation }: Pick<PlanRow, 'id' | 'incarnation'>): string => `${incarnation} ${id}`

function stepOf({ at, eventId, from, to }: TransitionRow): PriceStep {
  return { at, eventId, before: amountOf(from?.unitAmount), after: amountOf(to.unitAmount) }
}

/** A transition holds attributes of a plan as JSON. */
function amountOf(value: unknown): UnitAmount | null {
  return typeof value === 'string' ? value : null
}
