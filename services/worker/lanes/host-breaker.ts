import type { OrganizationId } from '@fairlead/webhook/id'
import { Breaker } from './breaker.ts'

/**
 * Breakers of hosts. A host here is scheme, name and port: destinations of several organizations may share it. While a host
 * can't be reached, a single request probes it instead of one for each destination.
 *
 * An organization's settings can't hold up others: only a failure to *reach* the host counts, an organization is held up
 * only after such a failure of its own, and the organizations that are held up take turns with probes.
 */
export interface Hosts {
  host(name: string): Host
  /** The organization was deleted: it takes no more turns. */
  forget(organization: OrganizationId): void
}

const hostBreaker = { threshold: 10, firstMs: 1_000, longestMs: 10_000 }
/** Hosts that are kept. Beyond this many, those whose breakers are closed are forgotten. */
const remembered = 10_000
/** How long the organization whose turn it is has for its probe, ms; then any organization may probe. */
const turnMs = 1_000
/** How soon to ask again while another organization's probe is under way, ms. */
const probingMs = 250
/** After this long, ms, a probe holds up no other organization: a request that connected and then hangs has reached the host. */
const probeMs = 10_000

export function openHosts(): Hosts {
  const hosts = new Map<string, Host>()
  return {
    host(name) {
      let host = hosts.get(name)
      if (!host) {
        if (hosts.size >= remembered) {
          for (const [known, { state }] of hosts) if (state === 'closed') hosts.delete(known)
        }
        host = new Host()
        hosts.set(name, host)
      }
      return host
    },
    forget(organization) {
      for (const host of hosts.values()) host.forget(organization)
    },
  }
}

export class Host {
  readonly #breaker = new Breaker(hostBreaker)
  /** Organizations that failed to reach it since it was last reached. */
  readonly #failed = new Set<OrganizationId>()
  /** Organizations that are held up, in the order of their turns. */
  readonly #turns = new Set<OrganizationId>()
  #prober: OrganizationId | undefined
  #probedMs = 0

  /** As `Breaker.ask`. 'closed': attempt. 'probe': attempt, with no other beside it. A time, ms: ask again then. */
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
      // It made no probe: its destinations are paused, or have nothing to deliver.
      this.#turns.delete(first)
      return undefined
    }
    return Math.max(probeFromMs, nowMs) + turnMs
  }

  /** A probe was granted, but not used, or said nothing about the host. */
  unused(organization: OrganizationId): void {
    if (this.#prober === organization) this.#endProbe()
  }

  /** The host answered. */
  succeeded(): void {
    this.#prober = undefined
    this.#breaker.succeeded()
    this.#failed.clear()
    this.#turns.clear()
  }

  /** The host could not be reached. */
  failed(organization: OrganizationId, nowMs: number): void {
    this.#failed.add(organization)
    // The outcome of an attempt that began before the probe says nothing about the probe.
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
