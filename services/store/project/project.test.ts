

import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import type { Restartable } from '@fairlead/testbed/restartable'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startCuttingProxy } from './fixture/cutting-proxy.ts'
import { startProjector } from './fixture/projector.ts'
import { publishStory } from './fixture/publish-story.ts'
import { expectedLog, readLog } from './fixture/read-log.ts'
import { aStory, seeded } from './fixture/story.ts'

let server: Restartable
let nats: NatsConnection
beforeAll(async () => {
  server = await startTestNats()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  nats = await connectNats({ url: server.url, name: 'test' })
  await ensureStreams(await jetstreamManager(nats), defaultStreamLimits)
})
afterEach(async () => {
  const manager = await jetstreamManager(nats)
  for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name)
  await nats.close()
})

/** Waits until the log says exactly what it has to. */
async function expectLog(adminUrl: string, story: Parameters<typeof expectedLog>[0]): Promise<void> {
  const expected = expectedLog(story)
  const text = JSON.stringify(expected)
  await until(async () => JSON.stringify(await readLog(adminUrl)) === text, {
    deadlineMs: 15_000,
    everyMs: 50,
  }).catch(async () => expect(await readLog(adminUrl)).toEqual(expected))
}

const now = Date.now()

test.each([1, 2, 3])('what the streams hold is in the log once, as it ended (seed %i)', async seed => {
  await using database = await createTestDatabase()
  const random = seeded(seed)
  const story = aStory({ events: 150, random, startMs: now - 86_400_000 })
  await publishStory(nats, story, random)
  await using _ = await startProjector(database.url, server.url)
  await expectLog(database.adminUrl, story)
})

test('what comes while it runs is in the log once, over midnight too', async () => {
  await using database = await createTestDatabase()
  await using _ = await startProjector(database.url, server.url)
  const random = seeded(4)
  const midnight = now - (now % 86_400_000)
  const story = aStory({ events: 150, random, startMs: midnight - 75 })
  await publishStory(nats, story, random)
  await expectLog(database.adminUrl, story)
})

test('a connection that breaks at any step leaves the log exact', { timeout: 120_000 }, async () => {
  const random = seeded(5)
  const story = aStory({ events: 60, random, startMs: now })
  await publishStory(nats, story, random)
  const steps = { 'before the query': 0, 'before the answer': 0 }
  for (const side of ['before the query', 'before the answer'] as const) {
    for (let at = 1; ; at++) {
      await using database = await createTestDatabase()
      await using proxy = await startCuttingProxy(database.url, at, side)
      const first = await startProjector(proxy.url, server.url)
      const done = JSON.stringify(expectedLog(story))
      await until(async () => proxy.cut || JSON.stringify(await readLog(database.adminUrl)) === done)
      await first.stop()
      await using _ = await startProjector(database.url, server.url)
      await expectLog(database.adminUrl, story)
      if (!proxy.cut) break
      steps[side] = at
    }
  }
  // Connecting, the lock, the positions, then one transaction of ten statements and more.
  expect(steps['before the query']).toBeGreaterThan(12)
  expect(steps['before the answer']).toBeGreaterThan(12)
})
