import { anOrganization, putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from '../fixtures/platform.ts'

test('sixty broken destinations of one tenant hold up nothing of another at the same host', async () => {
  await using opened = await openPlatform()
  const { port } = new URL(opened.sink.url)
  const urls = ['http://127.0.0.1:1/', `https://127.0.0.1:${port}/`, 'https://127.0.0.1:1/']
  const names = Array.from({ length: 60 }, (_, i) => `broken-${i}`)
  const attacker = anOrganization('attacker', {
    sources: [{ name: 'github', provider: 'github' }],
    destinations: names.map((name, i) => ({
      name,
      url: urls[i % urls.length]!,
      retryDelaysSeconds: [1, 1, 1, 60],
    })),
  })
  await putConfiguration(opened.nats, attacker)
  await using running = await startWorker(opened.server.url)
  for (let i = 0; i < 3; i++) await opened.publish(`attack ${i}`, { organization: attacker })
  const isHostBroken = async () => {
    const lanes = await running.registry.getSingleMetric('fairlead_lanes')?.get()
    return lanes?.values.some(({ labels, value }) => labels.state === 'host_broken' && value > 0)
  }
  await until(isHostBroken, { what: 'a host that can not be reached' })
  for (let i = 0; i < 60; i++) {
    await opened.publish(`${i}`)
    if (i % 20 === 0) await opened.publish(`attack again ${i}`, { organization: attacker })
  }
  const got = await opened.sink.waitForCount(60)
  // They came while the attacker's destinations still wait for their hosts, and not after that.
  expect(await isHostBroken()).toBe(true)
  expect(new Set(got.map(({ body }) => body.toString())).size).toBe(60)
  await running.crash()
})

test('an event with two destinations, one of which hangs, is delivered to the other at once', async () => {
  await using opened = await openPlatform({
    destinations: [
      { name: 'app', url: 'http://127.0.0.1:1/unused' },
      { name: 'hangs', url: 'http://127.0.0.1:1/unused' },
    ],
  })
  const [app, hangs] = opened.organization.destinations
  await putConfiguration(opened.nats, {
    ...opened.organization,
    destinations: [
      { ...app!, url: `${opened.sink.url}/app` },
      { ...hangs!, url: `${opened.sink.url}/hangs`, concurrency: 2, timeoutSeconds: 600 },
    ],
  })
  opened.sink.answer(({ url }) => (url === '/hangs' ? { hang: true } : { status: 200 }))
  await using running = await startWorker(opened.server.url)
  for (let i = 0; i < 50; i++) await opened.publish(`${i}`, { revision: 2 })
  const arrived = () => opened.sink.received.filter(({ url }) => url === '/app')
  await until(() => arrived().length === 50, { what: 'all at the one that answers' })
  expect(arrived().map(({ body }) => body.toString())).toHaveLength(50)
  expect(opened.sink.received).toHaveLength(52)
  // Deliveries to the hanging destination are parked: all events but those under way are acknowledged.
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages === 48, {
    what: '48 parked deliveries',
  })
  await running.crash()
})
