import type { Interceptor } from '@connectrpc/connect'
import { admitTrace, traceCalls } from '@fairlead/telemetry/call-spans'
import type { TracingEnvironment } from '@fairlead/telemetry/environment'
import { drawSpan, openSpanScope } from '@fairlead/telemetry/span-scope'
import { openTracing, type Tracing } from '@fairlead/telemetry/tracing'
import type { Registry } from 'prom-client'
import type { Kind } from './metrics.ts'
import type { Next } from './queue.ts'

/** Spans of reconciliations, `reconcile Organization` and `reconcile Replay`, and of the calls of the store below them. */
export interface OperatorTraces extends AsyncDisposable {
  /** For the client of the store. */
  readonly calls: Interceptor
  /** Reconciles a key under a span. Kept are a ratio, each that fails or has to be tried again, and each that takes long. */
  reconcile(kind: Kind, key: string, act: () => Promise<Next>): Promise<Next>
}

/** A reconciliation that takes longer is kept whatever the ratio says, ms. */
const slowMs = 5_000

const names: Readonly<Record<Kind, string>> = { organization: 'Organization', replay: 'Replay' }

/** Undefined where no collector is configured. */
export async function openOperatorTraces(
  environment: TracingEnvironment,
  registry: Registry,
): Promise<OperatorTraces | undefined> {
  const tracing = await openTracing({ part: 'operator', environment, registry })
  return tracing && tracesOver(tracing)
}

function tracesOver(tracing: Tracing): OperatorTraces {
  const scope = openSpanScope()
  return {
    calls: traceCalls(tracing, scope),
    async reconcile(kind, key, act) {
      const context = drawSpan()
      const kept = admitTrace(tracing, context.traceId)
      const startMs = Date.now()
      const began = performance.now()
      let result: Next['kind'] | 'failed' = 'failed'
      try {
        const next = await scope.under({ context, kept }, act)
        result = next.kind
        return next
      } finally {
        const durationMs = performance.now() - began
        const isOdd = result === 'failed' || result === 'retry' || durationMs > slowMs
        if (kept || (isOdd && tracing.admitFailure(`${kind} ${key} ${result}`, startMs)))
          tracing.keep({
            name: `reconcile ${names[kind]}`,
            kind: 'internal',
            context,
            startMs,
            endMs: startMs + durationMs,
            error: result === 'failed' ? result : undefined,
            attributes: { [`fairlead.${kind}`]: key, 'fairlead.result': result },
          })
      }
    },
    [Symbol.asyncDispose]: () => tracing[Symbol.asyncDispose](),
  }
}
