import { randomBytes } from 'node:crypto'
import { receivedSpan, receiverRoute, sentSpan } from '@fairlead/telemetry/event-spans'
import {
  readTraceparent,
  type SpanContext,
  spanOfEventTrace,
  traceparentOf,
} from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import type { Source } from './directory.ts'
import type { ProblemCode } from './problem.ts'
import type { Stored, Verified } from './verified.ts'

/** The spans of a receiver: `POST /webhooks/{organization}/{source}`, and below it `send EVENTS`. */
export interface ReceiverTraces {
  /** The header of a stored event whose trace is kept, for consumers of EVENTS that aren't Fairlead's; undefined: none. */
  traceparent(event: Pick<Verified, 'id' | 'traceId'>): string | undefined
  /**
   * Whether the trace is kept.
   * @param startedMs of `performance.now()`, at the request line. @param durationMs from there to the acknowledgement
   */
  accepted(event: Verified, stored: Stored, startedMs: number, durationMs: number): boolean
  /** A request that was refused once its source was known, and a place for it was asked. */
  refused(source: Source, refused: RefusedRequest): void
}

export interface RefusedRequest {
  readonly code: ProblemCode
  readonly status: number
  readonly reason: string
  /** Of `performance.now()`, at the request line. */
  readonly startedMs: number
}

/** An acceptance that takes longer is kept whatever the ratio says, ms. */
const slowMs = 1_000

export function openReceiverTraces(tracing: Tracing, now: () => number): ReceiverTraces {
  function isKept({ id, source }: Verified, durationMs: number): boolean {
    if (tracing.samples(id)) return tracing.admitSampled(now())
    return durationMs > slowMs && tracing.admitFailure(`${source.organization.id} slow`, now())
  }

  return {
    traceparent: ({ id, traceId }) =>
      tracing.samples(id) ? traceparentOf(spanOfEventTrace(traceId, 'send'), true) : undefined,
    accepted(event, stored, startedMs, durationMs) {
      if (!isKept(event, durationMs)) return false
      const { id, traceId, source, received, identity, body } = event
      const nowMs = now()
      // Unix milliseconds of a `performance.now()`.
      const unixMs = (at: number) => nowMs - (performance.now() - at)
      const startMs = unixMs(startedMs)
      const duplicate = stored.knownBy !== undefined
      const facts = {
        event: id,
        traceId,
        organization: source.organization.slug,
        source: source.config.name,
        provider: source.config.provider,
        type: identity.eventType ?? '',
        bytes: body.length,
        method: received.method,
        status: source.scheme.accepted?.status ?? 200,
        linked: source.config.trustTraceparent ? readTraceparent(traceparentIn(event)) : undefined,
      }
      // A repeat is part of the first one's trace, beside its spans.
      const contexts = duplicate ? ofRepeat(event) : undefined
      tracing.keep(
        receivedSpan({ ...facts, duplicate, context: contexts?.receive }, startMs, startMs + durationMs),
      )
      if (stored.publish) {
        const { startedMs: begunMs, endedMs, batch } = stored.publish
        tracing.keep(
          sentSpan(
            { ...facts, batch, context: contexts?.send, parent: contexts?.receive },
            unixMs(begunMs),
            unixMs(endedMs),
          ),
        )
      }
      return true
    },
    refused(source, { code, status, reason, startedMs }) {
      const endMs = now()
      if (source.traceBucket.take(endMs) > 0) {
        tracing.skip('refusal')
        return
      }
      tracing.keep({
        name: `POST ${receiverRoute}`,
        kind: 'server',
        context: { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') },
        startMs: endMs - (performance.now() - startedMs),
        endMs,
        // The sender's fault leaves the status of a server's span unset.
        error: status >= 500 ? reason : undefined,
        attributes: {
          'http.request.method': 'POST',
          'http.route': receiverRoute,
          'http.response.status_code': status,
          'fairlead.organization': source.organization.slug,
          'fairlead.source': source.config.name,
          'fairlead.provider': source.config.provider,
          'fairlead.rejection.code': code,
          'fairlead.rejection.reason': reason,
        },
      })
    },
  }
}

function ofRepeat({ traceId }: Verified): { readonly receive: SpanContext; readonly send: SpanContext } {
  const drawn = randomBytes(7).toString('hex')
  return { receive: { traceId, spanId: `${drawn}01` }, send: { traceId, spanId: `${drawn}02` } }
}

function traceparentIn({ received }: Verified): string | undefined {
  const header = received.headers.traceparent
  return typeof header === 'string' ? header : undefined
}
