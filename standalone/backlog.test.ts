import { openWorkerMetrics } from '@fairlead/worker/metrics'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { readBacklog } from './backlog.ts'

test('the backlog counts events that no worker has taken, not deliveries that are parked', async () => {
  const registry = new Registry()
  expect(await readBacklog(registry)).toBe(0)
  openWorkerMetrics(registry, {
    partitions: () => new Map(),
    configAgeMs: () => 0,
    slots: () => 0,
    unpulledForMs: () => 0,
    pendingEvents: () => 5,
    lanes: () => [{ state: 'busy', waiting: 70, oldestWaitMs: undefined }],
  })
  expect(await readBacklog(registry)).toBe(5)
})
