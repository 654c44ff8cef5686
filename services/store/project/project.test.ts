import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase, startTestPostgres, type TestDatabase } from '@fairlead/testbed/postgres'
import type { Restartable } from '@fairlead/testbed/restartable'
import { isThorough } from '@fairlead/testbed/thorough'
import { until } from '@fairlead/testbed/until'
import { newId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventStatus } from '../events/status.ts'
import { migrate } from '../migrate.ts'
import { startCuttingProxy } from './fixture/cutting-proxy.ts'
import { startProjector } from './fixture/projector.ts'
import { publishDead, publishEvent, publishRecords, publishStory } from './fixture/publish-story.ts'
import { countEvents, emptyLog, expectedLog, readLog } from './fixture/read-log.ts'
import { anAttempt, anEventMeta, aStory, recordsOf, seeded } from './fixture/story.ts'

const limits = { ...defaultStreamLimits, eventsMaxBytes: 64 * 1024 ** 2 }

let server: Restartable
let nats: NatsConnection
beforeAll(async () => {
  server = await startTestNats()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  nats = await connectNats({ url: server.url, name: 'test' })
  await ensureStreams(await jetstreamManager(nats), limits)
})
afterEach(async () => {
  const manager = await jetstreamManager(nats)
  for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name)
  await nats.close()
})

/** Waits until the log holds exactly the expected rows. */
async function expectLog(adminUrl: string, story: Parameters<typeof expectedLog>[0]): Promise<void> {
  const expected = expectedLog(story)
  const text = JSON.stringify(expected)
  await until(async () => JSON.stringify(await readLog(adminUrl)) === text).catch(async () =>
    expect(await readLog(adminUrl)).toEqual(expected),
  )
}

const now = Date.now()

/** A copy of a database that nobody is connected to, as from a backup. */
async function cloneTestDatabase(
  of: TestDatabase,
): Promise<AsyncDisposable & { url: string; adminUrl: string }> {
  const name = `${of.name}_copy`
  const admin = async (statement: string) => {
    const client = new Client({ connectionString: new URL('/postgres', of.adminUrl).href })
    await client.connect()
    await client.query(statement).finally(() => client.end())
  }
  await admin(`create database ${name} owner fairlead template ${of.name}`)
  return {
    url: new URL(`/${name}`, of.url).href,
    adminUrl: new URL(`/${name}`, of.adminUrl).href,
    [Symbol.asyncDispose]: () => admin(`drop database ${name} with (force)`),
  }
}

test.each([1, 2, 3])(
  'each event of the streams is in the log once, in its final state (seed %i)',
  async seed => {
    await using database = await createTestDatabase()
    const random = seeded(seed)
    const story = aStory({ events: 150, random, startMs: now - 86_400_000 })
    await publishStory(nats, story, random)
    await using _ = await startProjector(database.url, server.url)
    await expectLog(database.adminUrl, story)
  },
)

test('events that come while the projection runs are in the log once, over midnight too', async () => {
  await using database = await createTestDatabase()
  await using _ = await startProjector(database.url, server.url)
  const random = seeded(4)
  const midnight = now - (now % 86_400_000)
  const story = aStory({ events: 150, random, startMs: midnight - 75 })
  await publishStory(nats, story, random)
  await expectLog(database.adminUrl, story)
})

test('a connection that breaks at any step leaves the log exact', { timeout: 180_000 }, async () => {
  const random = seeded(5)
  const story = aStory({ events: 60, random, startMs: now })
  await publishStory(nats, story, random)
  await using database = await createTestDatabase()
  const done = JSON.stringify(expectedLog(story))
  const [from, stride] = isThorough ? [1, 1] : [randomInt(1, 4), 3]
  console.info(`cut at each of ${stride} steps, from ${from} on`)
  const steps = { 'before the query': 0, 'before the answer': 0 }
  for (const side of ['before the query', 'before the answer'] as const) {
    for (let at = from; ; at += stride) {
      await emptyLog(database.adminUrl)
      await using proxy = await startCuttingProxy(database.url, at, side)
      const first = await startProjector(proxy.url, server.url)
      await until(async () => proxy.cut || JSON.stringify(await readLog(database.adminUrl)) === done)
      await first.stop()
      await using _ = await startProjector(database.url, server.url)
      await expectLog(database.adminUrl, story)
      if (!proxy.cut) break
      steps[side] = at
    }
  }
  // Connecting, the lock, the positions, then one transaction of ten statements and more.
  expect(steps['before the query']).toBeGreaterThan(12 - stride)
  expect(steps['before the answer']).toBeGreaterThan(12 - stride)
})

