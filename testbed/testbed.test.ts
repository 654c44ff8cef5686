import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Client } from 'pg'
import { expect, test, vi } from 'vitest'
import { startTestNats } from './nats.ts'
import { createTestDatabase, startTestPostgres } from './postgres.ts'
import { startTestRedis } from './redis.ts'
import { startSink } from './sink.ts'
import { until } from './until.ts'

test('a stream survives kill -9 and restart of its nats-server', async () => {
  await using nats = await startTestNats({ syncAlways: true })
  const before = await connect({ servers: nats.url, reconnect: false })
  const manager = await jetstreamManager(before)
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] })
  await manager.jetstream().publish('kept.one', 'payload')
  const firstPid = nats.pid
  await nats.kill9()
  await before.closed()
  await nats.restart()
  expect(nats.pid).not.toBe(firstPid)
  const after = await connect({ servers: nats.url })
  const info = await (await jetstreamManager(after)).streams.info('KEPT')
  expect(info.state.messages).toBe(1)
  await after.close()
})

test('a test database belongs to a role that row-level security binds', async () => {
  await using database = await createTestDatabase({ migrated: false })
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query(
    'select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user',
  )
  expect(rows).toEqual([{ rolname: 'fairlead', rolsuper: false, rolbypassrls: false }])
  await client.query('create table mine (id uuid primary key default uuidv7())')
  await client.end()
})

test('committed rows survive kill -9 and restart of PostgreSQL', async () => {
  await using postgres = await startTestPostgres()
  const run = async (statement: string) => {
    const client = new Client({ connectionString: postgres.url })
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query(statement)
    await client.end()
    return rows
  }
  await run('create table kept as select 7 as number')
  await postgres.kill9()
  await postgres.restart()
  expect(await run('select * from kept')).toEqual([{ number: 7 }])
})

test('Redis answers, also after a restart', async () => {
  await using redis = await startTestRedis()
  await redis.kill9()
  await redis.restart()
  expect(redis.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/)
})

test('a sink records bytes and answers by its script', async () => {
  await using sink = await startSink((_request, count) => ({
    status: count === 1 ? 503 : 201,
    body: `${count}`,
  }))
  const body = new Uint8Array([0xff, 0x00, 0xef])
  const first = await fetch(`${sink.url}/hook?x=1`, { method: 'POST', body, headers: { 'x-test': 'yes' } })
  const second = await fetch(sink.url)
  expect([first.status, second.status, await second.text()]).toEqual([503, 201, '2'])
  const got = await sink.waitFor(request => request.method === 'POST')
  expect(got).toMatchObject({ url: '/hook?x=1', headers: { 'x-test': 'yes' } })
  expect([...got.body]).toEqual([...body])
})

test('a sink hangs, drips and resets when told to', async () => {
  await using sink = await startSink({ hang: true })
  await expect(fetch(sink.url, { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/)
  sink.answer({ reset: true })
  await expect(fetch(sink.url)).rejects.toThrow('fetch failed')
  sink.answer({ dripEveryMs: 5 })
  const drip = await fetch(sink.url, { signal: AbortSignal.timeout(60_000) })
  const reader = drip.body!.getReader()
  expect((await reader.read()).value?.length).toBeGreaterThan(0)
  expect((await reader.read()).value?.length).toBeGreaterThan(0)
  await reader.cancel()
})

test('waiting for what never comes true ends at its deadline and says what it was', async () => {
  await expect(until(() => false, { deadlineMs: 30, what: 'snow' })).rejects.toThrow(
    "snow didn't come true in 30 ms",
  )
})

/** A question that is never answered and takes 20 ms, or as long as told, by a clock of its own: so no machine is too slow. */
function neverComes(tookMs = 20) {
  let askedCount = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => askedCount * tookMs)
  return {
    ask: () => ++askedCount < 0,
    asked: () => askedCount,
    [Symbol.dispose]: () => clock.mockRestore(),
  }
}

test('a wait ends at its deadline, though the machine gives a tenth of a processor', async () => {
  using question = neverComes()
  const patient = { deadlineMs: 50, everyMs: 1, crowdedBy: () => 10, what: 'snow' }
  await expect(until(question.ask, patient)).rejects.toThrow(
    "snow didn't come true in 50 ms, 1 s by the clock",
  )
  expect(question.asked()).toBe(25)
})

test.each([
  { deadlineMs: 25_000, endsAfterS: 150 },
  { deadlineMs: 240_000, endsAfterS: 240 },
])(
  'a wait of $deadlineMs ms outlasts its test on a crowded machine, and nothing says what it waited for',
  async ({ deadlineMs, endsAfterS }) => {
    using question = neverComes(10_000)
    const crowded = { deadlineMs, everyMs: 1, crowdedBy: () => 12, what: 'snow' }
    await expect(until(question.ask, crowded)).rejects.toThrow(
      `snow didn't come true in ${deadlineMs} ms, ${endsAfterS} s by the clock`,
    )
  },
)
