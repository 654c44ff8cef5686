import { crowding } from '@fairlead/testbed/crowding'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender } from '@fairlead/testbed/load/sender'
import { loadSecret, type Subject, startSubject } from '@fairlead/testbed/load/subject'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { openMoody } from './moody.ts'
import { flow, readMetric, type Traffic, untilCalm } from './neighbours.ts'
import { percentile } from './percentile.ts'

/** The worker's default, and what the hanging tenants together would take of it: 12 times 100. */
const slots = 1_024
const hanging = Array.from({ length: 12 }, (_, index) => `hanging-${index + 1}`)
const eventsEach = 150

test('tenants whose destinations hang leave the others their slots and their time', {
  timeout: 240_000,
}, async () => {
  await using arrivals = await openArrivals()
  await using moody = await openMoody()
  await using database = await createTestDatabase()
  const tenants = [
    { name: 'healthy', destinationUrl: `http://127.0.0.1:${arrivals.port}/hooks` },
    ...hanging.map(name => ({
      name,
      destinationUrl: `http://127.0.0.1:${moody.port}/hooks`,
      concurrency: 100,
    })),
  ]
  await using subject = await startSubject(tenants, { FAIRLEAD_POSTGRES_URL: database.url })
  const traffic: Traffic = { subject, arrivals, healthy: ['healthy'], moody: [], perTenantPerSecond: 50 }
  await flow(traffic, 2) // warm-up
  const calm = percentile((await flow(traffic, 4)).arrivalMs, 0.95)

  moody.be('hangs')
  await Promise.all(hanging.map(name => send(subject, name, eventsEach)))
  await until(
    async () =>
      moody.open + (await readMetric(subject, 'fairlead_deliveries_waiting')) >=
      hanging.length * eventsEach * 0.9,
    { deadlineMs: 60_000, everyMs: 100, what: 'deliveries that hang, and others parked behind them' },
  )
  const beside = await flow(traffic, 4)
  const p95 = percentile(beside.arrivalMs, 0.95)
  console.log(
    `  p95 ${calm.toFixed(1)} ms in calm, ${p95.toFixed(1)} ms beside ${moody.mostOpen} requests that hang`,
  )
  expect(beside.arrivalMs).toHaveLength(beside.sent.length)
  // One tenant's share stays free, however many hang.
  expect(slots - moody.mostOpen).toBeGreaterThanOrEqual(Math.floor(slots / (2 * (hanging.length + 1))))
  // A request hangs for 30 s, and a request that waits for its slot waits as long. The machine's own noise is far below that, and far above what a fair
  // worker adds.
  expect(p95).toBeLessThan(Math.max(4_000 * crowding(), 20 * calm))

  moody.be('well')
  await untilCalm(subject, 60_000)
})

async function send(subject: Subject, tenant: string, count: number): Promise<void> {
  const url = subject.sourceUrl(tenant)
  await using sender = await openLoadSender({ url, secret: loadSecret, connections: 4, bodyBytes: 512 })
  const statuses: number[] = []
  await sender.atRate(count, 1, ({ status }) => statuses.push(status))
  expect(statuses).toEqual(statuses.map(() => 200))
}
