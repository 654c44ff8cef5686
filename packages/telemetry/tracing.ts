import { hostname } from 'node:os'
import type { Registry } from 'prom-client'
import { ratioOf, resourceAttributes, type TracingEnvironment, tracesUrl } from './environment.ts'
import { type Keeper, openKeeper, type SkippedReason } from './keep.ts'
import { openTracingMetrics } from './metrics.ts'
import { openSpanQueue } from './send-spans.ts'
import type { Span } from './span.ts'

/**
 * Traces of OpenTelemetry. No context is carried through the code: a span is made when its work has ended, from times that
 * were measured anyway, with an id that is derived (`trace-ids.ts`), and only when its trace is kept (`keep.ts`).
 */
export interface Tracing extends Keeper, AsyncDisposable {
  /** Sends a span some time later. Never fails, and is never waited for. */
  keep(span: Span): void
  /** Counts a trace that was to be kept and is left out. */
  skip(why: SkippedReason): void
}

export interface TracingOptions {
  /** Such as receiver. */
  readonly part: string
  readonly environment: TracingEnvironment
  readonly registry: Registry
}

/** Opens tracing; undefined where no collector is configured: then not even the exporter is loaded. */
export async function openTracing({
  part,
  environment,
  registry,
}: TracingOptions): Promise<Tracing | undefined> {
  const url = tracesUrl(environment)
  if (!url) return undefined
  const { openCollector } = await import('./collector.ts')
  const metrics = openTracingMetrics(registry, part)
  const given = resourceAttributes(environment.OTEL_RESOURCE_ATTRIBUTES)
  const queue = openSpanQueue({
    collector: openCollector(url),
    resource: {
      'service.instance.id': `${hostname()}-${process.pid}`,
      'service.namespace': 'fairlead',
      ...given,
      'service.name': environment.OTEL_SERVICE_NAME ?? given['service.name'] ?? `fairlead-${part}`,
    },
    most: environment.OTEL_BSP_MAX_QUEUE_SIZE,
    batch: environment.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    lingerMs: environment.OTEL_BSP_SCHEDULE_DELAY,
    counted: metrics.spans,
  })
  return {
    ...openKeeper(ratioOf(environment), metrics.skipped),
    keep: span => queue.add(span),
    skip: metrics.skipped,
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}
