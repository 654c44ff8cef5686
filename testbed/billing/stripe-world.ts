/**
 * A small Stripe: objects as the API of 2026 shows them, changed by a script, with an event for each change. It knows the right state of
 * every object at every time, and nothing of the ledger.
 */

export type Json = { [key: string]: unknown }

/** An object after an event, and before it where Stripe tells what changed. */
export interface Happening {
  readonly id: string
  /** Seconds since 1970. */
  readonly at: number
  readonly type: string
  readonly object: Json
  readonly previous: Json | null
}

export interface StripeWorld {
  readonly random: () => number
  /** Every object as it is now, by id. */
  readonly objects: ReadonlyMap<string, Json>
  /** Ids of objects that were deleted. */
  readonly deleted: ReadonlySet<string>
  readonly happenings: readonly Happening[]
  /** Seconds since 1970. */
  now(): number
  advance(seconds: number): void
  newId(prefix: string): string
  create(type: string, object: Json & { id: string }): Json
  /** Changes an object and tells it by an event of before and after. */
  update(type: string, id: string, patch: Json): void
  /** Changes an object without an event of its own: the next event of the object shows it. */
  set(id: string, patch: Json): void
  /** An event that shows an object as it is, without saying what changed. */
  tell(type: string, id: string): void
  remove(type: string, id: string, patch?: Json): void
  /** An integer from the first to the last, both included. */
  between(first: number, last: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
}

/** Makes an id from a prefix, such as `sub`, and from how many ids and events there are. */
export type Naming = (prefix: string, count: number) => string

/**
 * @param random in [0, 1), from a seed
 * @param name part of every id, so that two worlds don't meet
 * @param naming default: `sub_<name><count>`
 */
export function openStripeWorld(
  random: () => number,
  startSeconds: number,
  name: string,
  naming: Naming = (prefix, count) => `${prefix}_${name}${count}`,
): StripeWorld {
  const objects = new Map<string, Json>()
  const deleted = new Set<string>()
  const happenings: Happening[] = []
  let clock = startSeconds
  let ids = 0
  const tell = (type: string, id: string, previous: Json | null): void => {
    // Stripe's event ids are in no order: neither are these.
    const scrambled = Math.floor(random() * 2 ** 32).toString(36)
    ids += 1
    happenings.push({
      id: `evt_${scrambled}${name}${ids}`,
      at: clock,
      type,
      object: structuredClone(objects.get(id)!),
      previous,
    })
  }
  const set = (id: string, patch: Json): Json => {
    const before = objects.get(id)!
    objects.set(id, { ...before, ...structuredClone(patch) })
    return structuredClone(before)
  }
  return {
    random,
    objects,
    deleted,
    happenings,
    now: () => clock,
    advance: seconds => {
      clock += seconds
    },
    newId: prefix => {
      ids += 1
      return naming(prefix, ids)
    },
    create: (type, object) => {
      objects.set(object.id, structuredClone(object))
      deleted.delete(object.id)
      tell(type, object.id, null)
      return objects.get(object.id)!
    },
    update: (type, id, patch) => tell(type, id, set(id, patch)),
    set,
    tell: (type, id) => tell(type, id, null),
    remove: (type, id, patch = {}) => {
      set(id, patch)
      deleted.add(id)
      tell(type, id, null)
    },
    between: (first, last) => first + Math.floor(random() * (last - first + 1)),
    chance: probability => random() < probability,
    pick: from => from[Math.floor(random() * from.length)]!,
  }
}
