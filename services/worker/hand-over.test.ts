import { until } from '@fairlead/testbed/until'
import { partitionOf } from '@fairlead/wire/subjects'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from './fixtures/platform.ts'

test('after a crash another worker takes over everything, and nothing is lost', async () => {
  await using opened = await openPlatform()
  opened.sink.answer((_request, count) => (count <= 20 ? { hang: true } : { status: 200 }))
  const first = await startWorker(opened.server.url, { name: 'first' })
  await until(() => first.worker.partitions === 16, { what: 'all partitions' })
  const ids = new Set<string>()
  for (let i = 0; i < 20; i++) ids.add(await opened.publish(`${i}`))
  await opened.sink.waitForCount(10) // as many as the lane has slots for; the rest is parked
  await first.crash()
  const crashedAt = Date.now()
  opened.sink.answer({ status: 200 })
  await using second = await startWorker(opened.server.url, { name: 'second' })
  await until(() => second.worker.partitions === 16, { what: 'the take-over' })
  await until(
    () =>
      ids.size ===
      new Set(
        opened.sink.received
          .filter(({ at }) => at > crashedAt)
          .map(({ headers }) => `${headers['webhook-id']}`),
      ).size,
    { what: 'all twenty at the second worker' },
  )
  await first[Symbol.asyncDispose]().catch(() => {})
})

test('a worker that stops hands over without a repeat', async () => {
  await using opened = await openPlatform()
  opened.sink.answer({ status: 200, delayMs: 50 })
  const first = await startWorker(opened.server.url, { name: 'first' })
  await using _second = await startWorker(opened.server.url, { name: 'second' })
  const ids: string[] = []
  const sending = (async () => {
    for (let i = 0; i < 200; i++) ids.push(await opened.publish(`${i}`))
  })()
  await opened.sink.waitForCount(20)
  await first[Symbol.asyncDispose]()
  await sending
  await until(() => opened.sink.received.length >= 200, { what: 'all of them' })
  expect(new Set(opened.sink.received.map(({ headers }) => headers['webhook-id'])).size).toBe(200)
  expect(opened.sink.received.length - 200).toBe(0)
})

test('while outcomes can not be stored no attempt is started, and none is repeated afterwards', async () => {
  await using opened = await openPlatform()
  await using running = await startWorker(opened.server.url)
  await opened.publish('before')
  await opened.sink.waitForCount(1)
  await until(async () => (await inHand(opened)) === 0, { what: 'its outcome, stored' })
  await opened.manager.streams.update('ATTEMPTS', { max_msg_size: 1 })
  for (let i = 0; i < 20; i++) await opened.publish(`${i}`)
  await until(() => !running.worker.mayStart, { what: 'a worker that starts nothing' })
  // Attempts that were begun before arrive.
  let started = 0
  const hasArrived = () => {
    const before = started
    started = opened.sink.received.length
    return started > 1 && started === before
  }
  await until(hasArrived, { what: 'the attempts begun', everyMs: 300 })
  for (let i = 20; i < 40; i++) await opened.publish(`${i}`)
  await until(async () => (await inHand(opened)) === 40, { what: 'all of them in hand' })
  expect(opened.sink.received).toHaveLength(started)
  await opened.manager.streams.update('ATTEMPTS', { max_msg_size: -1 })
  await opened.sink.waitForCount(41)
  await until(async () => (await inHand(opened)) === 0, { what: 'nothing in hand' })
  expect(opened.sink.received).toHaveLength(41)
})

/** Events that a worker has taken and not acknowledged. */
async function inHand({ manager, organization }: Awaited<ReturnType<typeof openPlatform>>): Promise<number> {
  const consumer = `worker-${partitionOf(organization.id)}`
  return (await manager.consumers.info('EVENTS', consumer)).num_ack_pending
}
