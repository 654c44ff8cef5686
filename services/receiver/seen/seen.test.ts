import { randomBytes } from 'node:crypto'
import { startTestRedis } from '@fairlead/testbed/redis'
import type { Restartable } from '@fairlead/testbed/restartable'
import { isThorough } from '@fairlead/testbed/thorough'
import { until } from '@fairlead/testbed/until'
import { type EventId, eventId, newId } from '@fairlead/webhook/id'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readMemory } from './bound.ts'
import { openBuckets } from './buckets.ts'
import { openSeen, type Seen, type SeenOptions, type UncheckedReason } from './seen.ts'
import { tickOf } from './ticks.ts'

const hourMs = 3_600_000
let redis: Restartable
beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

interface Counted {
  checked: number
  unchecked: Record<UncheckedReason, number>
  deferred: number
  forgotten: number
}

/** A memory of its own (a generation nobody else has) with a clock that the test moves. */
async function open(options: Partial<SeenOptions> & { clock?: { nowMs: number } } = {}) {
  const clock = options.clock ?? { nowMs: Date.now() }
  const counted: Counted = {
    checked: 0,
    unchecked: { late: 0, failed: 0, down: 0 },
    deferred: 0,
    forgotten: 0,
  }
  const seen = openSeen({
    url: redis.url,
    generation: randomBytes(6).toString('hex'),
    // Tests share two cores with other programs: a test that isn't about time must not fail by time.
    waitMs: 20_000,
    lingerMs: 1,
    now: () => clock.nowMs,
    events: {
      checked: () => counted.checked++,
      unchecked: (reason, ids) => {
        counted.unchecked[reason] += ids
      },
      deferred: ids => {
        counted.deferred += ids
      },
      forgotten: ids => {
        counted.forgotten += ids
      },
    },
    changed() {},
    ...options,
  })
  await until(() => seen.up, { what: 'Redis found' })
  return { seen, clock, counted }
}

const organization = newId('org', 0)
const anId = (): EventId => eventId(organization, 'github', { id: randomBytes(8).toString('hex') })
const written = (seen: Seen) => until(() => seen.waiting === 0, { what: 'all ids written' })

test('a repeat with another body is told from a true one, also after its id was written again without a digest', async () => {
  const { seen, clock } = await open()
  await using _ = seen
  const [id, old] = [anId(), anId()]
  seen.keep(id, clock.nowMs, 0xff_ff_ff)
  seen.keep(old, clock.nowMs)
  await written(seen)
  seen.keep(id, clock.nowMs)
  await written(seen)
  expect(await seen.check(id, 0xff_ff_ff)).toBe('accepted')
  expect(await seen.check(id, 1)).toBe('differs')
  expect(await seen.check(id)).toBe('accepted')
  expect(await seen.check(old, 1)).toBe('accepted')
  clock.nowMs += 80 * hourMs
  expect(await seen.check(id, 1)).toBe('new')
})

test('an id that was kept is known, and no other id', async () => {
  const { seen, clock } = await open()
  await using _ = seen
  const [id, other] = [anId(), anId()]
  expect(await seen.check(id)).toBe('new')
  seen.keep(id, clock.nowMs)
  await written(seen)
  expect(await seen.check(id)).toBe('accepted')
  expect(await seen.check(other)).toBe('new')
})

test('one delivery id of two organizations, and of two sources, is two events', async () => {
  const { seen, clock } = await open()
  await using _ = seen
  const [one, two] = [newId('org', 1), newId('org', 2)]
  seen.keep(eventId(one, 'github', { id: 'd-1' }), clock.nowMs)
  await written(seen)
  expect(await seen.check(eventId(one, 'github', { id: 'd-1' }))).toBe('accepted')
  expect(await seen.check(eventId(two, 'github', { id: 'd-1' }))).toBe('new')
  expect(await seen.check(eventId(one, 'gitlab', { id: 'd-1' }))).toBe('new')
})