test('kill -9 of the projector, again and again while events come, leaves the log exact', {
  timeout: 180_000,
}, async () => {
  await using database = await createTestDatabase()
  const random = seeded(6)
  const story = aStory({ events: 200, random, startMs: now })
  const publishing = publishStory(nats, story, random)
  const program = new URL('fixture/projector.ts', import.meta.url).pathname
  for (let kills = 0; kills < 6; kills++) {
    const child = spawn(process.execPath, [program, database.url, server.url], { stdio: 'ignore' })
    const exited = once(child, 'exit')
    const before = await countEvents(database.adminUrl)
    // Killed once it has written something, at whatever step it is by then, or after a while where all is written.
    await until(async () => (await countEvents(database.adminUrl)) > before, { deadlineMs: 2_000 }).catch(
      () => {},
    )
    child.kill('SIGKILL')
    await exited
  }
  await publishing
  await using _ = await startProjector(database.url, server.url)
  await expectLog(database.adminUrl, story)
})

test('only one projects, and the next takes over where it stopped', async () => {
  await using database = await createTestDatabase()
  const first = await startProjector(database.url, server.url)
  await until(async () => (await first.metric('fairlead_projection_leading')) === 1)
  await using second = await startProjector(database.url, server.url)
  const random = seeded(7)
  const story = aStory({ events: 40, random, startMs: now })
  await publishStory(nats, story, random)
  await expectLog(database.adminUrl, story)
  expect(await second.metric('fairlead_projection_leading')).toBe(0)
  await first.stop()
  await until(async () => (await second.metric('fairlead_projection_leading')) === 1)
})

test('a log restored from a backup is brought to where it was', async () => {
  await using database = await createTestDatabase()
  const random = seeded(8)
  const story = aStory({ events: 80, random, startMs: now })
  await publishStory(nats, { ...story, events: story.events.slice(0, 40) }, random)
  const first = await startProjector(database.url, server.url)
  await until(async () => (await countEvents(database.adminUrl)) === 40)
  await first.stop()
  await publishStory(nats, { ...story, events: story.events.slice(40) }, random)
  await using restored = await cloneTestDatabase(database)
  for (const { url, adminUrl } of [database, restored]) {
    await using _ = await startProjector(url, server.url)
    await expectLog(adminUrl, story)
  }
})

test('records that can not be read or written are left out, counted, and stop nothing', async () => {
  await using database = await createTestDatabase()
  const random = seeded(9)
  const story = aStory({ events: 30, random, startMs: now })
  const js = jetstream(nats)
  await js.publish('events.0.org_x.stripe', 'no header')
  await js.publish('attempts.test', 'no JSON')
  await js.publish('dead.org_x.dst_x', 'no headers')
  // A type with a NUL, which Postgres' text can't hold, is kept without it.
  const nul = anEventMeta({ type: 'a\0b', receivedAt: now })
  const seq = await publishEvent(nats, nul)
  const planned = { meta: nul, matched: true, deliveries: [] }
  // Postgres refuses these: a number past its integers, and a time past its years.
  const delivery = { destination: newId('dst', now), attempts: 1, end: 'delivered' } as const
  await publishRecords(nats, [{ ...anAttempt(planned, delivery, 1, seq), number: 2 ** 40 }])
  await publishRecords(nats, [{ ...anAttempt(planned, delivery, 1, seq), at: 1e300 }])
  // A clock that is ten years off would make tables for that day.
  await publishEvent(nats, anEventMeta({ receivedAt: now + 10 * 365 * 86_400_000 }))
  await publishStory(nats, story, random)

  await using projector = await startProjector(database.url, server.url)
  await until(async () => (await countEvents(database.adminUrl)) === 31)
  await until(async () => (await projector.metric('fairlead_projection_skipped_total')) === 6)
  const expected = expectedLog(story)
  await until(async () => {
    const { events } = await readLog(database.adminUrl)
    return JSON.stringify(events.filter(line => !line.startsWith(nul.id))) === JSON.stringify(expected.events)
  })
})

