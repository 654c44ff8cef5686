import type { ObjectKind } from '../attributes.ts'
import { type Fact, formOf } from '../facts.ts'
import { compareTexts, order, type Sequence } from '../order.ts'
import type { CustomerPersonalRow, Folded, RowHead, RowOf, TransitionRow } from '../rows.ts'
import { account, coupon, customer, discount, plan, product } from './catalog.ts'
import { checkout, creditNote, invoice, invoicePayment } from './invoice.ts'
import { charge, dispute, order as orderRules, paymentIntent, refund } from './payment.ts'
import { revive } from './revive.ts'
import type { AnyRules, Rules } from './rules.ts'
import { subscription } from './subscription.ts'
import { type Walk, walk } from './walk.ts'

/** The rules of each kind. */
export const rules: { readonly [K in ObjectKind]: Rules<K> } = {
  product,
  plan,
  coupon,
  customer,
  discount,
  subscription,
  invoice,
  invoice_payment: invoicePayment,
  payment_intent: paymentIntent,
  charge,
  refund,
  dispute,
  credit_note: creditNote,
  checkout,
  order: orderRules,
  account,
}

/** What is folded: all facts of one object, or those that count most where it has too many. */
export interface Foldable {
  /** At least one. */
  readonly facts: readonly Fact[]
  /** Facts that would change the row were left out: see `weightOf`. Default: false. */
  readonly cut?: boolean
}

/**
 * The rows of one object, from all of its facts. Reads nothing else: the same set gives the same rows, in whatever order
 * and however often its facts are listed.
 * @param facts all facts of one object (one `ObjectKey`), at least one
 * @throws TypeError for no fact
 */
export function fold<K extends ObjectKind>(kind: K, facts: readonly Fact[]): Folded<K> {
  const folding = foldInSteps(kind, { facts })
  for (let step = folding.next(); ; step = folding.next()) if (step.done) return step.value
}

/**
 * The same in steps of a few milliseconds: whoever has other work to do may do it where this yields.
 * @throws TypeError for no fact
 */
export function* foldInSteps<K extends ObjectKind>(
  kind: K,
  { facts, cut = false }: Foldable,
): Generator<void, Folded<K>> {
  const first = facts[0]
  if (!first) throw new TypeError('an object without facts has no row')
  const incarnations = incarnationsOf(facts)
  const notices = facts.filter(fact => formOf(fact) === 'notice')
  const walks: { incarnation: string; snapshots: readonly Fact[]; walked: Walk }[] = []
  for (const { incarnation, snapshots, terms } of incarnations) {
    const ordered = yield* order(snapshots, sequenceOf(rules[kind]))
    const whole = yield* walk(rules[kind], terms, ordered)
    walks.push({ incarnation, snapshots, walked: cut ? cutShort(whole) : whole })
  }
  return {
    rows: walks.map(({ incarnation, snapshots, walked }, index) => {
      const told = index === walks.length - 1 ? [...snapshots, ...notices] : snapshots
      return rowOf(kind, headOf(kind, first, incarnation, told, walked), walked)
    }),
    transitions: walks.flatMap(({ incarnation, walked }) => transitionsOf(first, incarnation, walked)),
    personal: kind === 'customer' ? personalOf(first, walks.at(-1)!.walked) : null,
  }
}

/** A row that says that not all facts of its object are in it. */
const cutShort = (walked: Walk): Walk => ({
  ...walked,
  complete: false,
  anomalies: { ...walked.anomalies, too_many_facts: 1 },
})

interface Incarnation {
  readonly incarnation: string
  readonly snapshots: readonly Fact[]
  readonly terms: readonly Fact[]
}

/** Oldest first. An object that is only mentioned has one, without a name and without snapshots. */
function incarnationsOf(facts: readonly Fact[]): Incarnation[] {
  const telling = facts.filter(fact => formOf(fact) === 'snapshot' || formOf(fact) === 'terms')
  if (telling.length === 0) return [{ incarnation: '', snapshots: [], terms: [] }]
  const byIncarnation = [...Map.groupBy(telling, ({ incarnation }) => incarnation)]
  return byIncarnation
    .toSorted(([a], [b]) => a.length - b.length || compareTexts(a, b))
    .map(([incarnation, those]) => ({
      incarnation,
      snapshots: those.filter(fact => formOf(fact) === 'snapshot'),
      terms: those.filter(fact => formOf(fact) === 'terms').toSorted(byVersion),
    }))
}

function byVersion(a: Fact, b: Fact): number {
  return compareTexts(a.apiVersion, b.apiVersion) || compareTexts(a.digest, b.digest)
}

function sequenceOf({ positions, ends }: Pick<AnyRules, 'positions' | 'ends'>): Sequence {
  return {
    position: ({ status }) => (typeof status === 'string' ? (positions[status] ?? -1) : 0),
    ended: ({ status, deleted }) => deleted === true || (typeof status === 'string' && ends.includes(status)),
  }
}

function headOf<K extends ObjectKind>(
  kind: K,
  { provider, account, mode, objectId }: Fact,
  incarnation: string,
  told: readonly Fact[],
  walked: Walk,
): RowHead<K> {
  const times = told.map(({ occurredAt }) => occurredAt).filter(at => at > 0)
  return {
    provider,
    account,
    mode,
    kind,
    id: objectId,
    incarnation,
    known: walked.known,
    stale: isStale(told),
    complete: walked.complete,
    gaps: walked.gaps,
    anomalies: walked.anomalies,
    firstSeenAt: times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b)),
    updatedAt: times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b)),
    headEventId: walked.headEventId,
    deletedAt: walked.deletedAt,
  }
}

/** A thin event that no snapshot has caught up with: neither its own, nor a later one. */
function isStale(told: readonly Fact[]): boolean {
  const snapshots = told.filter(fact => formOf(fact) === 'snapshot')
  const ids = new Set(snapshots.map(({ eventId }) => eventId))
  const latest = snapshots.reduce((at, fact) => Math.max(at, fact.occurredAt), 0)
  return told.some(fact => formOf(fact) === 'notice' && !ids.has(fact.eventId) && fact.occurredAt > latest)
}

function rowOf<K extends ObjectKind>(kind: K, head: RowHead<K>, { state }: Walk): RowOf<K> {
  return { ...head, ...revive(rules[kind], state) } as RowOf<K>
}

function transitionsOf(first: Fact, incarnation: string, walked: Walk): TransitionRow[] {
  const { provider, account, mode, kind, objectId: id } = first
  return walked.changes.map((change, position) => ({
    provider,
    account,
    mode,
    kind,
    id,
    incarnation,
    position,
    ...change,
  }))
}

function personalOf(first: Fact, { state, personal }: Walk): CustomerPersonalRow | null {
  const { provider, account, mode, objectId: customer } = first
  const redacted = state.redacted === true
  if (!personal && !redacted) return null
  const blank = { email: null, name: null, phone: null, country: null }
  return { provider, account, mode, customer, ...(redacted || !personal ? blank : personal), redacted }
}
