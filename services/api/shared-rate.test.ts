import { startTestRedis } from '@fairlead/testbed/redis'
import type { Restartable } from '@fairlead/testbed/restartable'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consoleUrl, testSignInKeys } from './auth/fixtures/people-api.ts'
import { openTestApi, type TestApi } from './fixtures/test-api.ts'
import { connectRedis } from './redis.ts'
import { openSharedRate } from './shared-rate.ts'

const opened = new AsyncDisposableStack()
let redis: Restartable
let store: TestStore
/** Two pods of one platform, each with a quota of 10 an hour for each key. */
let pods: [TestApi, TestApi]

beforeAll(async () => {
  redis = opened.use(await startTestRedis())
  store = opened.use(await startTestStore())
  const open = async () =>
    opened.use(
      await openTestApi(
        {
          FAIRLEAD_REDIS_URL: redis.url,
          FAIRLEAD_CONSOLE_URL: consoleUrl,
          FAIRLEAD_SIGN_IN_KEYS: testSignInKeys,
          FAIRLEAD_API_RATE_PER_SECOND: 10 / 3_600,
          FAIRLEAD_API_RATE_BURST: 10,
        },
        store,
      ),
    )
  pods = [await open(), await open()]
})
afterAll(() => opened.disposeAsync())

const ask = async (pod: TestApi, key: string) => {
  const { status, headers } = await pod.call('GET', '/api/v1/me', { key })
  return { status, left: /;r=(\d+);/.exec(headers.get('ratelimit') ?? '')?.[1], headers }
}

test('two pods allow a key its rate together, not each', async () => {
  const key = await pods[0].makeKey(undefined)
  // Both are connected: the first request of a pod may come before.
  await until(async () => {
    const probe = await pods[0].makeKey(undefined)
    await ask(pods[0], probe)
    return (await ask(pods[1], probe)).left === '8'
  })
  const answers = []
  for (let i = 0; i < 12; i++) answers.push(await ask(pods[i % 2]!, key))
  expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(200), 429, 429])
  expect(answers.slice(0, 10).map(({ left }) => left)).toEqual([
    '9',
    '8',
    '7',
    '6',
    '5',
    '4',
    '3',
    '2',
    '1',
    '0',
  ])
  const refused = answers.at(-1)!.headers
  expect(refused.get('ratelimit-policy')).toBe('"credential";q=10;w=3600')
  expect(Number(refused.get('retry-after'))).toBeGreaterThan(3_000)
})

test('a pod goes on with its own limits while Redis is away, and with the shared ones after', async () => {
  const key = await pods[0].makeKey(undefined)
  await redis.stop()
  const alone = []
  for (let i = 0; i < 11; i++) alone.push((await ask(pods[0], key)).status)
  expect(alone).toEqual([...Array(10).fill(200), 429])
  await redis.restart()
  await until(
    async () => {
      const probe = await pods[0].makeKey(undefined)
      await ask(pods[0], probe)
      return (await ask(pods[1], probe)).left === '8'
    },
    { deadlineMs: 30_000 },
  )
})

test('a burst below the rate lowers the rate that pods share', async () => {
  const client = connectRedis(redis.url)
  opened.defer(() => client.disconnect())
  await until(() => client.status === 'ready')
  const take = openSharedRate(client, { perSecond: 20, burst: 2 })
  const verdicts = []
  for (let i = 0; i < 20; i++) verdicts.push(await take('b', 0))
  expect(verdicts.every(({ allowed }) => allowed)).toBe(true)
  expect(verdicts[0]!.policy).toEqual({ quota: 20, windowSeconds: 1 })
})

test('a Redis that hangs delays one request of a second, and refuses none', async () => {
  const client = connectRedis(redis.url)
  opened.defer(() => client.disconnect())
  await until(() => client.status === 'ready')
  const take = openSharedRate(client, { perSecond: 1, burst: 1_000 })
  expect((await take('a', 0)).allowed).toBe(true)
  process.kill(redis.pid, 'SIGSTOP')
  try {
    const verdicts = []
    let waits = 0
    for (let i = 0; i < 100; i++) {
      const startedAt = performance.now()
      verdicts.push(await take('a', 1_000 + i))
      if (performance.now() - startedAt > 240) waits++
    }
    expect(verdicts.every(({ allowed }) => allowed)).toBe(true)
    // One for Redis; others where this process had no turn for so long.
    expect(waits).toBeGreaterThan(0)
    expect(waits).toBeLessThan(50)
  } finally {
    process.kill(redis.pid, 'SIGCONT')
  }
})
