import {
  Code,
  ConnectError,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from '@connectrpc/connect'
import type { Span } from './span.ts'
import { drawSpan, type SpanScope } from './span-scope.ts'
import { isSampledTraceparent, readTraceparent, traceparentOf } from './trace-ids.ts'
import type { Tracing } from './tracing.ts'

/**
 * Spans of gRPC calls, `{service}/{method}` at both ends (https://opentelemetry.io/docs/specs/semconv/rpc/grpc/). A call under a span that
 * is kept is kept; of others a ratio, and each that fails by a fault of ours. The caller's `traceparent` says which, so both ends decide
 * alike. A call that streams ends, for its span, with the first byte of its answer.
 */

/** Answers that are a fault of the platform, by the conventions; others are the caller's doing, or nobody's. */
const faults: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
])

/** Of a client. @param scope what its calls are made under; absent: each begins a trace */
export function traceCalls(tracing: Tracing, scope?: SpanScope): Interceptor {
  return next => async request => {
    const under = scope?.current()
    const context = drawSpan(under?.context.traceId)
    const kept = under ? under.kept : admitTrace(tracing, context.traceId)
    request.header.set('traceparent', traceparentOf(context, kept))
    const own = { kind: 'client', context, parent: under?.context.spanId } as const
    return await untilEnded(next(request), measure(own, request, tracing, kept))
  }
}

/** Of a server, whose callers are trusted: it is asked by the platform's own parts alone. */
export function traceAnswers(tracing: Tracing): Interceptor {
  return next => async request => {
    const header = request.header.get('traceparent') ?? undefined
    const caller = readTraceparent(header)
    const context = drawSpan(caller?.traceId)
    const kept =
      caller && header
        ? isSampledTraceparent(header) && tracing.admitSampled(Date.now())
        : admitTrace(tracing, context.traceId)
    const own = { kind: 'server', context, parent: caller?.spanId } as const
    return await untilEnded(next(request), measure(own, request, tracing, kept))
  }
}

/** Whether the ratio keeps a trace, and there is room for it. */
export const admitTrace = (tracing: Tracing, traceId: string): boolean =>
  tracing.samplesTrace(traceId) && tracing.admitSampled(Date.now())

async function untilEnded<Answer>(
  answer: Promise<Answer>,
  end: (code: Code | undefined) => void,
): Promise<Answer> {
  try {
    const answered = await answer
    end(undefined)
    return answered
  } catch (error) {
    end(ConnectError.from(error).code)
    throw error
  }
}

/** Ends the span of a call that begins now, if it is kept. Undefined: the call succeeded. */
function measure(
  own: Pick<Span, 'kind' | 'context' | 'parent'>,
  { service, method }: UnaryRequest | StreamRequest,
  tracing: Tracing,
  kept: boolean,
): (code: Code | undefined) => void {
  const startMs = Date.now()
  const began = performance.now()
  return code => {
    const isFault = code !== undefined && faults.has(code)
    const word = code === undefined ? 'OK' : wordOf(code)
    const name = `${service.typeName}/${method.name}`
    if (!kept && !(isFault && tracing.admitFailure(`${own.kind} ${name} ${word}`, startMs))) return
    // Of a client each answer but OK is an error, of a server its own faults are.
    const isError = own.kind === 'client' ? code !== undefined : isFault
    tracing.keep({
      ...own,
      name,
      startMs,
      endMs: startMs + performance.now() - began,
      error: isError ? word : undefined,
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': name, 'rpc.status_code': word },
    })
  }
}

/** As gRPC writes it: `DEADLINE_EXCEEDED`. */
const wordOf = (code: Code): string =>
  (Code[code] ?? 'Unknown').replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
