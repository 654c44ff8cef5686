import { openShares } from '@fairlead/daemon/shares'
import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Memory for request bodies. Nobody who sends bodies, whole or broken off, keeps others out:
 *
 * - One organization holds at most half of it, and less while others hold some.
 * - One peer holds at most three quarters, so that whoever sends to many organizations leaves room for other peers, and
 *   an organization at its half leaves room for those that share its peer (a proxy that isn't trusted).
 * - A body counts as it comes, and one that comes too slowly is given up.
 */
export interface BodyMemory extends Disposable {
  /** Bytes held now. */
  readonly used: number
  /** Begins one body, of 0 bytes. @param tooSlow called at most once, while the body is being received */
  lease(organization: OrganizationId, peer: string, tooSlow: () => void): BodyLease
}

/** What one body holds. Disposing of it gives all of it back, once; from then on it holds nothing and grows no more. */
export interface BodyLease extends Disposable {
  /** Bytes held. */
  readonly bytes: number
  /** Whether so many more bytes would find room now; takes nothing. */
  fits(bytes: number): boolean
  /** Takes room for bytes that have come. False where there is none: then nothing is taken. */
  grow(bytes: number): boolean
  /** The body is whole: it has no least rate any more. */
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
  const byOrganization = openShares<OrganizationId>(limit)
  // One key alone gets half of a total.
  const byPeer = openShares<string>(1.5 * limit)
  const leastBytes = (leastBytesPerSecond * periodMs) / 1000
  const receiving = new Set<Receiving>()
  let timer: NodeJS.Timeout | undefined

  /** One timer for all bodies, and none while no body is being received. */
  function sweep(): void {
    timer = undefined
    for (const body of receiving) {
      if (body.bytes >= body.owed) {
        body.owed = body.owed === 0 ? 1 : body.bytes + leastBytes
      } else {
        receiving.delete(body)
        body.tooSlow()
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
      const body: Receiving = { bytes: 0, owed: 0, tooSlow }
      let released = false
      receiving.add(body)
      schedule()
      return {
        get bytes() {
          return body.bytes
        },
        fits: bytes => byOrganization.fits(organization, bytes) && byPeer.fits(peer, bytes),
        grow(bytes) {
          if (released || !byOrganization.take(organization, bytes)) return false
          if (!byPeer.take(peer, bytes)) {
            byOrganization.give(organization, bytes)
            return false
          }
          body.bytes += bytes
          return true
        },
        complete: () => void receiving.delete(body),
        [Symbol.dispose]() {
          if (released) return
          released = true
          receiving.delete(body)
          byOrganization.give(organization, body.bytes)
          byPeer.give(peer, body.bytes)
          body.bytes = 0
        },
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      receiving.clear()
    },
  }
}

interface Receiving {
  bytes: number
  /** Bytes that it must have at the next sweep. 0: it has begun since the last one. */
  owed: number
  readonly tooSlow: () => void
}
