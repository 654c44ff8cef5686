import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { openWorkerMetrics } from './metrics.ts'

test('gauges of waiting deliveries are read at each scrape', async () => {
  const registry = new Registry()
  const lanes = [
    { state: 'busy' as const, waiting: 3, oldestWaitMs: undefined },
    { state: 'broken' as const, waiting: 4, oldestWaitMs: 90_000 },
  ]
  openWorkerMetrics(registry, {
    partitions: () => new Map([[3, { pendingEvents: 2, lastStoredMs: Date.now() - 60_000 }]]),
    configAgeMs: () => 0,
    slots: () => 0,
    unpulledForMs: () => 0,
    pendingEvents: () => 9,
    lanes: () => lanes,
  })
  const text = await registry.metrics()
  expect(text).toContain('fairlead_deliveries_waiting{lane="busy"} 3')
  expect(text).toContain('fairlead_deliveries_waiting{lane="broken"} 4')
  expect(text).toContain('fairlead_lanes{state="broken"} 1')
  expect(text).toContain('fairlead_worker_pending_events 9')
  expect(text).toContain('fairlead_deliveries_oldest_waiting_seconds{lane="broken"} 90')
  expect(text).toContain('fairlead_partition_owned{partition="3"} 1')
  expect(text).toContain('fairlead_partition_owned{partition="4"} 0')
  expect(text).toMatch(/fairlead_worker_oldest_pending_seconds\{partition="3"\} 60/)
})
