import { openShares } from '@fairlead/daemon/shares'
import { anOrganization, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { deliveryId, newId, type OrganizationId } from '@fairlead/webhook/id'
import { openKeyring } from '@fairlead/wire/seal'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type MessageOrigin, type Queued, queue, type UnderWay } from '../delivery/delivery.ts'
import { openDirectory } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { openHosts } from './host-breaker.ts'
import type { Health } from './lane.ts'
import { openLanes } from './lanes.ts'
import { openScheduler } from './scheduler.ts'
import { openSlots } from './slots.ts'

/** The lanes of a partition with one destination, whose attempts end when the test says so; records its deliveries. */
function openAlone(destination: object, { slots = 1_000, queued = 10_000, queuedBytes = 1e9 } = {}) {
  vi.useFakeTimers()
  const config = anOrganization('acme', {
    destinations: [{ name: 'app', url: 'http://app.test', ...destination }],
  })
  const directory = openDirectory(openKeyring(testEncryptionKeys), () => {})
  directory.put(config, 1)
  const engine: Pick<
    Engine,
    'directory' | 'hosts' | 'slots' | 'queued' | 'queuedBytes' | 'scheduler' | 'mayStart' | 'now'
  > = {
    directory,
    hosts: openHosts(),
    slots: openSlots(slots, 1e9),
    queued: openShares<OrganizationId>(queued),
    queuedBytes: openShares<OrganizationId>(queuedBytes),
    scheduler: openScheduler(),
    mayStart: () => true,
    now: Date.now,
  }
  const attempts: (UnderWay & { readonly atMs: number })[] = []
  const parked: number[] = []
  const back: number[] = []
  const numberOf = ({ reference }: Pick<Queued, 'reference'>) => reference.stored.seq
  const lanes = openLanes(
    // Parked deliveries stay parked: these tests read none back.
    engine as Engine,
    {
      attempt: delivery => void attempts.push({ ...delivery, atMs: Date.now() }),
      forsake: () => {},
      park: delivery => {
        parked.push(numberOf(delivery))
        return new Promise(() => {})
      },
    },
    new AbortController().signal,
  )
  onTestFinished(() => {
    lanes.close()
    vi.useRealTimers()
  })
  const target = directory.destination(config.id, config.destinations[0]!.id)!
  let finished = 0
  return {
    engine,
    lanes,
    parked,
    back,
    attempts,
    started: () => attempts.map(numberOf),
    offer(seq: number, bytes = 100) {
      const event = newId('evt', 1)
      const origin: MessageOrigin = {
        kind: 'event',
        done() {},
        failed() {},
        handBack: () => back.push(seq) > 0,
      }
      const meta = { id: event, organization: config.id } as never
      const stored = { stream: 'EVENTS', seq } as const
      const reference = {
        ...{ delivery: deliveryId(event, target.id), event, organization: config.id, destination: target.id },
        ...{
          source: 'github',
          receivedAt: 0,
          stored,
          attempt: 1,
          spent: 0,
          of: 1,
          bytes,
          trigger: 'route' as const,
        },
      }
      return lanes.offer(
        queue(reference, origin, { meta, body: new Uint8Array(bytes), stored }, Date.now()),
        target,
      )
    },
    /** Ends the oldest attempt. */
    finish: (health: Health = 'well', retryAfterMs?: number) =>
      lanes.finish(attempts[finished++]!, health, 1, retryAfterMs),
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

test('a lane that moves keeps its deliveries in memory, in their order, and parks none', () => {
  const { offer, finish, started, parked, engine } = openAlone({ concurrency: 2 })
  for (const seq of upTo(1_000)) expect(offer(seq)).toBeUndefined()
  expect(started()).toEqual([0, 1])
  expect(engine.queued.used).toBe(998)
  for (const _ of upTo(1_000)) finish()
  expect(started()).toEqual(upTo(1_000))
  expect(parked).toEqual([])
  expect([engine.queued.used, engine.queuedBytes.used, engine.slots.used]).toEqual([0, 0, 0])
})

test('a rate holds from one idle moment to the next', () => {
  const { offer, finish, attempts } = openAlone({ rateLimit: { perSecond: 10, burst: 1 } })
  // Each delivery finds an idle lane: before, a lane that was forgotten in between began with a full bucket.
  for (let ms = 0; ms < 2_000; ms += 25) {
    const before = attempts.length
    void offer(ms)
    if (attempts.length > before) finish()
    const waited = attempts.length
    vi.advanceTimersByTime(25)
    for (let i = waited; i < attempts.length; i++) finish()
  }
  expect(attempts.length).toBeGreaterThan(17)
  expect(attempts.length).toBeLessThanOrEqual(21)
})

test('after 429 nothing goes before Retry-After, although the lane was idle', () => {
  const { offer, finish, started, parked } = openAlone({ concurrency: 1 })
  void offer(0)
  finish('throttled', 5_000)
  vi.advanceTimersByTime(300)
  void offer(1)
  expect(started()).toEqual([0])
  expect(parked).toEqual([1])
})

test('a lane that stands parks waiting and new deliveries in their order', () => {
  const { offer, finish, started, parked, engine } = openAlone({ concurrency: 1 })
  for (const seq of upTo(5)) void offer(seq)
  expect(parked).toEqual([])
  finish('throttled', 60_000)
  void offer(5)
  expect(started()).toEqual([0])
  expect(parked).toEqual([1, 2, 3, 4, 5])
  expect([engine.queued.used, engine.queuedBytes.used]).toEqual([0, 0])
})

test('a lane that hangs parks after a second; a lane that waits for its turn does not', () => {
  const hanging = openAlone({ concurrency: 2 })
  for (const seq of upTo(5)) void hanging.offer(seq)
  vi.advanceTimersByTime(900)
  expect(hanging.parked).toEqual([])
  vi.advanceTimersByTime(1_200)
  expect(hanging.parked).toEqual([2, 3, 4])
})

test('no delivery waits in memory for more than ten seconds', () => {
  const { offer, finish, parked, started } = openAlone({ concurrency: 1 })
  for (const seq of upTo(100)) void offer(seq)
  for (let ms = 0; ms < 9_500; ms += 500) {
    vi.advanceTimersByTime(500)
    finish()
  }
  expect(parked).toEqual([])
  vi.advanceTimersByTime(1_600)
  expect(parked).toEqual(upTo(100).slice(started().length))
})

test('a queue that is full overflows into the park, together with those behind it', () => {
  const { offer, parked, started, engine } = openAlone({ concurrency: 1 }, { queued: 20 })
  for (const seq of upTo(30)) void offer(seq)
  expect(started()).toEqual([0])
  // One organization gets half of the worker's memory. Behind the first parked delivery, all others are parked too.
  expect(engine.queued.used).toBe(10)
  expect(parked[0]).toBe(11)
  expect(parked).toEqual(parked.toSorted((a, b) => a - b))
})

test('a body that does not fit is dropped, and its delivery keeps its place', () => {
  const { offer, parked, engine } = openAlone({ concurrency: 1 }, { queuedBytes: 20_000 })
  for (const seq of upTo(10)) void offer(seq, 5_000)
  expect(parked).toEqual([])
  expect(engine.queued.used).toBe(9)
  expect(engine.queuedBytes.used).toBeLessThanOrEqual(20_000)
})

test('on a stop waiting deliveries are handed back, and none is started', async () => {
  const { offer, finish, lanes, back, started, parked } = openAlone({ concurrency: 1 })
  for (const seq of upTo(4)) void offer(seq)
  await lanes.handBack()
  finish()
  void offer(4)
  expect(back).toEqual([1, 2, 3, 4])
  expect(started()).toEqual([0])
  expect(parked).toEqual([])
})

test('while the worker has no slot a healthy lane waits in memory, and starts when a slot is free', () => {
  const { offer, finish, parked, started, engine } = openAlone({ concurrency: 50 }, { slots: 8 })
  void offer(0)
  finish()
  const other = newId('org', 9)
  while (engine.slots.take(other, 1, false));
  void offer(1)
  const before = started().length
  void offer(2)
  void offer(3)
  for (let i = 0; i < 8; i++) engine.slots.give(other, 1)
  for (let i = 0; i < 8; i++) engine.scheduler.next()
  expect(before).toBeLessThan(4)
  expect(started()).toEqual([0, 1, 2, 3])
  expect(parked).toEqual([])
})
