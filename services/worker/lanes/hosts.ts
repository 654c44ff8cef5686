import { type Breaker, openBreaker } from './breaker.ts'

/** The breakers that destinations of one host share. */
export interface Hosts {
  breaker(host: string): Breaker
}

const hostBreaker = { threshold: 10, firstMs: 1_000, longestMs: 10_000 }
/** Beyond this many, those that are closed are forgotten. */
const remembered = 10_000

export function openHosts(): Hosts {
  const breakers = new Map<string, Breaker>()
  return {
    breaker(host) {
      let breaker = breakers.get(host)
      if (!breaker) {
        if (breakers.size >= remembered) {
          for (const [name, known] of breakers) if (known.state === 'closed') breakers.delete(name)
        }
        breaker = openBreaker(hostBreaker)
        breakers.set(host, breaker)
      }
      return breaker
    },
  }
}
