import { openShares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * The attempts that a worker makes at one time, shared between organizations. While there is plenty, everyone takes
 * what its lanes allow. Once half is in use, an organization may hold no more than its share by weight: an attempt that
 * hangs holds its slot for as long as its time-out, and must not hold everyone's.
 */
export interface Slots {
  take(organization: OrganizationId, bytes: number): boolean
  give(organization: OrganizationId, bytes: number): void
  readonly used: number
}

/**
 * @param bytes of bodies that all attempts together may hold; shared by the same rule
 * @param weightOf an organization's part, to those of others
 */
export function openSlots(
  total: number,
  bytes: number,
  weightOf: (organization: OrganizationId) => number = () => 1,
): Slots {
  const slots = openShares(total, weightOf)
  const memory = openShares(bytes, weightOf)
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
