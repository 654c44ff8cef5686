import { crowding } from '@fairlead/testbed/crowding'
import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase, startTestPostgres } from '@fairlead/testbed/postgres'
import { signalTree } from '@fairlead/testbed/process-tree'
import { startTcpProxy } from '@fairlead/testbed/tcp-proxy'
import { until } from '@fairlead/testbed/until'
import { eventId, newId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { migrate } from '../migrate.ts'
import { openPool } from '../postgres.ts'
import { inScope } from '../scope.ts'
import { type Projector, startProjector } from './fixture/projector.ts'
import { publishEvent } from './fixture/publish-story.ts'
import { countEvents } from './fixture/read-log.ts'
import { anEventMeta } from './fixture/story.ts'

/** A second and a half instead of fifteen, and statements of half a second. */
const quick = { standstillMs: 1_500, statementMs: 500 }

async function openStreams() {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  await ensureStreams(await jetstreamManager(nats), {
    ...defaultStreamLimits,
    eventsMaxBytes: 64 * 1024 ** 2,
  })
  const organization = newId('org', 0)
  let published = 0
  const opened = stack.move()
  return {
    url: server.url,
    async publish(count: number) {
      for (let i = 0; i < count; i++) {
        const id = eventId(organization, 'stripe', { id: `event-${published++}` })
        await publishEvent(nats, anEventMeta({ organization, id, receivedAt: Date.now() }))
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The projection has to say that it stands, by readiness and by its metrics, while nothing else looks wrong. */
async function expectStandstill(projector: Projector, behind: number): Promise<void> {
  const told = new RegExp(`^the log has stood still for \\d+ s: EVENTS has ${behind} messages more$`)
  await until(async () => told.test((await projector.standing.standstill()) ?? ''), { what: String(told) })
  await until(async () => (await projector.metric('fairlead_projection_lag_seconds')) > 1, {
    what: 'a lag of more than a second',
  })
  expect(await projector.metric('fairlead_projection_behind_messages')).toBe(behind)
}

async function expectMoving(projector: Projector, adminUrl: string, events: number): Promise<void> {
  await until(async () => (await countEvents(adminUrl)) === events, {
    what: 'the events in the log',
  })
  await until(async () => (await projector.metric('fairlead_projection_lag_seconds')) === 0, {
    what: 'no lag',
  })
  expect(await projector.standing.standstill()).toBeUndefined()
}

test('a network that swallows the projection’s packets is told, and the log goes on without a restart', {
  timeout: 180_000,
}, async () => {
  await using streams = await openStreams()
  await using database = await createTestDatabase()
  const target = new URL(database.url)
  await using proxy = await startTcpProxy(Number(target.port))
  target.port = String(proxy.port)
  await using projector = await startProjector(target.href, streams.url, quick)
  await streams.publish(3)
  await expectMoving(projector, database.adminUrl, 3)
  proxy.stall()
  await streams.publish(4)
  await expectStandstill(projector, 4)
  proxy.heal()
  await expectMoving(projector, database.adminUrl, 7)
})

test('a PostgreSQL that is frozen is told, doesn’t keep the store from ending, and is written to once it thaws', {
  timeout: 180_000,
}, async () => {
  await using streams = await openStreams()
  await using postgres = await startTestPostgres()
  await migrate(postgres.url)
  const adminUrl = new URL('/fairlead', postgres.adminUrl).href
  await using projector = await startProjector(postgres.url, streams.url, quick)
  await streams.publish(3)
  await expectMoving(projector, adminUrl, 3)
  // This one waits for the lock of the first.
  const ending = await startProjector(postgres.url, streams.url, quick)
  signalTree(postgres.pid, 'SIGSTOP')
  try {
    await streams.publish(4)
    await expectStandstill(projector, 4)
    const began = performance.now()
    await ending.stop()
    expect(performance.now() - began).toBeLessThan(10_000 * crowding())
  } finally {
    signalTree(postgres.pid, 'SIGCONT')
  }
  await expectMoving(projector, adminUrl, 7)
})

test('a call to a database that says nothing ends by its own clock, and the next one finds a connection', {
  timeout: 180_000,
}, async () => {
  await using database = await createTestDatabase()
  const target = new URL(database.url)
  await using proxy = await startTcpProxy(Number(target.port))
  target.port = String(proxy.port)
  await using opened = openPool(target.href, 1)
  const ask = () => inScope(opened.pool, 'platform', db => db.query('select 1'), { timeoutMs: 100 })
  await ask()
  proxy.stall()
  const began = performance.now()
  await expect(ask()).rejects.toMatchObject({ code: 'postgres_unavailable' })
  expect(performance.now() - began).toBeLessThan(4_000 * crowding())
  proxy.heal()
  await expect(ask()).resolves.toMatchObject({ rowCount: 1 })
})

test('a stream that can not be read any more is told, by readiness and by a metric, though nothing is behind', {
  timeout: 180_000,
}, async () => {
  await using streams = await openStreams()
  await using database = await createTestDatabase()
  await using projector = await startProjector(database.url, streams.url, quick)
  await streams.publish(1)
  await until(() => projector.standing.leading, { what: 'a projection' })
  const unreadable = 'fairlead_projection_unreadable_seconds'
  expect(await projector.metric(unreadable)).toBe(0)
  const nats = await connectNats({ url: streams.url, name: 'test' })
  await (await jetstreamManager(nats)).streams.delete('DEAD')
  await nats.close()
  const told = /^DEAD can't be read for \d+ s$/
  await until(async () => told.test((await projector.standing.standstill()) ?? ''), { what: String(told) })
  expect(await projector.metric(unreadable)).toBeGreaterThan(1)
})

test('an idle log is no standstill, however long nothing came', { timeout: 180_000 }, async () => {
  await using streams = await openStreams()
  await using database = await createTestDatabase()
  await using projector = await startProjector(database.url, streams.url, { standstillMs: 0 })
  await streams.publish(1)
  await expectMoving(projector, database.adminUrl, 1)
})