test('a record waits for its event; a record without an event is dropped and counted', async () => {
  await using database = await createTestDatabase()
  await using projector = await startProjector(database.url, server.url)
  const [story, never] = [1, 2].map(seed => aStory({ events: 1, random: seeded(seed), startMs: now }))
  const [planned] = story!.events
  await publishRecords(nats, recordsOf(planned!, 1))
  await publishEvent(nats, planned!.meta)
  await publishDead(nats, planned!, 1)
  await expectLog(database.adminUrl, story!)
  await publishRecords(nats, [
    {
      kind: 'routed',
      organization: never!.organizations[0]!,
      event: never!.events[0]!.meta.id,
      receivedAt: now,
      eventSeq: 77,
      destinations: [],
    },
  ])
  await until(async () => (await projector.metric('fairlead_projection_orphaned_total')) === 1)
  await expectLog(database.adminUrl, story!)
})

test('the same webhook accepted twice, days apart, is one event with the deliveries of both', async () => {
  await using database = await createTestDatabase()
  await using _ = await startProjector(database.url, server.url)
  const destination = newId('dst', now)
  const first = anEventMeta({ receivedAt: now - 2 * 86_400_000 })
  const again = { ...first, receivedAt: now }
  const failed = { destination, attempts: 1, end: 'dead' } as const
  const done = { destination, attempts: 2, end: 'delivered' } as const
  const seq = await publishEvent(nats, first)
  await publishRecords(nats, [anAttempt({ meta: first, deliveries: [failed] }, failed, 1, seq)])
  await until(async () => (await readLog(database.adminUrl)).attempts.length === 1)
  const second = await publishEvent(nats, again)
  await publishRecords(nats, [anAttempt({ meta: again, deliveries: [done] }, done, 2, second)])
  await until(async () => (await readLog(database.adminUrl)).attempts.length === 2)
  const log = await readLog(database.adminUrl)
  expect(log.events).toEqual([`${first.id} success 1 1 0 ${first.receivedAt}`])
  expect(log.usage.map(line => line.split(' ')[1])).toEqual(['1'])
})

test('a stream that was made anew is read from its start, a purged one from where it goes on', async () => {
  await using database = await createTestDatabase()
  await using _ = await startProjector(database.url, server.url)
  const random = seeded(10)
  const story = aStory({ events: 30, random, startMs: now })
  const part = (from: number, to: number) => ({ ...story, events: story.events.slice(from, to) })
  await publishStory(nats, part(0, 10), random)
  await expectLog(database.adminUrl, part(0, 10))
  const manager = await jetstreamManager(nats)
  await manager.streams.delete('EVENTS')
  await ensureStreams(manager, limits)
  await publishStory(nats, part(10, 20), random)
  await expectLog(database.adminUrl, part(0, 20))
  await manager.streams.purge('EVENTS')
  await publishStory(nats, part(20, 30), random)
  await expectLog(database.adminUrl, story)
})

test('with NATS or Postgres gone for a while it goes on by itself', { timeout: 180_000 }, async () => {
  await using postgres = await startTestPostgres()
  await migrate(postgres.url)
  await using _ = await startProjector(postgres.url, server.url)
  const random = seeded(11)
  const story = aStory({ events: 60, random, startMs: now })
  const part = (from: number, to: number) => ({ ...story, events: story.events.slice(from, to) })
  await publishStory(nats, part(0, 20), random)
  const adminUrl = new URL('/fairlead', postgres.adminUrl).href
  await expectLog(adminUrl, part(0, 20))
  await postgres.kill9()
  await publishStory(nats, part(20, 40), random)
  await postgres.restart()
  await expectLog(adminUrl, part(0, 40))
  await server.kill9()
  await server.restart()
  const manager = await jetstreamManager(nats, { checkAPI: false })
  await until(async () => (await manager.streams.info('EVENTS')) && true, { deadlineMs: 30_000 })
  await publishStory(nats, part(40, 60), random)
  await expectLog(adminUrl, story)
})

test('SQL and TypeScript give an event the same status', async () => {
  await using database = await createTestDatabase()
  const client = new Client({ connectionString: database.adminUrl })
  await client.connect()
  const counts = [undefined, 0, 1, 2, 3].flatMap(of =>
    [0, 1, 2, 3].flatMap(delivered => [0, 1, 2, 3].map(bad => ({ of, delivered, bad }))),
  )
  const { rows } = await client.query<{ status: string }>(
    `select event_status_of(of, delivered, bad) as status
     from unnest($1::int[], $2::int[], $3::int[]) with ordinality as n (of, delivered, bad, place) order by place`,
    [
      counts.map(({ of }) => of ?? null),
      counts.map(({ delivered }) => delivered),
      counts.map(({ bad }) => bad),
    ],
  )
  await client.end()
  expect(rows.map(({ status }) => status)).toEqual(counts.map(eventStatus))
})
