import { noteExemplar } from '@fairlead/daemon/exposition'
import { eventSpan, logFields } from '@fairlead/telemetry/trace-ids'
import type { DeliveryId, DestinationId, EventId } from '@fairlead/webhook/id'
import { judgeDelivery, judgeFreshness, objectiveMs } from '@fairlead/webhook/objective'
import type { Outcome } from '@fairlead/webhook/outcome'
import type { Settlement } from '@fairlead/webhook/settle'
import type { AttemptRecord, RoutedRecord } from '@fairlead/wire/attempt'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'
import type { Histogram } from 'prom-client'
import type { Organization } from '../directory.ts'
import type { Engine } from '../engine.ts'
import type { Attempted, EndedAttempt } from './ended-attempt.ts'

/** Reports of a delivery: a record for the event log, metrics, and a line in the process's log. */

/** A dead letter is retried from DEAD when its event is no longer in EVENTS; it was logged long ago. */
export const eventSeqOf = ({ stored }: DeliveryReference): number =>
  stored.stream === 'EVENTS' ? stored.seq : 1

/** @param of an event's meta, or a reference to it */
export function routedRecord(
  of: Pick<DeliveryReference, 'organization' | 'receivedAt'> &
    ({ readonly id: EventId } | { readonly event: EventId }),
  eventSeq: number,
  destinations: DestinationId[],
): RoutedRecord {
  return {
    kind: 'routed',
    organization: of.organization,
    event: 'id' in of ? of.id : of.event,
    receivedAt: of.receivedAt,
    eventSeq,
    destinations,
  }
}

export function attemptRecord(
  reference: DeliveryReference,
  outcome: Outcome,
  settlement: Settlement,
  { at, durationMs, exchange, heldUp }: Omit<Attempted, 'span'>,
  lane: AttemptRecord['lane'],
): AttemptRecord {
  return {
    kind: 'attempted',
    organization: reference.organization,
    event: reference.event,
    receivedAt: reference.receivedAt,
    eventSeq: eventSeqOf(reference),
    delivery: reference.delivery,
    destination: reference.destination,
    of: reference.of,
    number: reference.attempt,
    trigger: reference.trigger,
    ...(reference.replay && { replay: reference.replay }),
    at,
    durationMs,
    outcome: outcome.kind,
    ...(outcome.status !== undefined && { status: outcome.status }),
    ...(lane && { lane }),
    ...(heldUp && { heldUp }),
    ...(exchange && { exchange }),
    ...('reason' in outcome && outcome.reason !== undefined && { reason: outcome.reason.slice(0, 500) }),
    settlement: settlement.kind === 'retry' ? { kind: 'retry', at: settlement.atMs } : settlement,
  }
}

/** @param isTraced whether its trace is kept */
export function reportAttempt(
  ended: EndedAttempt,
  isTraced: boolean,
  { metrics, log }: Pick<Engine, 'metrics' | 'log'>,
): void {
  const { delivery, destination, outcome, settlement, durationMs, span } = ended
  const { reference, event } = delivery
  countAttempt(ended, isTraced, metrics)
  const fields = {
    ...logFields(span, isTraced),
    event: reference.event satisfies EventId,
    delivery: reference.delivery satisfies DeliveryId,
    organization: destination?.organization.slug,
    source: reference.source,
    type: event?.meta.type,
    destination: destination?.config.name,
    attempt: reference.attempt,
    trigger: reference.trigger,
    replay: reference.replay,
    outcome: outcome.kind,
    status: outcome.status,
    settlement: settlement.kind,
    durationMs,
  }
  if (outcome.kind === 'delivered') log.info(fields, 'delivery.attempted')
  else log.warn(fields, 'delivery.attempted')
}

/** The line about an event that no route wants. */
export const unroutedFields = (meta: EventMeta, organization: Organization, { traces }: Engine) => ({
  ...logFields(eventSpan(meta.id, 'process'), traces?.samplesEvent(meta.id) ?? false),
  event: meta.id,
  organization: organization.slug,
  source: meta.source,
  provider: meta.provider,
  type: meta.type,
})

/** Counts an attempt, and judges it by the platform's objectives. Replays and retries by hand are not judged: their delivery was. */
function countAttempt(ended: EndedAttempt, isTraced: boolean, metrics: Engine['metrics']): void {
  const { outcome, settlement, at, durationMs, heldUp = false } = ended
  const { reference } = ended.delivery
  const ageMs = at + durationMs - reference.receivedAt
  const observe = (histogram: Histogram, seconds: number) => {
    histogram.observe(seconds)
    if (isTraced) noteExemplar(histogram, seconds, ended.span.traceId, at + durationMs)
  }
  metrics.attempts.inc({ outcome: outcome.kind })
  observe(metrics.attemptSeconds, durationMs / 1000)
  if (settlement.kind === 'retry') metrics.retries.inc({ outcome: outcome.kind })
  if (outcome.kind === 'delivered' && reference.attempt === 1) metrics.deliverySeconds.observe(ageMs / 1000)
  if (reference.trigger !== 'route') return
  if (reference.attempt === 1) {
    const delayMs = at - reference.receivedAt
    observe(metrics.firstAttemptDelay, Math.max(0, delayMs) / 1000)
    metrics.judged('freshness', judgeFreshness(delayMs, objectiveMs.freshness, heldUp))
  }
  const result = judgeDelivery(settlement, ageMs, objectiveMs.delivery)
  if (!result) return
  metrics.judged('delivery', result)
  metrics.fateSeconds.observe({ result: settlement.kind === 'dead' ? 'dead' : 'delivered' }, ageMs / 1000)
}
