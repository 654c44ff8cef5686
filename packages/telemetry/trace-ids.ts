import { charactersAsHex, type DeliveryId, type EventId, toHex } from '@fairlead/webhook/id'

/**
 * Trace and span ids are made from the ids of events and deliveries, so that the log, the API, an exemplar and a span agree
 * without storing anything, and a span that is made again has the id that others point to.
 *
 *   trace of an event         its 128 bits: receiving, storing, matching and the first attempt of each delivery
 *   trace of a later attempt  four digits of its number, then the delivery's bits from the fifth digit
 *   span of an event          its first fourteen digits, then two of its role
 *   span of an attempt        the last seven characters of the delivery's id as ASCII, then two digits of its role: decoding them
 *                             would cost each webhook more, and a trace has few deliveries
 */

export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
}

const eventRoles = { receive: '01', send: '02', process: '03' } as const
type EventRole = keyof typeof eventRoles

const deliveryRoles = { attempt: '10', schedule: '11', dead: '12' } as const
type DeliveryRole = keyof typeof deliveryRoles

/** Of an attempt what its trace is told by. */
export interface TracedAttempt {
  readonly event: EventId
  readonly delivery: DeliveryId
  /** From 1. */
  readonly attempt: number
  readonly trigger: string
}

export const eventTraceId = (event: EventId): string => toHex(event)

export const eventSpan = (event: EventId, role: EventRole): SpanContext =>
  spanOfEventTrace(toHex(event), role)

/** For who knows the event's trace: to decode its id costs more than everything else here. */
export const spanOfEventTrace = (traceId: string, role: EventRole): SpanContext => ({
  traceId,
  spanId: traceId.slice(0, 14) + eventRoles[role],
})

/**
 * Whether an attempt is part of its event's trace. A later one may come hours after that trace has ended, so it begins a
 * trace of its own; so does the first attempt of a delivery that a person or a Replay asked for.
 */
export const isOfEventTrace = ({ attempt, trigger }: Pick<TracedAttempt, 'attempt' | 'trigger'>): boolean =>
  attempt === 1 && trigger === 'route'

export const attemptTraceId = (attempt: TracedAttempt): string => attemptSpan(attempt).traceId

export function attemptSpan(attempt: TracedAttempt, role: DeliveryRole = 'attempt'): SpanContext {
  const traceId = isOfEventTrace(attempt)
    ? toHex(attempt.event)
    : fourDigits(attempt.attempt) + toHex(attempt.delivery).slice(4)
  return { traceId, spanId: charactersAsHex(attempt.delivery) + deliveryRoles[role] }
}

/** The attempt before this one, which a link points to; undefined for the first. Of it only the number is known. */
export function attemptBefore(attempt: TracedAttempt): SpanContext | undefined {
  if (attempt.attempt < 2) return undefined
  // The first attempt of nearly every delivery is by a route.
  return attemptSpan({ ...attempt, attempt: attempt.attempt - 1, trigger: 'route' })
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
export const traceparentOf = ({ traceId, spanId }: SpanContext, sampled: boolean): string =>
  `00-${traceId}-${spanId}${sampled ? '-01' : '-00'}`

/** The fields by which a log line tells its span (https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/). */
export const logFields = ({ traceId, spanId }: SpanContext, sampled: boolean) => ({
  trace_id: traceId,
  span_id: spanId,
  trace_flags: sampled ? '01' : '00',
})

/** Reads a `traceparent` of any version; undefined where it is malformed or says nothing. */
export function readTraceparent(text: string | undefined): SpanContext | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/.exec(text ?? '')
  const [, traceId = '', spanId = ''] = match ?? []
  return /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(spanId) ? { traceId, spanId } : undefined
}

/** Whether a well-formed `traceparent` says that its trace is kept. */
export const isSampledTraceparent = (traceparent: string): boolean =>
  (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1

const fourDigits = (attempt: number): string => (attempt & 0xffff).toString(16).padStart(4, '0')
