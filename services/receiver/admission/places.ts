import { openShares, type Shares } from '@fairlead/daemon/shares'
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

export function openPlaces(limit: number): Places {
  const places: Taken = { shares: openShares(limit), sending: new Set() }
  const { shares, sending } = places

  function takeFromSlowSenders(nowMs: number): void {
    for (const place of sending) {
      if (nowMs - place.sinceMs < patienceMs) return
      place.lose()
    }
  }

  return {
    get used() {
      return shares.used
    },
    take(organization, nowMs) {
      if (!shares.take(organization, 1)) {
        takeFromSlowSenders(nowMs)
        if (!shares.take(organization, 1)) return undefined
      }
      return new HeldPlace(places, organization, nowMs)
    },
  }
}

interface Taken {
  readonly shares: Shares<OrganizationId>
  /** Those whose bodies are being sent, the earliest first. */
  readonly sending: Set<HeldPlace>
}

/** A class, because each request makes one: it costs a third of an object of closures. */
class HeldPlace implements Place {
  readonly sinceMs: number
  readonly #taken: Taken
  readonly #organization: OrganizationId
  #isHeld = true

  /** One place of `taken` has been taken for it. */
  constructor(taken: Taken, organization: OrganizationId, sinceMs: number) {
    this.#taken = taken
    this.#organization = organization
    this.sinceMs = sinceMs
    taken.sending.add(this)
  }

  lose(): void {
    this.#taken.sending.delete(this)
    if (this.#isHeld) this.#taken.shares.give(this.#organization, 1)
    this.#isHeld = false
  }

  work(): boolean {
    this.#taken.sending.delete(this)
    this.#isHeld ||= this.#taken.shares.take(this.#organization, 1)
    return this.#isHeld
  }

  [Symbol.dispose](): void {
    this.lose()
  }
}
