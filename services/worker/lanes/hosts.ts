import type { OrganizationId } from '@fairlead/webhook/id'
import { Breaker } from './breaker.ts'

/**
 * Breakers of places. A place is scheme, host and port: what destinations of several organizations share that live there.
 * While a place can't be reached, it is probed by a single request instead of by each destination.
 *
 * Nobody's settings can hold up others: only a failure to *reach* the place counts, an organization is held up only after
 * such a failure of its own, and the organizations that are held up take turns with probes.
 */
export interface Hosts {
  place(name: string): Place
  /** The organization was deleted: it takes no more turns. */
  forget(organization: OrganizationId): void
}

const placeBreaker = { threshold: 10, firstMs: 1_000, longestMs: 10_000 }
/** Beyond this many, places whose breakers are closed are forgotten. */
const remembered = 10_000
/** The organization whose turn it is has so long, ms, to make the probe; then any may. */
const turnMs = 1_000
/** How soon to ask again while another organization's probe is under way, ms. */
const probingMs = 250
/** A probe that has no end after so long, ms, holds up nobody else: who connects and then hangs has reached the place. */
const probeMs = 10_000

export function openHosts(): Hosts {
  const places = new Map<string, Place>()
  return {
    place(name) {
      let place = places.get(name)
      if (!place) {
        if (places.size >= remembered) {
          for (const [known, { state }] of places) if (state === 'closed') places.delete(known)
        }
        place = new Place()
        places.set(name, place)
      }
      return place
    },
    forget(organization) {
      for (const place of places.values()) place.forget(organization)
    },
  }
}

export class Place {
  readonly #breaker = new Breaker(placeBreaker)
  /** Organizations that failed to reach it since somebody last did. */
  readonly #failed = new Set<OrganizationId>()
  /** Organizations that are held up, the one whose turn is next first. */
  readonly #turns = new Set<OrganizationId>()
  #prober: OrganizationId | undefined
  #probedMs = 0

  /** As a breaker's: 'closed': go. 'probe': go, as the only one. A time (ms): ask again then. */
  ask(organization: OrganizationId, nowMs: number): 'closed' | 'probe' | number {
    if (this.#breaker.state === 'closed' || !this.#failed.has(organization)) return 'closed'
    if (this.#breaker.state === 'probing' && nowMs - this.#probedMs > probeMs) this.#breaker.unused()
    const waitMs = this.#turnOf(organization, nowMs)
    if (waitMs !== undefined) {
      this.#turns.add(organization)
      return waitMs
    }
    const answer = this.#breaker.ask(nowMs)
    if (answer !== 'probe') {
      this.#turns.add(organization)
      return this.#breaker.state === 'probing' ? nowMs + probingMs : answer
    }
    this.#turns.delete(organization)
    this.#prober = organization
    this.#probedMs = nowMs
    return 'probe'
  }

  /** When to ask again, ms, where it is another's turn. */
  #turnOf(organization: OrganizationId, nowMs: number): number | undefined {
    const [first] = this.#turns
    if (first === undefined || first === organization) return undefined
    const { state, probeFromMs } = this.#breaker
    if (state === 'open' && nowMs >= probeFromMs + turnMs) {
      // It did not come: its destinations are paused, or have nothing to deliver.
      this.#turns.delete(first)
      return undefined
    }
    return Math.max(probeFromMs, nowMs) + turnMs
  }

  /** A probe was granted, but not used, or said nothing about the place. */
  unused(organization: OrganizationId): void {
    if (this.#prober === organization) this.#endProbe()
  }

  /** The place answered. */
  succeeded(): void {
    this.#prober = undefined
    this.#breaker.succeeded()
    this.#failed.clear()
    this.#turns.clear()
  }

  /** The place could not be reached. */
  failed(organization: OrganizationId, nowMs: number): void {
    this.#failed.add(organization)
    // An attempt that was under way before says nothing about another's probe.
    if (this.#breaker.state === 'probing' && this.#prober !== organization) return
    this.#prober = undefined
    this.#breaker.failed(nowMs)
  }

  forget(organization: OrganizationId): void {
    this.#failed.delete(organization)
    this.#turns.delete(organization)
    if (this.#prober === organization) this.#endProbe()
  }

  /** Whether it holds up this organization now. */
  holdsUp(organization: OrganizationId): boolean {
    return this.#breaker.state !== 'closed' && this.#failed.has(organization)
  }

  get state(): Breaker['state'] {
    return this.#breaker.state
  }

  #endProbe(): void {
    this.#prober = undefined
    this.#breaker.unused()
  }
}
