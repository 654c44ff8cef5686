import { startTestRedis } from '@fairlead/testbed/redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRegistrations } from './registrations.ts'

const opened = new AsyncDisposableStack()
let redis: Redis
beforeAll(async () => {
  const server = opened.use(await startTestRedis())
  redis = new Redis(server.url)
  opened.defer(() => redis.disconnect())
})
afterAll(() => opened.disposeAsync())

const registration = { email: 'ada@example.com', digest: 'none', slug: 'acme', displayName: 'Acme' }

test('strangers who register without an end fill no Redis: so many wait, and more are dropped until some end', async () => {
  const registrations = openRegistrations(redis, 3)
  const nowMs = Date.now()
  const begin = (atMs = nowMs) => registrations.begin(registration, atMs)
  const tokens = await Promise.all(Array.from({ length: 10 }, () => begin()))
  const kept = tokens.filter(token => token !== undefined)
  expect(kept).toHaveLength(3)
  expect(await redis.keys('*registration:*')).toHaveLength(3)
  await registrations.end(kept[0]!)
  expect(await begin()).toBeDefined()
  expect(await begin()).toBeUndefined()
  // A day later all of them have ended by themselves.
  expect(await begin(nowMs + 86_400_001)).toBeDefined()
  expect(await registrations.look(kept[1]!)).toEqual(registration)
})
