import { canonicalJson, sameJson } from './canonical.ts'
import type { Fact } from './facts.ts'

/**
 * The order of one object's snapshots. Time orders what is a second or more apart. Inside one instant (a provider's clock counts whole
 * seconds) the before-images decide: an event whose before-image is another's after-image follows it. Arrival decides nothing.
 *
 * With states as nodes and events as edges from their before-image to their after-image, the true order is a walk that uses each edge
 * once. All such walks from one start end in the same state, so where several orders fit equally, the row is the same.
 */

/** What the order must know of a kind of object. */
export interface Sequence {
  /** Where a status stands, from 0, for facts of which no before-image tells. */
  readonly position: (after: Readonly<Record<string, unknown>>) => number
  /** An end state: no other status follows. */
  readonly ended: (after: Readonly<Record<string, unknown>>) => boolean
}

export interface Step {
  readonly fact: Fact
  /** The before-image differs from what was known: a change in between is missing. */
  readonly gap: boolean
}

export interface Ordered {
  readonly steps: readonly Step[]
  /** How many instants held too many facts to look for a chain. */
  readonly crowded: number
}

/** Orders tried are subsets of an instant's facts: 2^12 × 12 × 12 steps at most. */
const maxChained = 12

type Values = Readonly<Record<string, unknown>>

type Pairs = readonly (readonly [string, unknown])[]

/** A snapshot, and what the order asks of it. */
interface Entry {
  readonly fact: Fact
  readonly rank: number
  readonly position: number
  readonly ended: boolean
  readonly created: boolean
  readonly after: Values
  readonly before: Pairs | null
  /** What the event left as it was: of `after` what `before` doesn't name. */
  readonly unchanged: Pairs
}

/**
 * The snapshots in their order. Yields nothing, now and then: whoever has other work to do may do it in between.
 * @param snapshots facts of one incarnation of one object, in any order, repeats and several renderings of one event included
 */
export function* order(snapshots: readonly Fact[], sequence: Sequence): Generator<void, Ordered> {
  const entries = withoutTwins(renderingsInForce(snapshots)).map(fact => entryOf(fact, sequence))
  yield
  const instants = [...Map.groupBy(entries, placeInTime)].toSorted(([a], [b]) => a - b)
  const ordered: Entry[] = []
  let crowded = 0
  for (const [, instant] of instants) {
    const sorted = instant.toSorted(byRank)
    if (sorted.length > maxChained) crowded += 1
    const chained = sorted.length > maxChained ? sorted : chain(sorted, ordered.at(-1))
    for (const entry of chained) ordered.push(entry)
    if (sorted.length > 1) yield
  }
  const steps = ordered.map((entry, index) => ({
    fact: entry.fact,
    gap: entry.before !== null && isGap(entry.before, ordered[index - 1]),
  }))
  return { steps, crowded }
}

/** Without a time there are only deletions and redactions, which stand whatever comes: last. */
function placeInTime({ fact }: Entry): number {
  return fact.occurredAt === 0 ? Number.MAX_SAFE_INTEGER : fact.occurredAt
}

/** Of the renderings of one event (endpoints of several API versions): the greatest version's. */
function renderingsInForce(facts: readonly Fact[]): Fact[] {
  const inForce = new Map<string, Fact>()
  for (const fact of facts) {
    const other = inForce.get(fact.eventId)
    if (!other || compareTexts(versionKey(fact), versionKey(other)) > 0) inForce.set(fact.eventId, fact)
  }
  return [...inForce.values()]
}

const versionKey = ({ apiVersion, digest }: Fact): string => `${apiVersion}\u0000${digest}`

/** Stripe documents two event objects for one change: of exact twins the least id stays. */
function withoutTwins(facts: readonly Fact[]): Fact[] {
  const alike = Map.groupBy(facts, ({ occurredAt, type }) => `${occurredAt} ${type}`)
  return [...alike.values()].flatMap(some => {
    if (some.length === 1) return some
    const byId = some.toSorted((a, b) => compareTexts(b.eventId, a.eventId))
    return [...new Map(byId.map(fact => [contentOf(fact), fact])).values()]
  })
}

const contentOf = ({ before, after, personal }: Fact): string => canonicalJson([before, after, personal])

