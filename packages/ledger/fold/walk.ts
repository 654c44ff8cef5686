import { sameJson } from '../canonical.ts'
import type { Fact, PersonalFields } from '../facts.ts'
import type { Ordered } from '../order.ts'
import type { Anomaly, TransitionRow } from '../rows.ts'
import type { AnyRules } from './rules.ts'

type Values = Readonly<Record<string, unknown>>

/** One step that changed something compared, or that said what can't be. */
export type Change = Pick<
  TransitionRow,
  'at' | 'eventId' | 'type' | 'changes' | 'from' | 'to' | 'legal' | 'gap'
>

export interface Walk {
  readonly state: Values
  readonly known: boolean
  readonly complete: boolean
  readonly gaps: number
  readonly anomalies: Readonly<Partial<Record<Anomaly, number>>>
  readonly headEventId: string | null
  readonly deletedAt: number | null
  readonly changes: readonly Change[]
  readonly personal: PersonalFields | null
}

/** What a walk has come to. Its changes are one list, which grows. */
type Walked = Omit<Walk, 'anomalies' | 'known' | 'changes'> & { readonly changes: Change[] }

/** Steps between two yields. */
const stride = 64

/** Goes through the snapshots of one incarnation in their order. Yields nothing, now and then, as `order`. */
export function* walk(rules: AnyRules, terms: readonly Fact[], ordered: Ordered): Generator<void, Walk> {
  const anomalies: Partial<Record<Anomaly, number>> = {}
  const count = (anomaly: Anomaly): void => {
    anomalies[anomaly] = (anomalies[anomaly] ?? 0) + 1
  }
  const start: Values = { ...rules.blank }
  const base = terms.reduce((state, fact) => taken(rules, state, fact, true, () => undefined), start)
  let walked: Walked = {
    state: base,
    complete: true,
    gaps: 0,
    headEventId: null,
    deletedAt: null,
    changes: [],
    personal: null,
  }
  for (let index = 0; index < ordered.crowded; index += 1) count('crowded_instant')
  for (const [index, { fact, gap }] of ordered.steps.entries()) {
    walked = step(rules, walked, fact, gap, count)
    if (index % stride === stride - 1) yield
  }
  const known = ordered.steps.length + terms.length > 0
  return { ...walked, known, anomalies: sorted(anomalies) }
}

function sorted(anomalies: Partial<Record<Anomaly, number>>): Partial<Record<Anomaly, number>> {
  return Object.fromEntries(Object.entries(anomalies).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function step(
  rules: AnyRules,
  before: Walked,
  fact: Fact,
  gap: boolean,
  count: (anomaly: Anomaly) => void,
): Walked {
  const after: Values = fact.after ?? {}
  if (after.status === 'unknown') count('unknown_status')
  const gaps = before.gaps + (gap ? 1 : 0)
  const verdict = verdictOf(rules, before.state, after)
  if (verdict !== 'take') {
    count(verdict)
    const refused = changeOf(rules, before, fact, { ...before.state, ...after }, gap)
    const to = before.changes.at(-1)?.to ?? {}
    if (refused) before.changes.push({ ...refused, to, legal: false })
    return { ...before, gaps }
  }
  const keepsList = isFinal(rules, before.state) && before.complete && before.headEventId !== null
  const merged = taken(rules, before.state, fact, !keepsList || fact.complete, count)
  const change = changeOf(rules, before, fact, merged, gap)
  if (change) before.changes.push(change)
  return {
    state: merged,
    complete: fact.complete || keepsList,
    gaps,
    headEventId: fact.eventId,
    deletedAt: deletionOf(before, merged, fact),
    changes: before.changes,
    personal: fact.personal?.after ?? before.personal,
  }
}

function deletionOf(before: Pick<Walk, 'state' | 'deletedAt'>, merged: Values, fact: Fact): number | null {
  if (merged.deleted !== true || before.state.deleted === true) return before.deletedAt
  return fact.occurredAt === 0 ? null : fact.occurredAt
}

/** Whether a snapshot is taken, or says what can't be any more. */
function verdictOf(rules: AnyRules, state: Values, after: Values): 'take' | 'behind' | 'conflicting_ends' {
  if (state.deleted === true && after.deleted === false) return 'behind'
  const [now, next] = [state.status, after.status]
  if (typeof now !== 'string' || typeof next !== 'string' || now === next) return 'take'
  const [here, there] = [rules.positions[now] ?? -1, rules.positions[next] ?? -1]
  if (rules.lattice) {
    if (there < here) return 'behind'
    return there === here && rules.tie === 'first' ? 'conflicting_ends' : 'take'
  }
  if (!rules.ends.includes(now)) return 'take'
  return rules.ends.includes(next) ? 'conflicting_ends' : 'behind'
}

function isFinal({ finalList, positions }: AnyRules, { status }: Values): boolean {
  return finalList !== null && typeof status === 'string' && (positions[status] ?? -1) >= finalList.from
}

/** The state after a snapshot: the last value that is told counts, but for what the rules keep. */
function taken(
  rules: AnyRules,
  state: Values,
  { after }: Fact,
  withLists: boolean,
  count: (anomaly: Anomaly) => void,
): Values {
  const next: Record<string, unknown> = { ...state }
  const ended = typeof state.status === 'string' && rules.ends.includes(state.status)
  for (const [key, value] of Object.entries(after ?? {})) {
    if (!withLists && key === rules.finalList?.key) continue
    next[key] = mergedValue(rules, key, state[key], value, ended, count)
  }
  return next
}

function mergedValue(
  rules: AnyRules,
  key: string,
  old: unknown,
  value: unknown,
  ended: boolean,
  count: (anomaly: Anomaly) => void,
): unknown {
  const within = (keys: readonly string[]): boolean => keys.includes(key)
  if (within(rules.setOnce) && old !== null) {
    if (value !== null && !sameJson(old, value)) count('set_once_changed')
    return old
  }
  if (within(rules.greatest)) return greater(old, value)
  if (within(rules.sticky)) return old === true || value
  if (ended && value === null && within(rules.keptAfterEnd)) return old
  return value
}

/** Of two counts or amounts, either of which may be absent. */
function greater(a: unknown, b: unknown): unknown {
  if (a === null) return b
  if (b === null) return a
  return BigInt(a as string | number) > BigInt(b as string | number) ? a : b
}

/** The transition from the state before to the state after, if anything compared differs. */
function changeOf(
  rules: AnyRules,
  before: Pick<Walk, 'state' | 'changes'>,
  fact: Fact,
  state: Values,
  gap: boolean,
): Change | undefined {
  const changes = rules.compared.filter(key => !sameJson(before.state[key], state[key]))
  if (changes.length === 0) return undefined
  const from = before.changes.at(-1)?.to ?? null
  const to = Object.fromEntries(rules.compared.toSorted().map(key => [key, state[key]]))
  return {
    at: fact.occurredAt,
    eventId: fact.eventId,
    type: fact.type,
    changes: changes.toSorted(),
    from,
    to,
    legal: from === null || isLegal(rules, before.state.status, state.status),
    gap,
  }
}

function isLegal({ legal }: AnyRules, from: unknown, to: unknown): boolean {
  if (legal === null || from === to || typeof from !== 'string' || typeof to !== 'string') return true
  return legal[from]?.includes(to) ?? false
}
