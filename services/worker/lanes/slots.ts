import { openShares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * The attempts that a worker makes at one time, and the bytes of their bodies, shared between organizations. While
 * there is plenty, everyone takes what its lanes allow. Once half is in use, an organization may hold no more than its
 * share by weight: an attempt that hangs holds its slot for as long as its time-out, and must not hold everyone's.
 *
 * A quarter is kept from lanes that are in doubt. So it takes more than any number of destinations that hang to hold up
 * those that answer; only what hangs for the first time can come in between, and that once, for one time-out.
 */
export interface Slots {
  /** @param doubtful whether the lane's last attempts failed, or hang */
  take(organization: OrganizationId, bytes: number, doubtful: boolean): boolean
  give(organization: OrganizationId, bytes: number): void
  readonly used: number
}

/**
 * @param bytes of bodies that all attempts together may hold; shared by the same rules
 * @param weightOf an organization's part, to those of others
 */
export function openSlots(
  total: number,
  bytes: number,
  weightOf: (organization: OrganizationId) => number = () => 1,
): Slots {
  const slots = openPool(total, weightOf)
  const memory = openPool(bytes, weightOf)
  return {
    take(organization, size, doubtful) {
      if (!slots.take(organization, 1, doubtful)) return false
      if (memory.take(organization, size, doubtful)) return true
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

const keptPart = 1 / 4

/** Two amounts that are taken from in turn and given back to in reverse: what is kept is free again first. */
function openPool(total: number, weightOf: (organization: OrganizationId) => number) {
  const kept = openShares(Math.floor(total * keptPart), weightOf)
  const open = openShares(total - kept.total, weightOf)
  return {
    take: (organization: OrganizationId, amount: number, doubtful: boolean): boolean =>
      open.take(organization, amount) || (!doubtful && kept.take(organization, amount)),
    give(organization: OrganizationId, amount: number): void {
      const back = Math.min(amount, kept.held(organization))
      if (back > 0) kept.give(organization, back)
      if (amount > back) open.give(organization, amount - back)
    },
    get used() {
      return open.used + kept.used
    },
  }
}
