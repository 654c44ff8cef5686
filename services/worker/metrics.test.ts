import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { openWorkerMetrics } from './metrics.ts'

test('gauges of waiting deliveries are read at each scrape', async () => {
  const registry = new Registry()
  const lanes = [
    { state: 'busy' as const, waiting: 3 },
    { state: 'broken' as const, waiting: 4 },
  ]
  openWorkerMetrics(registry, {
    partitions: () => 1,
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
})
