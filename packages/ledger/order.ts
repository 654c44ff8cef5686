import { sameJson } from './canonical.ts'
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

/** A snapshot, and what the order asks of it. */
interface Entry {
  readonly fact: Fact
  readonly rank: number
  readonly position: number
  readonly ended: boolean
  readonly created: boolean
  readonly after: Values
  readonly before: Values | null
}

/** @param snapshots facts of one incarnation of one object, in any order, repeats and several renderings of one event included */
export function order(snapshots: readonly Fact[], sequence: Sequence): Ordered {
  const entries = withoutTwins(renderingsInForce(snapshots)).map(fact => entryOf(fact, sequence))
  const instants = [...Map.groupBy(entries, placeInTime)].toSorted(([a], [b]) => a - b)
  const ordered: Entry[] = []
  let crowded = 0
  for (const [, instant] of instants) {
    const sorted = instant.toSorted(byRank)
    if (sorted.length > maxChained) crowded += 1
    ordered.push(...(sorted.length > maxChained ? sorted : chain(sorted, ordered.at(-1))))
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
    const byId = some.toSorted((a, b) => compareTexts(a.eventId, b.eventId))
    return byId.filter((fact, index) => !byId.slice(0, index).some(other => isTwin(fact, other)))
  })
}

function isTwin(a: Fact, b: Fact): boolean {
  return sameJson(a.before, b.before) && sameJson(a.after, b.after) && sameJson(a.personal, b.personal)
}

function entryOf(fact: Fact, sequence: Sequence): Entry {
  const after: Values = fact.after ?? {}
  const rank = rankOf(fact.type)
  return {
    fact,
    rank,
    position: sequence.position(after),
    ended: sequence.ended(after),
    created: rank === 0,
    after: fact.personal ? { ...after, ...prefixed(fact.personal.after) } : after,
    before: fact.before ? { ...fact.before, ...prefixed(fact.personal?.before) } : null,
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
function isGap(before: Values, previous: Entry | undefined): boolean {
  return previous === undefined || !agrees(before, previous.after)
}

/** Keys that the other rendering doesn't have say nothing. */
function agrees(expected: Values, found: Values): boolean {
  return Object.entries(expected).every(
    ([key, value]) => found[key] === undefined || sameJson(value, found[key]),
  )
}

/** How well `next` follows `previous`; `previous` is absent for the first fact of an object. */
function fit(previous: Entry | undefined, next: Entry): number {
  if (!previous) return next.before ? -1 : 0
  if (next.created || previous.rank === 9 || (previous.ended && !next.ended)) return -10
  const { before } = next
  const unchanged = before
    ? Object.fromEntries(Object.entries(next.after).filter(([key]) => !(key in before)))
    : next.after
  const restAgrees = agrees(unchanged, previous.after)
  if (!before) return restAgrees ? 1 : 0
  if (Object.keys(before).length === 0) return restAgrees ? 3 : -1
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
  const fits = [...sorted, previous].map(before => sorted.map(next => fit(before, next)))
  const all = Array.from({ length: count }, (_, index) => index)
  const full = (1 << count) - 1
  /** Best sum for the rest, by the set already placed and the last of it. */
  const best = new Int32Array((full + 1) * (count + 1))
  const sumOf = (placed: number, last: number, next: number): number =>
    fits[last]![next]! + best[(placed | (1 << next)) * (count + 1) + next]!
  for (let placed = full - 1; placed >= 0; placed -= 1) {
    const free = all.filter(index => (placed & (1 << index)) === 0)
    const lasts = placed === 0 ? [count] : all.filter(index => (placed & (1 << index)) !== 0)
    for (const last of lasts) {
      best[placed * (count + 1) + last] = Math.max(...free.map(next => sumOf(placed, last, next)))
    }
  }
  const result: Entry[] = []
  for (let placed = 0, last = count; placed !== full; ) {
    const free = all.filter(index => (placed & (1 << index)) === 0)
    const wanted = best[placed * (count + 1) + last]!
    const next = free.find(index => sumOf(placed, last, index) === wanted)!
    result.push(sorted[next]!)
    placed |= 1 << next
    last = next
  }
  return result
}
