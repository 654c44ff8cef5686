import { startTestRedis } from '@fairlead/testbed/redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Delays, openDelays } from './delays.ts'

const opened = new AsyncDisposableStack()
let redis: Redis
let delays: Delays
const startMs = 1_800_000_000_000

beforeAll(async () => {
  const server = opened.use(await startTestRedis())
  redis = new Redis(server.url)
  opened.defer(() => redis.disconnect())
  delays = openDelays(redis)
})
beforeEach(() => redis.flushall())
afterAll(() => opened.disposeAsync())

/** Tries that come when the one before was looked at, each wrong; how long each was held, s. */
async function heldOf(tries: number, email = 'ada@example.com', network = '192.0.2.0/24') {
  let nowMs = startMs
  const held: (number | string)[] = []
  for (let i = 0; i < tries; i++) {
    const place = await delays.take(email, network, nowMs)
    held.push(place.kind === 'wait' ? place.ms / 1000 : `refused for ${place.retryAfterSeconds}`)
    nowMs += place.kind === 'wait' ? place.ms : place.retryAfterSeconds * 1000
  }
  return held
}

test('five wrong passwords cost nothing, and each further one half a minute at most', async () => {
  expect(await heldOf(14)).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 'refused for 6', 10, 'refused for 20', 10])
})

test('a hundred guesses at once are a hundred guesses', async () => {
  const places = await Promise.all(
    Array.from({ length: 100 }, () => delays.take('ada@example.com', '192.0.2.0/24', startMs)),
  )
  const atOnce = places.filter(place => place.kind === 'wait' && place.ms === 0)
  expect(atOnce).toHaveLength(6)
  expect(places.filter(({ kind }) => kind === 'refused').length).toBeGreaterThanOrEqual(90)
})

test('a stranger who guesses elsewhere does not slow the owner at home', async () => {
  await delays.right('ada@example.com', '198.51.100.0/24')
  expect(await delays.isKnown('ada@example.com', '198.51.100.0/24')).toBe(true)
  expect(await delays.isKnown('ada@example.com', '192.0.2.0/24')).toBe(false)
  await heldOf(20)
  expect(await delays.take('ada@example.com', '198.51.100.0/24', startMs)).toEqual({ kind: 'wait', ms: 0 })
  const elsewhere = await delays.take('ada@example.com', '203.0.113.0/24', startMs)
  expect(elsewhere).toMatchObject({ kind: 'refused' })
})

test('a right password forgets what was counted', async () => {
  await heldOf(8)
  await delays.right('ada@example.com', '192.0.2.0/24')
  expect(await heldOf(6)).toEqual([0, 0, 0, 0, 0, 0])
})

test('an address that was tried once or twice is forgotten after a quarter of an hour, not after a day', async () => {
  const leftMs = async () => await redis.pttl((await redis.keys('*'))[0]!)
  await heldOf(2)
  expect(await leftMs()).toBeLessThanOrEqual(15 * 60_000)
  await heldOf(6)
  expect(await leftMs()).toBeGreaterThan(23 * 3_600_000)
})

test('nothing in Redis names an address, and all of it ends by itself', async () => {
  await heldOf(3)
  await delays.right('bob@example.com', '192.0.2.0/24')
  const keys = await redis.keys('*')
  expect(keys).toHaveLength(2)
  for (const key of keys) {
    expect(key).not.toContain('example')
    expect(await redis.pttl(key)).toBeGreaterThan(0)
  }
})
