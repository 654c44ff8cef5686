import type { Registry } from 'prom-client'
import type { Processor } from './process.ts'
import { openTally } from './tally.ts'

/** The processors that a destination can name. */
export function openProcessors(registry: Registry): ReadonlyMap<string, Processor> {
  return new Map([['tally', openTally(registry)]])
}
