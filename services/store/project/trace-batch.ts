import { randomBytes } from 'node:crypto'
import { messaging } from '@fairlead/telemetry/event-spans'
import { attemptSpan, eventSpan, type SpanContext } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import type { Batch } from './take-batch.ts'

/** A batch holds thousands of messages. */
const mostLinks = 64

/**
 * `project <stream>`: one transaction, for each stream of which it brought something into the log. It belongs to no webhook's
 * trace, because it is about many: it is linked to those that are kept, and is told only where there is one.
 */
export function traceBatch(batch: Batch, tracing: Tracing, startMs: number, endMs: number): void {
  for (const [stream, count, links] of [
    ['EVENTS', batch.events.length, eventsOf(batch, tracing)],
    ['ATTEMPTS', batch.attempts.length, attemptsOf(batch, tracing)],
    ['DEAD', batch.dead.length, deadOf(batch)],
  ] as const) {
    if (links.length === 0) continue
    tracing.keep({
      name: `project ${stream}`,
      kind: 'internal',
      context: { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') },
      links: links.slice(0, mostLinks),
      startMs,
      endMs,
      attributes: { ...messaging('process', stream), 'messaging.batch.message_count': count },
    })
  }
}

const eventsOf = ({ events }: Batch, tracing: Tracing): SpanContext[] =>
  events.flatMap(({ value }) => (value && tracing.samples(value.id) ? [eventSpan(value.id, 'send')] : []))

const attemptsOf = ({ attempts }: Batch, tracing: Tracing): SpanContext[] =>
  attempts.flatMap(({ value = [] }) =>
    value.flatMap(record =>
      record.kind === 'attempted' && isKept(record, tracing)
        ? [attemptSpan({ ...record, attempt: record.number })]
        : [],
    ),
  )

/** As workers keep attempts, but for their bounds. */
const isKept = ({ event, number, outcome }: AttemptRecord, tracing: Tracing): boolean =>
  outcome !== 'delivered' || number > 1 || tracing.samples(event)

const deadOf = ({ dead }: Batch): SpanContext[] =>
  dead.flatMap(({ value }) => (value ? [eventSpan(value.event.id, 'send')] : []))
