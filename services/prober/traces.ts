import { createHash } from 'node:crypto'
import { eventSpan, type SpanContext, traceparentOf } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import { parseId } from '@fairlead/webhook/id'
import type { Closed } from './partition.ts'
import type { Probe } from './probe.ts'

/**
 * The span of a probe, `probe`: from the first try to the last thing that it had to pass, linked to the receipt of its event, as that is
 * linked to it. Kept are those whose event's trace the ratio keeps, and each that was late, lost, missed or refused.
 */
export interface ProbeTraces {
  /** What a request for it carries. */
  headersOf(probe: Probe): Readonly<Record<string, string>>
  closed(probe: Probe, how: Closed, nowMs: number): void
}

export function openProbeTraces(tracing: Tracing): ProbeTraces {
  return {
    headersOf: probe => ({ traceparent: traceparentOf(spanOf(probe), false) }),
    closed(probe, how, nowMs) {
      const event = probe.event === undefined ? undefined : parseId('evt', probe.event)
      const isGood = how === 'passed' && !probe.late
      const result = how === 'passed' && probe.late ? 'late' : how
      const isKept = isGood
        ? event !== undefined && tracing.samples(event) && tracing.admitSampled(nowMs)
        : tracing.admitFailure(`probe ${probe.id.split('-')[0]} ${result}`, nowMs)
      if (!isKept) return
      tracing.keep({
        name: 'probe',
        kind: 'client',
        context: spanOf(probe),
        links: event && [eventSpan(event, 'receive')],
        startMs: probe.sentMs,
        endMs: nowMs,
        error: isGood ? undefined : result,
        attributes: {
          'fairlead.probe.id': probe.id,
          'fairlead.probe.result': result,
          'fairlead.probe.tries': probe.tries,
          'fairlead.probe.open': probe.open.length === 0 ? undefined : probe.open.join(','),
          'fairlead.source': probe.source,
          'fairlead.event.id': event,
        },
      })
    },
  }
}

/** Of the probe's id, so that a prober that was started anew makes the same. */
function spanOf({ id }: Probe): SpanContext {
  const digest = createHash('sha256').update(`probe ${id}`).digest('hex')
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) }
}
