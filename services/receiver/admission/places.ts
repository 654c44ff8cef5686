import { openShares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Places for requests that are worked on, `FAIRLEAD_MAX_REQUESTS` of them; one organization has at most half, and less
 * while others have some. A place is taken before its request waits for anything, so that no request waits and is then
 * refused.
 *
 *   take ──▶ sending ── body is whole ──▶ working ──▶ leave
 *               └─ 100 ms, and others need the place ──▶ none ── body is whole: take again, or be refused
 */
export interface Places {
  /** Places taken. */
  readonly used: number
  /** Undefined where there is none, or none for this organization. @param nowMs `performance.now()` */
  take(organization: OrganizationId, nowMs: number): Place | undefined
}

export interface Place extends Disposable {
  /** Its body is whole. False where it lost its place and found no other. */
  work(): boolean
}

/** A body that was sent with its head is whole by then. Slower senders hold places only while nobody needs them, ms. */
const patienceMs = 100

interface Sending {
  readonly organization: OrganizationId
  readonly sinceMs: number
  held: boolean
}

export function openPlaces(limit: number): Places {
  const taken = openShares<OrganizationId>(limit)
  /** Those whose bodies are being sent, the earliest first. */
  const sending = new Set<Sending>()

  function takeFromSlowSenders(nowMs: number): void {
    for (const one of sending) {
      if (nowMs - one.sinceMs < patienceMs) return
      sending.delete(one)
      one.held = false
      taken.give(one.organization, 1)
    }
  }

  return {
    get used() {
      return taken.used
    },
    take(organization, nowMs) {
      if (!taken.take(organization, 1)) {
        takeFromSlowSenders(nowMs)
        if (!taken.take(organization, 1)) return undefined
      }
      const own: Sending = { organization, sinceMs: nowMs, held: true }
      sending.add(own)
      return {
        work() {
          sending.delete(own)
          own.held ||= taken.take(organization, 1)
          return own.held
        },
        [Symbol.dispose]() {
          sending.delete(own)
          if (own.held) taken.give(organization, 1)
          own.held = false
        },
      }
    },
  }
}
