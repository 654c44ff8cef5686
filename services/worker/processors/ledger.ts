import { type BillingEvent, type Fact, providers } from '@fairlead/ledger/facts'
import { factsOf } from '@fairlead/ledger/facts-of'
import type { EventMeta } from '@fairlead/wire/event'
import type { NatsConnection } from '@nats-io/transport-node'
import { Counter, type Registry } from 'prom-client'
import type { Hydrator } from '../hydrate/hydrate.ts'
import { StripeApiError } from '../hydrate/stripe-api.ts'
import { type Processor, ProcessorError } from './process.ts'
import { type LedgerEventInit, openFactBatches } from './record-facts.ts'

/**
 * Turns a verified event of a payment provider into facts, which a store adds to the ledger. To read an event is pure and the store
 * takes a fact once, so a repeat changes nothing. An event that can't be read is quarantined, and is no failure; while no store
 * answers, deliveries wait.
 */
export function openLedger(registry: Registry, nats: NatsConnection, hydrator: Hydrator): Processor {
  const batches = openFactBatches(nats)
  const events = new Counter({
    name: 'fairlead_ledger_events_total',
    help: 'Billing events that the built-in processor "ledger" was given, by provider and by what was made of them: facts, quarantined or ignored; repeats count',
    labelNames: ['provider', 'result'],
    registers: [registry],
  })
  /** What the event leaves out is fetched when what it says is safe. */
  async function complete(
    meta: EventMeta,
    facts: readonly Fact[],
    key: string,
    signal: AbortSignal,
  ): Promise<void> {
    const fetched = await hydrator.hydrate(meta, facts, key, signal).catch((error: unknown) => {
      if (error instanceof StripeApiError) throw new ProcessorError(error.message)
      throw error
    })
    if (fetched.length === 0) return
    await batches.record(meta.organization, { ...common(meta), facts: fetched.map(message) })
  }
  return {
    async process({ meta, body, hydrationKey }, signal) {
      const provider = providers.find(name => name === meta.provider)
      if (!provider) return
      const read = factsOf(billingEvent(provider, meta, body))
      events.inc({ provider, result: read.kind })
      switch (read.kind) {
        case 'facts':
          await batches.record(meta.organization, { ...common(meta), facts: read.facts.map(message) })
          if (hydrationKey === undefined) return
          return await complete(meta, read.facts, hydrationKey, signal)
        case 'quarantined':
          return await batches.record(meta.organization, { ...common(meta), quarantined: read.reason })
        case 'ignored':
          return
        default:
          return read satisfies never
      }
    },
  }
}

const billingEvent = (
  provider: BillingEvent['provider'],
  { type, mode = 'live', account }: EventMeta,
  body: Uint8Array,
): BillingEvent => ({ provider, type, body, sourceMode: mode, ...(account && { sourceAccount: account }) })

const common = ({ id, source, provider, type, mode = 'live' }: EventMeta) => ({
  eventId: id,
  source,
  provider,
  type,
  mode,
})

function message({ personal, ...fact }: Fact): NonNullable<LedgerEventInit['facts']>[number] {
  return {
    provider: fact.provider,
    account: fact.account,
    mode: fact.mode,
    kind: fact.kind,
    objectId: fact.objectId,
    incarnation: fact.incarnation,
    eventId: fact.eventId,
    digest: Buffer.from(fact.digest, 'hex'),
    occurredMs: BigInt(fact.occurredAt),
    json: JSON.stringify(fact),
    personalJson: personal ? JSON.stringify(personal) : '',
  }
}
