import type { Shares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * A request's place among those in hand. It is taken before the request waits for anything, so that none waits and is
 * refused afterwards.
 */
export interface Place {
  /** Waits for the sender. If that takes long the place is free for others meanwhile: who drips keeps no one out. */
  whileSending<T>(work: Promise<T>): Promise<T>
  /** Whether it has its place, or found another one. */
  regain(): boolean
  leave(): void
}

/** A body that was sent with its head is there by then. */
const patienceMs = 100

/** Undefined where there is no room, or no more for this organization. */
export function takePlace(inHand: Shares<OrganizationId>, organization: OrganizationId): Place | undefined {
  if (!inHand.take(organization, 1)) return undefined
  let held = true
  function leave(): void {
    if (held) inHand.give(organization, 1)
    held = false
  }
  return {
    leave,
    async whileSending(work) {
      const timer = setTimeout(leave, patienceMs)
      try {
        return await work
      } finally {
        clearTimeout(timer)
      }
    },
    regain() {
      held ||= inHand.take(organization, 1)
      return held
    },
  }
}
