import { until } from '@fairlead/testbed/until'
import { openWorkerMetrics } from '@fairlead/worker/metrics'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { tellLag } from './lag.ts'

test('what is parked for full lanes that do well counts while processors are short, and only then', async () => {
  const registry = new Registry()
  openWorkerMetrics(registry, {
    partitions: () => 16,
    slots: () => 0,
    pendingEvents: () => 5,
    lanes: () => [
      { state: 'busy', waiting: 70 },
      { state: 'broken', waiting: 900 },
    ],
  })
  const told: number[] = []
  const shortage = { lasts: false, [Symbol.dispose]() {} }
  using _telling = tellLag(registry, { lag: events => void told.push(events) }, shortage)
  await until(() => told.length >= 2, { what: 'two looks' })
  expect(new Set(told)).toEqual(new Set([5]))
  shortage.lasts = true
  await until(() => told.at(-1) === 75, { what: 'a look at processors that are short' })
})
