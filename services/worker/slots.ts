import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * The attempts that a worker makes at one time, shared between organizations. While there is plenty, everyone takes
 * what its lanes allow. Once half is in use, an organization may hold no more than its fair share: an attempt that
 * hangs holds its slot for as long as its time-out, and must not hold everyone's.
 */
export interface Slots {
  take(organization: OrganizationId, bytes: number): boolean
  give(organization: OrganizationId, bytes: number): void
  readonly used: number
}

/** @param bytes of bodies that all attempts together may hold; shared by the same rule */
export function openSlots(total: number, bytes: number): Slots {
  const slots = openShares<OrganizationId>(total)
  const memory = openShares<OrganizationId>(bytes)
  return {
    take(organization, size) {
      if (!slots.take(organization, 1)) return false
      if (memory.take(organization, size)) return true
      slots.give(organization, 1)
      return false
    },
    give(organization, size) {
      slots.give(organization, 1)
      memory.give(organization, size)
    },
    get used() {
      return slots.used
    },
  }
}

/** An amount that several share: freely while half of it is unused, by equal parts after that. */
function openShares<Key>(total: number) {
  const held = new Map<Key, number>()
  let used = 0
  return {
    take(key: Key, amount: number): boolean {
      const own = held.get(key) ?? 0
      // Whatever its size, one alone always fits.
      if (used + amount > total && used > 0) return false
      const sharers = held.size + (own === 0 ? 1 : 0)
      if (used >= total / 2 && own > 0 && own + amount > total / (2 * sharers)) return false
      held.set(key, own + amount)
      used += amount
      return true
    },
    give(key: Key, amount: number): void {
      const left = (held.get(key) ?? 0) - amount
      if (left > 0) held.set(key, left)
      else held.delete(key)
      used -= amount
    },
    get used() {
      return used
    },
  }
}
