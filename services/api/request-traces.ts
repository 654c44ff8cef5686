import { admitTrace } from '@fairlead/telemetry/call-spans'
import { type BegunSpan, drawSpan, type SpanScope } from '@fairlead/telemetry/span-scope'
import { readTraceparent } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import type { Request, Response } from 'express'
import type { Operation } from './operation.ts'

/**
 * The span of a request, `{METHOD} {route}`, and the calls of the store below it. A caller's `traceparent` is its parent once the caller
 * is known; a stranger's changes nothing. Kept are a ratio, each answer that is a fault of ours, and each that takes long. A stream has
 * no span: it lasts as long as somebody looks.
 */
export interface RequestTraces {
  /** Its caller is admitted. */
  begin(operation: Operation, request: Request, response: Response): void
  /** Works under the span that has begun. */
  under<Result>(response: Response, act: () => Result): Result
  ended(request: Request, response: Response, answered: { status: number; durationMs: number }): void
}

/** An answer that takes longer is kept whatever the ratio says, ms. */
const slowMs = 1_000

interface Begun extends BegunSpan {
  readonly parent: string | undefined
  readonly operation: Operation
}

export function openRequestTraces(tracing: Tracing, scope: SpanScope): RequestTraces {
  const begun = new WeakMap<Response, Begun>()

  /** Of a request that was answered before its caller was known: a trace of its own, which no stranger has named. */
  const unknown = (): Omit<Begun, 'operation'> => ({ context: drawSpan(), kept: false, parent: undefined })

  return {
    begin(operation, request, response) {
      if (operation.streams) return
      const caller = readTraceparent(request.get('traceparent'))
      const context = drawSpan(caller?.traceId ?? response.locals.traceId)
      const kept = admitTrace(tracing, context.traceId)
      begun.set(response, { context, kept, parent: caller?.spanId, operation })
    },
    under(response, act) {
      const span = begun.get(response)
      return span ? scope.under(span, act) : act()
    },
    ended(request, response, { status, durationMs }) {
      const span = begun.get(response)
      const isFault = status >= 500
      const name = span?.operation.name ?? response.locals.operation ?? 'none'
      const isKept =
        span?.kept ||
        ((isFault || (span !== undefined && durationMs > slowMs)) &&
          tracing.admitFailure(`api ${name} ${isFault ? status : 'slow'}`, Date.now()))
      if (!isKept) return
      const endMs = Date.now()
      const { context, parent } = span ?? unknown()
      tracing.keep({
        name: span ? `${request.method} ${span.operation.path}` : request.method,
        kind: 'server',
        context,
        parent,
        startMs: endMs - durationMs,
        endMs,
        error: isFault ? (response.locals.code ?? String(status)) : undefined,
        attributes: {
          'http.request.method': request.method,
          'http.route': span?.operation.path,
          'http.response.status_code': status,
          'fairlead.operation': name,
          'fairlead.organization': span && response.locals.organization,
        },
      })
    },
  }
}
