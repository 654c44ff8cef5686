import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import type { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from '../fixtures/platform.ts'

/** A platform whose destination is paused, with so many deliveries parked for it. */
async function openParked(count: number) {
  const opened = await openPlatform()
  const destinations = opened.organization.destinations.map(app => ({ ...app, paused: true }))
  await putConfiguration(opened.nats, { ...opened.organization, destinations })
  const worker = await startWorker(opened.server.url)
  for (let n = 0; n < count; n++) await opened.publish(`${n}`)
  const parked = async () => (await opened.manager.streams.info('DELIVERIES')).state.messages
  await until(async () => (await parked()) === count, { what: `${count} parked deliveries` })
  return {
    ...opened,
    worker,
    parked,
    resume: () => putConfiguration(opened.nats, opened.organization),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await opened[Symbol.asyncDispose]()
    },
  }
}

async function waiting(registry: Registry): Promise<number | undefined> {
  const metric = await registry.getSingleMetric('fairlead_deliveries_waiting')?.get()
  return metric?.values.reduce((sum, { value }) => sum + value, 0)
}

test('a slow delivery holds up no other parked delivery', async () => {
  await using opened = await openParked(60)
  opened.sink.answer((_request, count) => (count === 1 ? { hang: true } : { status: 200 }))
  await opened.resume()
  await opened.sink.waitForCount(60)
  await until(async () => (await opened.parked()) === 1, { what: 'only the slow one left' })
  expect(new Set(opened.sink.received.map(({ body }) => body.toString())).size).toBe(60)
})

test('parked deliveries that drain during a restart are neither lost nor left behind', async () => {
  await using opened = await openParked(200)
  const stopped = Promise.withResolvers<void>()
  // What comes behind the fiftieth is answered once the worker is asked to stop: it can't have drained the park by then.
  opened.sink.answer((_request, count) => ({
    status: 200,
    ...(count > 50 && { after: stopped.promise, delayMs: 50 }),
  }))
  await opened.resume()
  await opened.sink.waitForCount(51)
  const stopping = opened.worker[Symbol.asyncDispose]()
  stopped.resolve()
  await stopping
  const left = await opened.parked()
  expect(left).toBeGreaterThan(0)
  await using _next = await startWorker(opened.server.url, { name: 'next' })
  await until(async () => (await opened.parked()) === 0, { what: 'an empty park' })
  const bodies = opened.sink.received.map(({ body }) => body.toString())
  expect(new Set(bodies).size).toBe(200)
  // The worker stopped in order: nothing is repeated.
  expect(bodies).toHaveLength(200)
})

test('parked deliveries that were deleted from the stream are no longer waited for', async () => {
  await using opened = await openParked(100)
  await until(async () => (await waiting(opened.worker.registry)) === 100, { what: '100 that wait' })
  await opened.manager.streams.purge('DELIVERIES', { filter: 'deliveries.parked.>' })
  await opened.resume()
  await until(async () => (await waiting(opened.worker.registry)) === 0, { what: 'no delivery waits' })
  await opened.publish('later')
  await opened.sink.waitFor(({ body }) => body.toString() === 'later')
  // Except for the few that had been read before.
  expect(opened.sink.received.length).toBeLessThan(20)
})