test('an id is forgotten after 72 hours, and not before', async () => {
  const { seen, clock } = await open()
  await using _ = seen
  const id = anId()
  const acceptedMs = clock.nowMs
  seen.keep(id, acceptedMs)
  await written(seen)
  clock.nowMs = acceptedMs + 72 * hourMs
  expect(await seen.check(id)).toBe('accepted')
  clock.nowMs = acceptedMs + 72 * hourMs + 12 * 60_000
  expect(await seen.check(id)).toBe('new')
  seen.keep(id, clock.nowMs)
  await written(seen)
  clock.nowMs += 72 * hourMs
  expect(await seen.check(id)).toBe('accepted')
})

test('a day of ids goes by itself when its last one is 72 hours old', async () => {
  const generation = randomBytes(6).toString('hex')
  const { seen, clock } = await open({ generation })
  await using _ = seen
  for (let i = 0; i < 50; i++) seen.keep(anId(), clock.nowMs)
  await written(seen)
  const client = new Redis(redis.url)
  try {
    const keys = await client.keys(`fairlead:{seen}:${generation}:*`)
    expect(keys.length).toBeGreaterThan(10)
    const dayEndMs = (Math.floor(clock.nowMs / (24 * hourMs)) + 1) * 24 * hourMs
    for (const key of keys) {
      const expiresMs = Date.now() + (await client.pttl(key))
      expect(Math.abs(expiresMs - (dayEndMs + 72.2 * hourMs))).toBeLessThan(60_000)
    }
  } finally {
    client.disconnect()
  }
})

test('ids survive kill -9 of Redis and of all receivers', async () => {
  await using own = await startTestRedis()
  const generation = 'kept'
  const ids = Array.from({ length: 5_000 }, anId)
  {
    const { seen, clock } = await open({ url: own.url, generation })
    await using _ = seen
    for (const id of ids) seen.keep(id, clock.nowMs)
    await written(seen)
  }
  await own.kill9()
  await own.restart()
  const { seen } = await open({ url: own.url, generation })
  await using _ = seen
  const known = await Promise.all(ids.map(id => seen.check(id)))
  expect(known.filter(answer => answer === 'accepted')).toHaveLength(ids.length)
})

test('events accepted while Redis is away are counted as unchecked, and known when it is back', async () => {
  await using own = await startTestRedis()
  const { seen, clock, counted } = await open({ url: own.url })
  await using _ = seen
  const before = anId()
  seen.keep(before, clock.nowMs)
  await written(seen)
  await own.kill9()
  await until(() => !seen.up, { what: 'Redis lost' })
  const during = anId()
  expect(seen.check(during)).toBe('unknown')
  expect(counted.unchecked.down).toBe(1)
  seen.keep(during, clock.nowMs)
  expect(seen.waiting).toBe(1)
  await own.restart()
  await until(() => seen.up, { what: 'Redis found again' })
  await written(seen)
  expect(await seen.check(before)).toBe('accepted')
  expect(await seen.check(during)).toBe('accepted')
  expect(counted.deferred).toBe(0)
})

test('Redis that hangs costs a few answers a few ms, then none; it is asked again when it is back', async () => {
  await using own = await startTestRedis()
  const { seen, clock, counted } = await open({ url: own.url, waitMs: 20 })
  await using _ = seen
  seen.keep(anId(), clock.nowMs)
  await written(seen)
  process.kill(own.pid, 'SIGSTOP')
  try {
    for (let i = 0; i < 300; i++) {
      const answer = seen.check(anId())
      // Once Redis is known to hang, no check waits: the answer is no promise.
      if (answer !== 'unknown') {
        expect(await answer).toBe('unknown')
      }
      seen.keep(anId(), clock.nowMs)
    }
    expect(seen.up).toBe(false)
    expect(counted.unchecked).toEqual({ late: 3, failed: 0, down: 297 })
  } finally {
    process.kill(own.pid, 'SIGCONT')
  }
  await until(() => seen.up, { what: 'Redis found again' })
  await written(seen)
  expect(counted.deferred).toBe(0)
})

