import { until } from '@fairlead/testbed/until'
import { newId, type OrganizationId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openPace } from './pace.ts'

const [large, small]: [OrganizationId, OrganizationId] = [newId('org', 1), newId('org', 2)]

test('a large configuration that is changed without an end is parsed without an end by all receivers and workers', async () => {
  let version = 0
  const published: number[] = []
  const publish = openPace(async organization => {
    if (organization === small) return 100
    published.push(version)
    return 512 * 1024
  })
  await publish(large)
  const changes = Array.from({ length: 200 }, () => {
    version += 1
    return publish(large)
  })
  // Another organization does not wait for it.
  await publish(small)
  expect(published).toEqual([0])
  const begunMs = performance.now()
  await Promise.all(changes)
  // All of them at once, half a second after the one before, and as the last of them left it.
  expect(published).toEqual([0, 200])
  expect(performance.now() - begunMs).toBeGreaterThan(300)
})

test('a publication that failed is told to whoever asked for it, and the next one goes on', async () => {
  let isAway = true
  let count = 0
  const publish = openPace(async () => {
    count += 1
    if (isAway) throw new Error('NATS is away')
    return 0
  })
  await expect(publish(small)).rejects.toThrow('away')
  isAway = false
  await publish(small)
  await until(() => count === 2)
})
