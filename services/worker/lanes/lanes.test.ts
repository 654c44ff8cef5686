import { anOrganization, putConfiguration } from '@fairlead/testbed/configuration'
import { startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import { parkedSubject } from '@fairlead/wire/subjects'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from '../fixtures/platform.ts'

test('a lane that hangs parks what it holds, and drains in order when it moves again', async () => {
  await using opened = await openPlatform()
  const destination = { ...opened.organization.destinations[0]!, concurrency: 1, timeoutSeconds: 600 }
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [destination] })
  const allParked = Promise.withResolvers<void>()
  opened.sink.answer((_request, count) => ({ status: 200, ...(count === 1 && { after: allParked.promise }) }))
  await using _running = await startWorker(opened.server.url)
  for (let i = 0; i < 40; i++) await opened.publish(`${i}`, { revision: 2 })
  const subject = parkedSubject(opened.organization.id, destination.id)
  const parked = async () =>
    (await opened.manager.streams.info('DELIVERIES', { subjects_filter: subject })).state.subjects?.[
      subject
    ] ?? 0
  await until(async () => (await parked()) === 39, { what: '39 parked' })
  allParked.resolve()
  const got = await opened.sink.waitForCount(40)
  expect(got.map(({ body }) => Number(body.toString()))).toEqual(Array.from({ length: 40 }, (_, i) => i))
  await until(async () => (await parked()) === 0, { what: 'an empty park' })
})

test('a destination that hangs costs its neighbour nothing', async () => {
  await using hanging = await startSink({ hang: true })
  await using opened = await openPlatform()
  const [app] = opened.organization.destinations
  const stuck = anOrganization('stuck', {
    id: opened.organization.id, // an organization in the same partition
    sources: [{ name: 'github', provider: 'github' }],
    destinations: [{ name: 'hangs', url: hanging.url, concurrency: 4, timeoutSeconds: 600 }],
  })
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [app!, stuck.destinations[0]!],
    routes: [
      { ...opened.organization.routes[0]!, eventTypes: ['push'], destinations: ['app'] },
      { ...opened.organization.routes[0]!, eventTypes: ['stuck'], destinations: ['hangs'] },
    ],
  })
  await using running = await startWorker(opened.server.url)
  for (let i = 0; i < 200; i++) await opened.publish(`${i}`, { type: 'stuck', revision: 2 })
  for (let i = 0; i < 50; i++) await opened.publish(`${i}`, { type: 'push', revision: 2 })
  // Not one of those that hang ends meanwhile.
  await opened.sink.waitForCount(50)
  expect(hanging.received.length).toBeLessThanOrEqual(4)
  await running.crash()
})

test('deliveries to a broken destination are parked; probes find when it works, and the park drains', async () => {
  await using opened = await openPlatform()
  const destination = {
    ...opened.organization.destinations[0]!,
    retryDelaysSeconds: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  }
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [destination] })
  opened.sink.answer({ status: 503 })
  await using _running = await startWorker(opened.server.url)
  const ids = []
  for (let i = 0; i < 60; i++) ids.push(await opened.publish(`${i}`, { revision: 2 }))
  await opened.sink.waitForCount(5)
  opened.sink.answer({ status: 200 })
  await until(
    () =>
      new Set(opened.sink.received.map(({ headers }) => headers['webhook-id'])).size === 60 &&
      opened.sink.received.length >= 60,
    { what: 'all of them', deadlineMs: 60_000 },
  )
  await until(
    async () =>
      (await opened.records()).filter(r => r.kind === 'attempted' && r.outcome === 'delivered').length === 60,
    { what: '60 delivered in the log' },
  )
  const lanes = (await opened.records()).flatMap(r => (r.kind === 'attempted' ? [r.lane] : []))
  expect(lanes).toContain('broken')
  expect(lanes.at(-1)).toBeUndefined()
  // Without the breaker each of the 60 would have met the 503.
  const refused = (await opened.records()).filter(r => r.kind === 'attempted' && r.outcome !== 'delivered')
  expect(refused.length).toBeLessThan(30)
})

test('a paused destination gets nothing, and everything once it is resumed', async () => {
  await using opened = await openPlatform()
  const [destination] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [{ ...destination!, paused: true }],
  })
  await using _running = await startWorker(opened.server.url)
  for (let i = 0; i < 10; i++) await opened.publish(`${i}`, { revision: 2 })
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 10, {
    what: 'all parked',
  })
  expect(opened.sink.received).toHaveLength(0)
  await putConfiguration(opened.nats, opened.organization)
  await opened.sink.waitForCount(10)
})

test('more organizations hang than a worker has slots: a healthy organization still gets its deliveries', async () => {
  await using hanging = await startSink(({ headers }) =>
    headers['fairlead-attempt'] === '1' ? { status: 500 } : { hang: true },
  )
  await using opened = await openPlatform()
  const ill = Array.from({ length: 12 }, (_, i) =>
    anOrganization(`ill-${i}`, {
      sources: [{ name: 'github', provider: 'github' }],
      destinations: [{ name: 'hangs', url: hanging.url, timeoutSeconds: 600, retryDelaysSeconds: [1, 60] }],
    }),
  )
  await putConfiguration(opened.nats, ...ill)
  await using running = await startWorker(opened.server.url, { slots: 8 })
  for (const organization of ill) await opened.publish('ill', { organization })
  await until(() => hanging.received.length === 12 + 6, { what: 'three quarters of the slots that hang' })
  for (let i = 0; i < 30; i++) await opened.publish(`${i}`)
  await opened.sink.waitForCount(30)
  expect(hanging.received).toHaveLength(12 + 6)
  await running.crash()
})
