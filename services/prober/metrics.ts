import { sharedCounter, startAtZero } from '@fairlead/daemon/metrics'
import { objectiveEventsMetric } from '@fairlead/webhook/objective'
import { partitionCount } from '@fairlead/wire/subjects'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Partition, PartitionEvents } from './partition.ts'
import { hopResults, hops, isOnItsWay } from './probe.ts'

/** All metrics of the prober. @param partitions asked at each scrape; none before the prober knows its organizations */
export function openProberMetrics(
  registry: Registry,
  partitions: () => readonly Pick<Partition, 'number' | 'open' | 'lastArrivalMs'>[],
  now: () => number,
): PartitionEvents {
  const registers = [registry]
  const passed = startAtZero(
    new Counter({
      name: 'fairlead_probe_total',
      help: 'Probes by what they passed: accept (a receiver took it), first_attempt (it arrived), retry, nats, log. late: after the limit of that hop; failed: never',
      labelNames: ['hop', 'result'],
      registers,
    }),
    { hop: hops, result: hopResults },
  )
  const seconds = startAtZero(
    new Histogram({
      name: 'fairlead_probe_seconds',
      help: 'From the first try of a probe until it passed',
      labelNames: ['hop'],
      buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
      registers,
    }),
    { hop: hops },
  )
  const lost = new Counter({
    name: 'fairlead_probe_lost_total',
    help: 'Probes that were accepted, never arrived, and are not delivered by the log either',
    registers,
  })
  const repeated = new Counter({
    name: 'fairlead_probe_repeated_total',
    help: 'Arrivals of probes that had arrived before',
    registers,
  })
  const judged = sharedCounter(registry, objectiveEventsMetric)
  startAtZero(judged, { objective: ['probe'], result: ['good', 'bad'] })
  openPartitionGauges(registers, partitions, now)
  return {
    passed(hop, result, ms) {
      passed.inc({ hop, result })
      if (ms !== undefined) seconds.observe({ hop }, ms / 1_000)
      if (hop === 'first_attempt')
        judged.inc({ objective: 'probe', result: result === 'good' ? 'good' : 'bad' })
    },
    lost: () => lost.inc(),
    repeated: () => repeated.inc(),
  }
}

function openPartitionGauges(
  registers: Registry[],
  partitions: () => readonly Pick<Partition, 'number' | 'open' | 'lastArrivalMs'>[],
  now: () => number,
): void {
  new Gauge({
    name: 'fairlead_probe_oldest_open_seconds',
    help: 'Age of the oldest probe of a partition that no receiver accepted yet, or that has not arrived',
    labelNames: ['partition'],
    registers,
    collect() {
      for (const { number, open } of partitions()) {
        const oldest = open.find(isOnItsWay)
        this.set({ partition: String(number) }, oldest ? (now() - oldest.sentMs) / 1_000 : 0)
      }
    },
  })
  new Gauge({
    name: 'fairlead_probe_last_good_timestamp_seconds',
    help: 'When a probe of a partition last arrived, Unix seconds',
    labelNames: ['partition'],
    registers,
    collect() {
      for (const { number, lastArrivalMs } of partitions())
        if (lastArrivalMs !== undefined) this.set({ partition: String(number) }, lastArrivalMs / 1_000)
    },
  })
  new Gauge({
    name: 'fairlead_probe_partitions',
    help: `Partitions that the prober has an organization in, of ${partitionCount}`,
    registers,
    collect() {
      this.set(partitions().length)
    },
  })
}
