import { processedSpan, type ReceivedEvent, receivedSpan, sentSpan } from '@fairlead/telemetry/event-spans'
import { eventTraceId, isOfEventTrace, readTraceparent } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import type { EventId } from '@fairlead/webhook/id'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'
import { spanOfAttempt, spanOfSettlement } from './attempt-spans.ts'
import type { MessageOrigin, Origin } from './delivery/delivery.ts'
import type { EndedAttempt } from './delivery/ended-attempt.ts'
import type { Organization } from './directory.ts'

/**
 * The spans of a worker: `process EVENTS`, each attempt (`POST`, `send OUTBOUND`, `process <processor>`), and what follows
 * from it: `send DELIVERIES`, `send DEAD`. The first attempt is a child of `process EVENTS`; each later one begins a trace of
 * its own, which is linked to the attempt before and to `send EVENTS`.
 */
export interface WorkerTraces {
  /** Whether the ratio keeps the trace of this event. */
  samplesEvent(event: EventId): boolean
  /** Whether the flag `sampled` of this attempt's `traceparent` is set. */
  isSampled(reference: DeliveryReference): boolean
  /** An event is matched: where its trace is kept, its span ends when its message is acknowledged. */
  matched(event: TracedEvent, organization: Organization, origin: Origin): void
  /** Whether the attempt's trace is kept. */
  attempted(attempt: EndedAttempt): boolean
  /** What follows from an attempt whose trace is kept is stored; times in Unix ms. */
  settled(attempt: EndedAttempt, startMs: number, endMs: number): void
}

/** The parts of an event that spans tell. */
export interface TracedEvent {
  readonly meta: EventMeta
  readonly stored: DeliveryReference['stored']
}

/** A first attempt that begins later after the receipt is kept whatever the ratio says, ms. */
const lateMs = 5_000
/** Events whose receipt was told again; about 100 bytes each. */
const mostRemembered = 2_048

export function openWorkerTraces(tracing: Tracing, now: () => number): WorkerTraces {
  const rebuilt = openRecent(mostRemembered)
  const kept = openRecent(mostRemembered)

  /** Each trace takes from the bound once, however many deliveries it has. */
  function isSampledTrace(id: EventId): boolean {
    if (!tracing.samples(id)) return false
    if (kept.has(id)) return true
    if (!tracing.admitSampled(now())) return false
    kept.add(id)
    return true
  }

  function isKept(attempt: EndedAttempt): boolean {
    const { delivery, outcome, at } = attempt
    const { reference } = delivery
    const isFirst = isOfEventTrace(reference)
    const isSampled = isFirst
      ? isSampledTrace(reference.event)
      : tracing.samples(reference.delivery) && tracing.admitSampled(now())
    if (isSampled) return true
    const isLate = isFirst && at - reference.receivedAt > lateMs
    if (outcome.kind === 'delivered' && isFirst && !isLate) return false
    const what = outcome.kind === 'delivered' ? (isLate ? 'late' : 'again') : outcome.kind
    return tracing.admitFailure(`${reference.organization} ${reference.destination} ${what}`, now())
  }

  /** Spans of the receipt, and of the matching, for an event that the ratio does not keep. */
  function rebuild({ delivery, destination }: EndedAttempt): void {
    const { reference, event, origin } = delivery
    if (tracing.samples(reference.event) || !event || !destination || rebuilt.has(reference.event)) return
    rebuilt.add(reference.event)
    const facts = { ...factsOf(event.meta, destination.organization), rebuilt: true }
    const receivedMs = reference.receivedAt
    const storedMs = Math.max(receivedMs, (origin.kind === 'event' && origin.storedMs) || receivedMs)
    tracing.keep(receivedSpan({ ...facts, duplicate: false }, receivedMs, storedMs))
    tracing.keep(sentSpan(facts, receivedMs, storedMs))
    if (origin.kind === 'event') endLater(facts, reference.stored.seq, origin)
    // It was acknowledged long ago: nobody measured for how long it was worked on.
    else tracing.keep(processedSpan(facts, storedMs, storedMs))
  }

  function endLater(facts: ReceivedEvent, seq: number, origin: MessageOrigin): void {
    if (origin.ended) return
    const startMs = now() - (performance.now() - (origin.sinceMs ?? performance.now()))
    origin.ended = () => tracing.keep(processedSpan({ ...facts, seq }, startMs, now()))
  }

  return {
    samplesEvent: tracing.samples,
    // Every attempt after the first is kept, within the bound.
    isSampled: reference => !isOfEventTrace(reference) || tracing.samples(reference.event),
    matched({ meta, stored }, organization, origin) {
      if (origin.kind !== 'event' || !isSampledTrace(meta.id)) return
      endLater(factsOf(meta, organization), stored.seq, origin)
    },
    attempted(attempt) {
      if (!isKept(attempt)) return false
      if (isOfEventTrace(attempt.delivery.reference)) rebuild(attempt)
      tracing.keep(spanOfAttempt(attempt))
      return true
    },
    settled(attempt, startMs, endMs) {
      const span = spanOfSettlement(attempt, startMs, endMs)
      if (span) tracing.keep(span)
    },
  }
}

const factsOf = (meta: EventMeta, organization: Organization): ReceivedEvent => ({
  event: meta.id,
  traceId: eventTraceId(meta.id),
  organization: organization.slug,
  source: meta.source,
  provider: meta.provider,
  type: meta.type,
  bytes: meta.size,
  method: meta.method,
  linked: organization.trustsTraceparent(meta.source)
    ? readTraceparent(headerOf(meta, 'traceparent'))
    : undefined,
})

function headerOf({ headers }: EventMeta, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === name) return headers[i + 1]
  return undefined
}

/** The newest of many ids, without those before. */
function openRecent(most: number): { add(id: string): void; has(id: string): boolean } {
  const ids = new Set<string>()
  return {
    has: id => ids.has(id),
    add(id) {
      ids.add(id)
      if (ids.size <= most) return
      const [oldest] = ids
      if (oldest !== undefined) ids.delete(oldest)
    },
  }
}
