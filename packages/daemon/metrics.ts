import { collectDefaultMetrics, Registry } from 'prom-client'

/**
 * A registry with Node's own metrics (`process_*`, `nodejs_*`). Ours are named `fairlead_<noun>_<unit>[_total]`, in
 * base units (seconds, bytes), with labels from closed sets: never a URL or an id. A process documents all of its own in
 * one file, its `metrics.ts`, and registers them here, never in prom-client's global registry.
 */
export function openRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}
