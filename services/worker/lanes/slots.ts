import { openShares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * The attempts that a worker makes at one time, and the bytes of their bodies, shared between organizations. While
 * less than half is in use, an organization is bounded by its lanes alone. Above that, it may hold no more than its share
 * by weight: an attempt that hangs holds its slot until its time-out, and must not hold other organizations' slots.
 *
 * A quarter is kept from lanes in doubt, so that destinations that hang, however many, can't hold up those that answer.
 * A destination that hangs for the first time may take slots of this quarter, once, for one time-out.
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

/** Two amounts, taken in turn and given back in reverse, so that the part that is kept is free again first. */
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
