import { Counter, type Registry } from 'prom-client'
import { type SkippedReason, skippedReasons } from './keep.ts'
import { type SpanResult, spanResults } from './send-spans.ts'

/** All metrics of tracing. */
export interface TracingMetrics {
  spans(result: SpanResult, count: number): void
  skipped(why: SkippedReason): void
}

/**
 * Several parts of one process share a registry, and these metrics in it.
 * @param part such as receiver
 */
export function openTracingMetrics(registry: Registry, part: string): TracingMetrics {
  const spans = shared(registry, {
    name: 'fairlead_spans_total',
    help: 'Spans by what became of them; only where a collector is configured: exported, dropped (too many waited for the collector), failed (the collector did not take them)',
    labelNames: ['part', 'result'],
  })
  const skipped = shared(registry, {
    name: 'fairlead_traces_skipped_total',
    help: 'Traces that were to be kept and were left out, because too many were; only where a collector is configured: sampled (kept by the ratio), failure, refusal',
    labelNames: ['part', 'why'],
  })
  for (const result of spanResults) spans.inc({ part, result }, 0)
  for (const why of skippedReasons) skipped.inc({ part, why }, 0)
  return {
    spans: (result, count) => spans.inc({ part, result }, count),
    skipped: why => skipped.inc({ part, why }),
  }
}

function shared(
  registry: Registry,
  settings: { name: string; help: string; labelNames: string[] },
): Counter<string> {
  const known = registry.getSingleMetric(settings.name)
  return known instanceof Counter ? known : new Counter({ ...settings, registers: [registry] })
}
