import { Counter, type Registry } from 'prom-client'
import type { Processor } from './process.ts'

/**
 * Counts events by provider, for teams that want to see what comes in before they build anything. The smallest
 * processor there can be, and the example for others.
 */
export function openTally(registry: Registry): Processor {
  const events = new Counter({
    name: 'fairlead_tally_events_total',
    help: 'Events that the built-in processor "tally" was given, by provider; repeats count',
    labelNames: ['provider'],
    registers: [registry],
  })
  return {
    async process({ meta }) {
      events.inc({ provider: meta.provider })
    },
  }
}
