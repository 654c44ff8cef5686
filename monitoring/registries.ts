import { openApiMetrics } from '@fairlead/api/metrics'
import { openRegistry } from '@fairlead/daemon/metrics'
import { openOperatorMetrics } from '@fairlead/operator/metrics'
import { openProberMetrics } from '@fairlead/prober/metrics'
import { openReceiverMetrics } from '@fairlead/receiver/metrics'
import { openStoreMetrics } from '@fairlead/store/metrics'
import { openTracingMetrics } from '@fairlead/telemetry/metrics'
import { openWorkerMetrics } from '@fairlead/worker/metrics'
import { Registry } from 'prom-client'

/** The metrics of all parts, as a first scrape shows them: from the registries that the parts open. */

export const partNames = ['receiver', 'worker', 'store', 'api', 'operator', 'prober'] as const
export type PartName = (typeof partNames)[number] | 'every part'

export interface MetricInfo {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labelNames: readonly string[]
  /** Upper bounds, of a histogram. */
  readonly buckets: readonly number[]
  /** The parts that have it. */
  readonly parts: readonly PartName[]
  /** Label values that stand in the first scrape; of a label that is not here, values come as things happen. */
  readonly values: Readonly<Record<string, readonly string[]>>
}

const none = () => 0

/** A registry for each part, with all of its metrics and nothing counted. */
export function openPartRegistries(): Record<PartName, Registry> {
  const registries = {
    receiver: new Registry(),
    worker: new Registry(),
    store: new Registry(),
    api: new Registry(),
    operator: new Registry(),
    prober: new Registry(),
    'every part': openRegistry({}),
  }
  openReceiverMetrics(registries.receiver, {
    bodyBytes: none,
    requests: none,
    unacknowledged: none,
    organizations: none,
    seen: () => ({ up: true, waiting: 0 }),
    configAgeMs: none,
  })
  openWorkerMetrics(registries.worker, {
    partitions: () => new Map([...Array(16).keys()].map(n => [n, { pendingEvents: 0, lastStoredMs: 0 }])),
    slots: none,
    unpulledForMs: none,
    pendingEvents: none,
    configAgeMs: none,
    lanes: () => [],
  })
  const streams = ['EVENTS', 'DELIVERIES', 'ATTEMPTS', 'DEAD', 'REJECTIONS', 'OUTBOUND']
  const limited = ['EVENTS', 'REJECTIONS', 'OUTBOUND']
  openStoreMetrics(registries.store, {
    connections: () => ({ idle: 0, busy: 0, waiting: 0 }),
    standing: {
      leading: true,
      unreadableForMs: none,
      measure: async () => ({ behind: { EVENTS: 0, ATTEMPTS: 0, DEAD: 0 }, ageMs: 0 }),
    },
    streams: async () =>
      streams.map(stream => ({
        stream,
        messages: 0,
        bytes: 0,
        limitBytes: limited.includes(stream) ? 1 : undefined,
        oldestMs: 0,
        replicasBehind: 0,
      })),
    unattemptedForMs: () => new Map([[0, 0]]),
  })
  openApiMetrics(registries.api)
  const operator = openOperatorMetrics(registries.operator)
  operator.leader(true)
  operator.replays(() => new Map())
  operator.waiting('organization', none)
  operator.waiting('replay', none)
  openProberMetrics(
    registries.prober,
    // Of a time to come, so that an alert's own cases decide: "too long ago" is by the clock.
    () => [{ number: 3, open: [], lastArrivalMs: 4e12 }],
    none,
  )
  for (const part of partNames) openTracingMetrics(registries[part], part)
  return registries
}

/** Every metric of ours and of Node, once, by name. */
export async function readMetrics(): Promise<ReadonlyMap<string, MetricInfo>> {
  const all = new Map<string, MetricInfo>()
  for (const [part, registry] of Object.entries(openPartRegistries())) {
    for (const { name, type, help, values } of await registry.getMetricsAsJSON()) {
      const metric = registry.getSingleMetric(name)
      // A metric knows its label names and buckets; its type leaves them out.
      const labelNames = metric ? (Reflect.get(metric, 'labelNames') as readonly string[]) : []
      const buckets = metric && Reflect.get(metric, 'upperBounds')
      const known = all.get(name)
      all.set(name, {
        name,
        // prom-client's enum of types has other words at run time than in its type.
        type: String(type) as MetricInfo['type'],
        help,
        labelNames,
        buckets: Array.isArray(buckets) ? buckets : [],
        parts: [...(known?.parts ?? []), part as PartName],
        values: mergedValues(labelNames, known?.values ?? {}, values),
      })
    }
  }
  return all
}

function mergedValues(
  labelNames: readonly string[],
  known: MetricInfo['values'],
  series: readonly { readonly labels: Partial<Record<string, string | number>> }[],
): MetricInfo['values'] {
  return Object.fromEntries(
    labelNames.flatMap(label => {
      const seen = series.flatMap(({ labels }) =>
        labels[label] === undefined ? [] : [String(labels[label])],
      )
      const values = new Set([...(known[label] ?? []), ...seen])
      return values.size > 0 ? [[label, [...values]]] : []
    }),
  )
}

/** The names that a scrape shows: of a histogram those of its three kinds of series. */
export function sampleNames({ name, type }: Pick<MetricInfo, 'name' | 'type'>): readonly string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
}
