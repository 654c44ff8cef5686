import { openShares, type Shares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Memory for request bodies, shared so that no sender, also of uploads that never end, can use it up:
 *
 * - One organization holds at most half of it, and less while others hold some.
 * - One peer holds at most three quarters, so that a peer that sends to many organizations leaves room for others, and
 *   an organization at its half leaves room for those that share its peer (a proxy that isn't trusted).
 * - A body counts as its bytes come. A body that comes too slowly is given up.
 */
export interface BodyMemory extends Disposable {
  /** Bytes held now. */
  readonly used: number
  /** Begins one body, of 0 bytes. @param tooSlow called at most once, while the body is being received */
  lease(organization: OrganizationId, peer: string, tooSlow: () => void): BodyLease
}

/** The memory of one body. Disposing of it gives all of it back, once; it takes nothing afterwards. */
export interface BodyLease extends Disposable {
  /** Bytes held. */
  readonly bytes: number
  /** Whether this many more bytes would fit now; takes nothing. */
  fits(bytes: number): boolean
  /** Takes memory for bytes that have come. False, and nothing taken, where none is left. */
  grow(bytes: number): boolean
  /** Says that the body is whole: the least rate no longer applies. */
  complete(): void
}

export interface BodyMemoryOptions {
  /** Bytes of all bodies together. */
  readonly limit: number
  /** A body may be this slow for one period; in each later period it must gain `leastBytesPerSecond`. Default 5,000 ms. */
  readonly periodMs?: number
  /** Bytes a second that a sender must keep up. Default 1,024: a modem of 1995 passes. */
  readonly leastBytesPerSecond?: number
}

export function openBodyMemory(options: BodyMemoryOptions): BodyMemory {
  const { limit, periodMs = 5_000, leastBytesPerSecond = 1_024 } = options
  const memory: Memory = {
    byOrganization: openShares(limit),
    // One key alone gets half of a total.
    byPeer: openShares(1.5 * limit),
    receiving: new Set(),
  }
  const { receiving, byOrganization } = memory
  const leastBytes = (leastBytesPerSecond * periodMs) / 1000
  let timer: NodeJS.Timeout | undefined

  /** One timer for all bodies, and none while no body is being received. */
  function sweep(): void {
    timer = undefined
    for (const lease of receiving) {
      if (lease.bytes >= lease.owed) {
        lease.owed = lease.owed === 0 ? 1 : lease.bytes + leastBytes
      } else {
        receiving.delete(lease)
        lease.tooSlow()
      }
    }
    schedule()
  }

  function schedule(): void {
    if (receiving.size > 0) timer ??= setTimeout(sweep, periodMs).unref()
  }

  return {
    get used() {
      return byOrganization.used
    },
    lease(organization, peer, tooSlow) {
      const lease = new Lease(memory, organization, peer, tooSlow)
      receiving.add(lease)
      schedule()
      return lease
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      receiving.clear()
    },
  }
}

interface Memory {
  readonly byOrganization: Shares<OrganizationId>
  readonly byPeer: Shares<string>
  /** Leases of bodies that are being received. */
  readonly receiving: Set<Lease>
}

/** A class, because each request makes one: it costs a third of an object of closures. */
class Lease implements BodyLease {
  bytes = 0
  /** Bytes that it must have at the next sweep. 0: it has begun since the last one. */
  owed = 0
  readonly tooSlow: () => void
  readonly #memory: Memory
  readonly #organization: OrganizationId
  readonly #peer: string
  #isReleased = false

  constructor(memory: Memory, organization: OrganizationId, peer: string, tooSlow: () => void) {
    this.#memory = memory
    this.#organization = organization
    this.#peer = peer
    this.tooSlow = tooSlow
  }

  fits(bytes: number): boolean {
    const { byOrganization, byPeer } = this.#memory
    return byOrganization.fits(this.#organization, bytes) && byPeer.fits(this.#peer, bytes)
  }

  grow(bytes: number): boolean {
    if (this.#isReleased || !this.fits(bytes)) return false
    this.#memory.byOrganization.take(this.#organization, bytes)
    this.#memory.byPeer.take(this.#peer, bytes)
    this.bytes += bytes
    return true
  }

  complete(): void {
    this.#memory.receiving.delete(this)
  }

  [Symbol.dispose](): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.complete()
    this.#memory.byOrganization.give(this.#organization, this.bytes)
    this.#memory.byPeer.give(this.#peer, this.bytes)
    this.bytes = 0
  }
}
