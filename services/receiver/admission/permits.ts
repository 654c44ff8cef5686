import { openShares, type Shares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Permits bound the requests in work to `FAIRLEAD_MAX_REQUESTS`; one organization has at most half of them, and less while
 * others have some. A request takes its permit before it waits for anything, so that no request waits and is then refused.
 *
 *   take ──▶ sending ── body is whole ──▶ working ──▶ leave
 *               └─ 100 ms, and others need the permit ──▶ none ── body is whole: take again, or be refused
 */
export interface Permits {
  /** Permits taken. */
  readonly used: number
  /** Undefined where there is none, or none for this organization. @param nowMs `performance.now()` */
  take(organization: OrganizationId, nowMs: number): Permit | undefined
}

export interface Permit extends Disposable {
  /** Says that the body is whole. False if the request lost its permit and no other is left. */
  work(): boolean
}

/** After this long, ms, a request whose body is not whole loses its permit to others that need one. */
const patienceMs = 100

export function openPermits(limit: number): Permits {
  const permits: Taken = { shares: openShares(limit), sending: new Set() }
  const { shares, sending } = permits

  function takeFromSlowSenders(nowMs: number): void {
    for (const permit of sending) {
      if (nowMs - permit.sinceMs < patienceMs) return
      permit.lose()
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
      return new HeldPermit(permits, organization, nowMs)
    },
  }
}

interface Taken {
  readonly shares: Shares<OrganizationId>
  /** Permits of requests whose bodies are being sent, the earliest first. */
  readonly sending: Set<HeldPermit>
}

/** A class, because each request makes one: it costs a third of an object of closures. */
class HeldPermit implements Permit {
  readonly sinceMs: number
  readonly #taken: Taken
  readonly #organization: OrganizationId
  #isHeld = true

  /** One permit of `taken` has been taken for it. */
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
