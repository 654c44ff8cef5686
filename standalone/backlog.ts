import { pendingEventsMetric } from '@fairlead/worker/metrics'
import type { Registry } from 'prom-client'

/**
 * Events that no worker has taken yet, of the metric that the worker keeps: the receiver asks for them, because both share
 * this machine's processors (see its `throttle.ts`).
 */
export async function readBacklog(registry: Registry): Promise<number> {
  const metric = await registry.getSingleMetric(pendingEventsMetric)?.get()
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
}
