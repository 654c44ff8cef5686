import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client'

/** What runs, as a configuration tells it. */
interface Build {
  readonly FAIRLEAD_VERSION?: string
  readonly FAIRLEAD_REVISION?: string
}

interface RegistryOptions {
  /** From one sample of the event loop's delay (`nodejs_eventloop_lag_*`) to the next, ms; the delays include it. Default 10. */
  readonly lagSampleMs?: number
}

/**
 * A registry with Node's own metrics (`process_*`, `nodejs_*`) and `fairlead_build_info`. Ours are named
 * `fairlead_<noun>_<unit>[_total]`, in base units (seconds, bytes), with labels from closed sets: never a URL or an id. A
 * process documents all of its own in one file, its `metrics.ts`, and registers them here, never in prom-client's global
 * registry. A part's `metrics.ts` starts every closed set of label values at 0 (`startAtZero`): `increase()` of a series
 * that appears with its first event is 0.
 */
export function openRegistry(
  { FAIRLEAD_VERSION, FAIRLEAD_REVISION }: Build = {},
  { lagSampleMs = 10 }: RegistryOptions = {},
): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagSampleMs })
  new Gauge({
    name: 'fairlead_build_info',
    help: '1, with what runs: the version of Fairlead, its revision, and the version of Node',
    labelNames: ['version', 'revision', 'node'],
    registers: [registry],
  }).set(
    {
      version: FAIRLEAD_VERSION ?? 'unreleased',
      revision: FAIRLEAD_REVISION ?? 'unknown',
      node: process.version,
    },
    1,
  )
  const registers = [registry]
  new Gauge({
    name: scrapeSeconds,
    help: 'How long the scrape before this one took to be answered',
    registers,
  })
  new Gauge({ name: scrapeBytes, help: 'Bytes of the answer to the scrape before this one', registers })
  return registry
}

const scrapeSeconds = 'fairlead_scrape_seconds'
const scrapeBytes = 'fairlead_scrape_bytes'

/** A scrape was answered: the next one says how large that was and how long it took. */
export function noteScrape(registry: Registry, seconds: number, bytes: number): void {
  for (const [name, value] of [
    [scrapeSeconds, seconds],
    [scrapeBytes, bytes],
  ] as const) {
    const gauge = registry.getSingleMetric(name)
    if (gauge instanceof Gauge) gauge.set(value)
  }
}

type Metric<Label extends string> = Counter<Label> | Histogram<Label>

/**
 * Creates a series at 0 for each combination of the values. Only for closed sets: each combination is a line in every scrape.
 *
 * @returns the metric itself
 */
export function startAtZero<Label extends string, M extends Metric<Label>>(
  metric: M & Metric<Label>,
  values: Readonly<Record<Label, readonly (string | number)[]>>,
): M {
  for (const labels of combinationsOf(values)) {
    if (metric instanceof Counter) metric.inc(labels, 0)
    else metric.zero(labels)
  }
  return metric
}

function combinationsOf<Label extends string>(
  values: Readonly<Record<Label, readonly (string | number)[]>>,
): Record<Label, string | number>[] {
  let combinations: Record<string, string | number>[] = [{}]
  for (const [label, list] of Object.entries<readonly (string | number)[]>(values)) {
    combinations = combinations.flatMap(known => list.map(value => ({ ...known, [label]: value })))
  }
  return combinations as Record<Label, string | number>[]
}

/**
 * A counter that several parts of one process count in: `npm start` runs all parts over one registry. Each part has label
 * values of its own.
 */
export function sharedCounter<Label extends string>(
  registry: Registry,
  declaration: { readonly name: string; readonly help: string; readonly labelNames: readonly Label[] },
): Counter<Label> {
  const known = registry.getSingleMetric(declaration.name)
  if (known) return known as Counter<Label>
  return new Counter({ ...declaration, registers: [registry] })
}
