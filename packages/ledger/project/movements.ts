import type { CustomerRows, MovementKind, MovementRow, TransitionRow } from '../rows.ts'
import { type Catalog, type DiscountPolicy, monthlyOf, type SubscriptionState } from './monthly.ts'
import { pricesOf } from './prices.ts'

export interface Movements {
  /** By time and currency. */
  readonly movements: readonly MovementRow[]
  /** Subscriptions whose MRR can't be told for some time, sorted: an item beyond a cut list, a price that was never told. */
  readonly incomplete: readonly string[]
}

/** The MRR of one subscription from a time on. */
interface Level {
  readonly at: number
  readonly subscription: string
  readonly eventId: string
  readonly amount: bigint
  readonly currency: string
}

/**
 * How a customer's MRR moved: one movement for each time and currency at which the sum over all subscriptions changed. So the
 * sum of a currency's movements up to a time is its MRR then, exactly.
 */
export function projectMovements(rows: CustomerRows, policy: DiscountPolicy = 'forever'): Movements {
  const incomplete = new Set(rows.subscriptions.filter(({ complete }) => !complete).map(({ id }) => id))
  const catalog = { ...rows, prices: pricesOf(rows.transitions) }
  const steps = Map.groupBy(
    rows.transitions.filter(({ kind, at }) => kind === 'subscription' && at > 0),
    ({ id }) => id,
  )
  const levels = rows.subscriptions.flatMap(({ id }) => {
    const found = levelsOf(id, steps.get(id) ?? [], catalog, policy)
    if (!found.complete) incomplete.add(id)
    return found.levels
  })
  const { customer } = rows
  return { movements: customer ? movementsOf(customer, levels) : [], incomplete: [...incomplete].toSorted() }
}

function levelsOf(
  id: string,
  told: readonly TransitionRow[],
  catalog: Catalog,
  policy: DiscountPolicy,
): { levels: Level[]; complete: boolean } {
  const steps = told.toSorted((a, b) => a.position - b.position)
  let complete = true
  const levels = turnsOf(steps, catalog).flatMap(({ at, eventId }) => {
    const step = steps.findLast(candidate => candidate.at <= at)
    if (!step) return []
    const monthly = monthlyOf(step.to as unknown as SubscriptionState, catalog, at, policy)
    if (!monthly.complete) complete = false
    return monthly.currency === null
      ? []
      : [{ at, eventId, subscription: id, amount: monthly.amount, currency: monthly.currency }]
  })
  return { levels, complete }
}

/** When a subscription's MRR may change: at its own transitions, when a discount begins or ends, and when one of its plans gets another price. */
function turnsOf(steps: readonly TransitionRow[], catalog: Catalog): { at: number; eventId: string }[] {
  const turns = new Map<number, string>()
  const add = (at: number | null, eventId: string): void => {
    if (at === null || at <= 0) return
    const other = turns.get(at)
    if (other === undefined || eventId < other) turns.set(at, eventId)
  }
  for (const discount of catalog.discounts) {
    for (const at of [discount.startAt, discount.endAt, discount.deletedAt])
      add(at, discount.headEventId ?? '')
  }
  const plans = new Set(
    steps.flatMap(({ to }) => (to as Partial<SubscriptionState>).items ?? []).map(({ plan }) => plan),
  )
  for (const plan of catalog.plans.filter(({ id }) => plans.has(id))) {
    for (const { at, eventId } of catalog.prices.changesOf(plan)) add(at, eventId)
  }
  const own = new Map<number, string>()
  for (const { at, eventId } of steps) {
    const other = own.get(at)
    if (other === undefined || eventId < other) own.set(at, eventId)
  }
  for (const [at, eventId] of own) turns.set(at, eventId)
  return [...turns].map(([at, eventId]) => ({ at, eventId })).toSorted((a, b) => a.at - b.at)
}

function movementsOf(
  {
    provider,
    account,
    mode,
    id: customer,
  }: Pick<MovementRow, 'provider' | 'account' | 'mode'> & { id: string },
  levels: readonly Level[],
): MovementRow[] {
  const place = { provider, account, mode, customer }
  const present = new Map<string, Level>()
  const totals = new Map<string, bigint>()
  const byTime = [...Map.groupBy(levels, ({ at }) => at)].toSorted(([a], [b]) => a - b)
  const movements: MovementRow[] = []
  let everPaid = false
  for (const [at, now] of byTime) {
    const before = new Map(totals)
    const changed = now.filter(level => differs(present.get(level.subscription), level))
    for (const level of now) {
      const old = present.get(level.subscription)
      if (old) totals.set(old.currency, totals.get(old.currency)! - old.amount)
      totals.set(level.currency, (totals.get(level.currency) ?? 0n) + level.amount)
      present.set(level.subscription, level)
    }
    for (const [currency, is] of [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const was = before.get(currency) ?? 0n
      if (was === is) continue
      const cause = changed.toSorted((a, b) => (a.subscription < b.subscription ? -1 : 1))[0]!
      movements.push({
        ...place,
        currency,
        at,
        kind: kindOf(was, is, everPaid),
        amount: is > was ? is - was : was - is,
        before: was,
        after: is,
        eventId: cause.eventId,
        subscription: cause.subscription,
      })
    }
    everPaid ||= [...totals.values()].some(amount => amount > 0n)
  }
  return movements
}

function differs(before: Level | undefined, after: Level): boolean {
  return before === undefined || before.amount !== after.amount || before.currency !== after.currency
}

/** A subscription that ends beside another is a contraction: the customer stays. */
function kindOf(before: bigint, after: bigint, everPaid: boolean): MovementKind {
  if (before === 0n) return everPaid ? 'reactivation' : 'new'
  if (after === 0n) return 'churn'
  return after > before ? 'expansion' : 'contraction'
}
