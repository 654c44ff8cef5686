import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { SpanContext } from './trace-ids.ts'

/** A span that has ended, with the times that were measured for the log and the metrics anyway. */
export interface Span {
  /** Low in cardinality: no id, no organization. */
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  /** The parent's span id; it is in the same trace. Absent: it begins the trace. */
  readonly parent?: string | undefined
  readonly links?: readonly SpanContext[] | undefined
  /** Unix milliseconds, with fractions. */
  readonly startMs: number
  readonly endMs: number
  /** Why it failed, a word of a closed list: `error.type`. Absent: it did not. */
  readonly error?: string | undefined
  /** Undefined ones are left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>
}

export type SpanKind = keyof typeof kinds

/** As `SpanKind` of @opentelemetry/api numbers them, which isn't loaded for that. */
const kinds = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const

const statusCodes = { unset: 0, error: 2 } as const
/** The trace flag `sampled`: exporters leave out spans without it. */
const sampled = 1

type Resource = ReadableSpan['resource']

/**
 * Turns ended spans into records as the exporter reads them. Records, and not the SDK's own spans: those cost ten times as
 * much, and draw their ids.
 */
export function openSpanWriter(resource: Resource): (span: Span) => ReadableSpan {
  const same = {
    resource,
    instrumentationScope: { name: 'fairlead' },
    ended: true,
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
  return span => {
    const { traceId } = span.context
    const context = { ...span.context, traceFlags: sampled }
    return {
      ...same,
      name: span.name,
      kind: kinds[span.kind],
      spanContext: () => context,
      ...(span.parent !== undefined && {
        parentSpanContext: { traceId, spanId: span.parent, traceFlags: sampled },
      }),
      attributes: written(span),
      links: (span.links ?? []).map(link => ({ context: { ...link, traceFlags: sampled } })),
      startTime: timeOf(span.startMs),
      endTime: timeOf(span.endMs),
      duration: timeOf(span.endMs - span.startMs),
      status: { code: span.error === undefined ? statusCodes.unset : statusCodes.error },
    }
  }
}

/** Records aren't sanitised as the SDK's spans are: an undefined attribute would reach the wire. */
function written({ attributes, error }: Span): ReadableSpan['attributes'] {
  const present: Record<string, string | number | boolean> = {}
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined) present[name] = value
  }
  if (error !== undefined) present['error.type'] = error
  return present
}

/** Seconds and nanoseconds. */
const timeOf = (ms: number): [number, number] => {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}