test('Redis that takes no writes is still asked, and gets them once it does', async () => {
  await using own = await startTestRedis()
  const { seen, clock } = await open({ url: own.url })
  await using _ = seen
  const client = new Redis(own.url)
  try {
    await client.config('SET', 'maxmemory', '1')
    const id = anId()
    seen.keep(id, clock.nowMs)
    for (let i = 0; i < 20; i++) expect(await seen.check(id)).toBe('new')
    expect(seen.up).toBe(true)
    expect(seen.waiting).toBe(1)
    await client.config('SET', 'maxmemory', '0')
    await written(seen)
    expect(await seen.check(id)).toBe('accepted')
  } finally {
    client.disconnect()
  }
})

test('ids fill Redis, and a session that is in it is dropped or a new one refused', async () => {
  await using own = await startTestRedis()
  const client = new Redis(own.url)
  try {
    const startBytes = readMemory(await client.info('memory')).usedBytes
    const maxBytes = startBytes + 2 * 1024 ** 2
    await client.config('SET', 'maxmemory', String(maxBytes))
    await client.config('SET', 'maxmemory-policy', 'noeviction')
    await client.set('session', 'of a person', 'EX', 3_600)
    const { seen, clock, counted } = await open({ url: own.url, boundEveryMs: 20 })
    await using _ = seen
    const keep = async (count: number) => {
      const ids = Array.from({ length: count }, anId)
      for (const id of ids) seen.keep(id, clock.nowMs)
      await written(seen)
      return ids
    }
    const old = await keep(40_000)
    clock.nowMs += 48 * hourMs
    let last: readonly EventId[] = []
    for (let round = 0; round < 20; round++) {
      last = await keep(2_000)
      await client.set(`session ${round}`, 'of another', 'EX', 3_600)
    }
    await until(async () => readMemory(await client.info('memory')).usedBytes < maxBytes * 0.75, {
      what: 'memory below the bound',
    })
    expect(counted.forgotten).toBeGreaterThan(10_000)
    expect(await client.get('session')).toBe('of a person')
    expect(await client.dbsize()).toBeGreaterThan(21)
    const known = async (ids: readonly EventId[]) => {
      const found = await Promise.all(ids.slice(0, 500).map(id => seen.check(id)))
      return found.filter(word => word === 'accepted').length
    }
    expect(await known(last)).toBeGreaterThan(await known(old))
    expect(seen.up).toBe(true)
  } finally {
    client.disconnect()
  }
}, 240_000)

test('waiting ids are bounded, and those above the bound are counted', async () => {
  await using own = await startTestRedis()
  const { seen, clock, counted } = await open({ url: own.url, maxWaiting: 10 })
  await own.kill9()
  await until(() => !seen.up)
  for (let i = 0; i < 15; i++) seen.keep(anId(), clock.nowMs)
  expect(seen.waiting).toBe(10)
  expect(counted.deferred).toBe(5)
  await seen[Symbol.asyncDispose]()
  expect(counted.deferred).toBe(15)
})

test('ids above the bound while Redis was away are read from EVENTS when it is back', async () => {
  await using own = await startTestRedis()
  const ids = Array.from({ length: 15 }, anId)
  const clock = { nowMs: Date.now() }
  async function* stored() {
    for (const id of ids) yield { id, storedAtMs: clock.nowMs }
  }
  const catchUp = { stored, signEveryMs: 50 }
  const { seen, counted } = await open({ url: own.url, clock, maxWaiting: 10, catchUp })
  await using _ = seen
  await own.kill9()
  await until(() => !seen.up, { what: 'Redis lost' })
  for (const id of ids) seen.keep(id, clock.nowMs)
  expect(counted.deferred).toBe(5)
  await own.restart()
  await until(() => seen.up, { what: 'Redis found again' })
  await until(async () => (await seen.check(ids.at(-1)!)) === 'accepted', { what: 'the last one written' })
  for (const id of ids) expect(await seen.check(id)).toBe('accepted')
})