function entryOf(fact: Fact, sequence: Sequence): Entry {
  const told: Values = fact.after ?? {}
  const after = fact.personal ? { ...told, ...prefixed(fact.personal.after) } : told
  const before = fact.before ? { ...fact.before, ...prefixed(fact.personal?.before) } : null
  const rank = rankOf(fact.type)
  return {
    fact,
    rank,
    position: sequence.position(told),
    ended: sequence.ended(told),
    created: rank === 0,
    after,
    before: before && Object.entries(before),
    unchanged: Object.entries(after).filter(([key]) => !before || !(key in before)),
  }
}

/** Personal data takes part in the chain, under names that no attribute has. */
function prefixed(personal: object | undefined): Values {
  return Object.fromEntries(Object.entries(personal ?? {}).map(([key, value]) => [`personal.${key}`, value]))
}

/** Creations first, deletions last; the steps of a payment intent and of a PayPal subscription as they follow each other. */
const ranks: readonly (readonly [RegExp, number])[] = [
  [/[./](?:created?|CREATED)$/, 0],
  [/\.requires_action$/, 2],
  [/\.processing$/, 3],
  [/\.payment_failed$/, 4],
  [/\.(?:paused|resumed|pending_update_\w{1,20}|SUSPENDED|RE-ACTIVATED)$/, 4],
  [/\.(?:succeeded|canceled|CANCELLED|EXPIRED)$/, 8],
  [/[./](?:deleted?|deauthorized)$/, 9],
]

function rankOf(type: string): number {
  return ranks.find(([pattern]) => pattern.test(type))?.[1] ?? 1
}

function byRank(a: Entry, b: Entry): number {
  return a.rank - b.rank || a.position - b.position || compareTexts(a.fact.eventId, b.fact.eventId)
}

/** By code units, not by locale: the same everywhere. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Whether a before-image disagrees with what was known before. The first fact of an object must not have one. */
function isGap(before: Pairs, previous: Entry | undefined): boolean {
  return previous === undefined || !agrees(before, previous.after)
}

/** Keys that the other rendering doesn't have say nothing. */
function agrees(expected: Pairs, found: Values): boolean {
  return expected.every(([key, value]) => found[key] === undefined || sameJson(value, found[key]))
}

/** How well `next` follows `previous`; `previous` is absent for the first fact of an object. */
function fit(previous: Entry | undefined, next: Entry): number {
  if (!previous) return next.before ? -1 : 0
  if (next.created || previous.rank === 9 || (previous.ended && !next.ended)) return -10
  const { before, unchanged } = next
  const restAgrees = agrees(unchanged, previous.after)
  if (!before) return restAgrees ? 1 : 0
  if (before.length === 0) return restAgrees ? 3 : -1
  if (!agrees(before, previous.after)) return -1
  return restAgrees ? 3 : 2
}

/**
 * The order of the best sum of fits, by dynamic programming over subsets; of equal ones the first in the given order.
 * @param sorted at most 12, by rank, position and event id
 */
function chain(sorted: readonly Entry[], previous: Entry | undefined): readonly Entry[] {
  const count = sorted.length
  if (count < 2) return sorted
  const fits = [...sorted, previous].map(before => Int32Array.from(sorted, next => fit(before, next)))
  const full = (1 << count) - 1
  const best = bestRests(fits, count)
  const result: Entry[] = []
  for (let placed = 0, last = count; placed !== full; ) {
    const wanted = best[placed * (count + 1) + last]!
    for (let next = 0; next < count; next += 1) {
      if ((placed & (1 << next)) !== 0) continue
      if (fits[last]![next]! + best[(placed | (1 << next)) * (count + 1) + next]! !== wanted) continue
      result.push(sorted[next]!)
      placed |= 1 << next
      last = next
      break
    }
  }
  return result
}

/** Best sum for the rest, by the set that is placed and the last of it (`count`: what came before the instant). */
function bestRests(fits: readonly Int32Array[], count: number): Int32Array {
  const full = (1 << count) - 1
  const best = new Int32Array((full + 1) * (count + 1))
  for (let placed = full - 1; placed >= 0; placed -= 1) {
    for (let last = placed === 0 ? count : 0; last <= count; last += 1) {
      if (placed !== 0 && (placed & (1 << last)) === 0) continue
      const fitsOfLast = fits[last]!
      let most = Number.NEGATIVE_INFINITY
      for (let next = 0; next < count; next += 1) {
        if ((placed & (1 << next)) !== 0) continue
        const sum = fitsOfLast[next]! + best[(placed | (1 << next)) * (count + 1) + next]!
        if (sum > most) most = sum
      }
      best[placed * (count + 1) + last] = most
    }
  }
  return best
}
