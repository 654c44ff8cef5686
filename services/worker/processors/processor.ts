import type { NatsConnection } from '@nats-io/transport-node'
import type { Registry } from 'prom-client'
import type { Hydrator } from '../hydrate/hydrate.ts'
import { openLedger } from './ledger.ts'
import type { Processor } from './process.ts'
import { openTally } from './tally.ts'

/** The processors that a destination can name, and the one of an organization's ledger. */
export function openProcessors(
  registry: Registry,
  nats: NatsConnection,
  hydrator: Hydrator,
): ReadonlyMap<string, Processor> {
  return new Map([
    ['ledger', openLedger(registry, nats, hydrator)],
    ['tally', openTally(registry)],
  ])
}