test('a Redis that was never there holds nothing up', async () => {
  const counted: string[] = []
  await using seen = openSeen({
    url: 'redis://127.0.0.1:1',
    generation: 'none',
    now: Date.now,
    events: { checked() {}, deferred() {}, forgotten() {}, unchecked: reason => counted.push(reason) },
    changed() {},
  })
  expect(seen.check(anId())).toBe('unknown')
  expect(counted).toEqual(['down'])
})

describe('memory', () => {
  test.each(isThorough ? [20_000, 100_000] : [20_000])(
    '%i ids take at most 64 bytes each, in packed hashes',
    { timeout: 240_000 },
    async count => {
      await using own = await startTestRedis({ keep: false })
      const generation = 'measured'
      const client = new Redis(own.url)
      try {
        const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
        const buckets = openBuckets(client, { generation })
        const before = await usedBytes()
        for (let written = 0; written < count; written += 500) {
          await buckets.keep(Array.from({ length: 500 }, () => ({ id: anId(), tick: tickOf(Date.now()) })))
        }
        const bytesAnId = ((await usedBytes()) - before) / count
        expect(bytesAnId).toBeLessThanOrEqual(64)
        for (const key of (await client.keys(`fairlead:{seen}:${generation}:*`)).slice(0, 500)) {
          expect(await client.object('ENCODING', key)).toMatch(/^(listpack|ziplist)$/)
        }
      } finally {
        client.disconnect()
      }
    },
  )
})

/**
 * Against a model that is a map from id to the last time it was accepted: whatever is accepted, asked and restarted in
 * whatever order. Buckets of two ids make the tree deep.
 */
test('seen ids agree with a plain map, whatever is accepted, asked and restarted', {
  timeout: 240_000,
}, async () => {
  await using own = await startTestRedis()
  const step = fc.oneof(
    { weight: 40, arbitrary: fc.record({ kind: fc.constant('keep' as const), id: fc.nat(39) }) },
    { weight: 40, arbitrary: fc.record({ kind: fc.constant('check' as const), id: fc.nat(59) }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('pass' as const), minutes: fc.nat(60 * 40) }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'reopen' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
  )
  // Few first bytes, so that ids share buckets and go deep.
  const ids = Array.from({ length: 60 }, (_, i) => newId('evt', 0x3f3f_0000_0000 + (i % 3) * 0x10_0000))
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async steps => {
      const clock = { nowMs: Date.now() }
      const options = { url: own.url, generation: `run-${run++}`, bucketIds: 2, clock }
      const accepted = new Map<EventId, number>()
      let { seen } = await open(options)
      try {
        for (const action of steps) {
          switch (action.kind) {
            case 'keep':
              seen.keep(ids[action.id]!, clock.nowMs)
              accepted.set(ids[action.id]!, clock.nowMs)
              break
            case 'check': {
              await written(seen)
              const known = await seen.check(ids[action.id]!)
              const ageMs = clock.nowMs - (accepted.get(ids[action.id]!) ?? Number.NEGATIVE_INFINITY)
              if (ageMs <= 72 * hourMs) expect(known).toBe('accepted')
              else if (ageMs >= 72.2 * hourMs) expect(known).toBe('new')
              break
            }
            case 'pass':
              clock.nowMs += action.minutes * 60_000
              break
            case 'reopen':
              await seen[Symbol.asyncDispose]()
              seen = (await open(options)).seen
              break
            case 'kill':
              await own.kill9()
              await own.restart()
              await until(() => seen.up, { what: 'Redis found again' })
              break
            default:
              action satisfies never
          }
        }
      } finally {
        await seen[Symbol.asyncDispose]()
      }
    }),
    { numRuns: isThorough ? 200 : 15 },
  )
})
