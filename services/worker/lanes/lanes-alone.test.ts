import { openShares } from '@fairlead/daemon/shares'
import { anOrganization, testEncryptionKeys } from '@fairlead/testbed/configuration'
import type { OrganizationId } from '@fairlead/webhook/id'
import { openKeyring } from '@fairlead/wire/seal'
import { expect, test } from 'vitest'
import { openDirectory } from '../directory.ts'
import { type Engine, openHungry } from '../engine.ts'
import { openHosts } from './hosts.ts'
import { laneBreaker, momentMs } from './lane.ts'
import { openLanes } from './lanes.ts'
import { openSlots } from './slots.ts'

/** Lanes of one destination that takes two at a time, with what they ask of an engine. */
function openTwoAtATime(queuedBytes = 1_000, now: () => number = Date.now) {
  const config = anOrganization('acme', {
    destinations: [{ name: 'app', url: 'http://app.test', concurrency: 2 }],
  })
  const directory = openDirectory(openKeyring(testEncryptionKeys), () => {})
  directory.put(config, 1)
  const otherConfig = anOrganization('other', { destinations: [{ name: 'app', url: 'http://other.test' }] })
  directory.put(otherConfig, 1)
  const shortage = { lasts: false }
  const engine: Pick<
    Engine,
    'directory' | 'hosts' | 'slots' | 'queuedBytes' | 'shortage' | 'hungry' | 'now'
  > = {
    directory,
    hosts: openHosts(),
    slots: openSlots(1_000, 1_000_000),
    queuedBytes: openShares<OrganizationId>(queuedBytes),
    shortage,
    hungry: openHungry(),
    now,
  }
  const lanes = openLanes(engine, () => {})
  const destination = directory.destination(config.id, config.destinations[0]!.id)!
  return {
    lanes,
    destination,
    /** Of another organization. */
    other: directory.destination(otherConfig.id, otherConfig.destinations[0]!.id)!,
    shortage,
    queuedBytes: engine.queuedBytes,
    /** As `deliverEvent` does it: whether it went now or soon. */
    deliver: () =>
      lanes.admit(destination, 'new', 10).kind === 'go'
        ? Promise.resolve(true)
        : (lanes.admitSoon(destination, 10)?.granted ?? Promise.resolve(false)),
    finish: () => lanes.finish(destination, 'new', 10, 'well'),
  }
}

test('a full lane that moves on: the next ones wait for a slot, and get it in their order', async () => {
  const { deliver, finish, queuedBytes } = openTwoAtATime()
  const went: number[] = []
  for (let i = 0; i < 6; i++) void deliver().then(granted => granted && went.push(i))
  await Promise.resolve()
  expect(queuedBytes.used).toBe(40)
  for (let i = 0; i < 4; i++) {
    finish()
    await Promise.resolve()
  }
  await new Promise(setImmediate)
  expect(went).toEqual([0, 1, 2, 3, 4, 5])
  expect(queuedBytes.used).toBe(0)
})

test('where no slot comes they are let go after a moment, in their order; so is the oldest where too many wait', async () => {
  const { deliver, queuedBytes } = openTwoAtATime()
  const gone: number[] = []
  const all = Array.from({ length: 12 }, async (_, i) => {
    if (!(await deliver())) gone.push(i)
  })
  await new Promise(setImmediate)
  expect(gone).toEqual([2, 3])
  await Promise.all(all)
  expect(gone).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect(queuedBytes.used).toBe(0)
})

test('nothing waits for a lane whose last attempt failed, or without room for its body', async () => {
  const failing = openTwoAtATime()
  await failing.deliver()
  failing.lanes.finish(failing.destination, 'new', 10, 'failing')
  await Promise.all([failing.deliver(), failing.deliver()])
  expect(failing.lanes.admitSoon(failing.destination, 10)).toBeUndefined()

  const small = openTwoAtATime(25)
  const waiting = Array.from({ length: 4 }, () => small.deliver())
  expect(small.lanes.admitSoon(small.destination, 10)).toBeUndefined()
  for (let i = 0; i < 4; i++) small.finish()
  expect(await Promise.all(waiting)).toEqual([true, true, true, true])
})

test('where the lane no longer moves on, those that wait are parked before one that comes after them', async () => {
  let nowMs = 1_000
  const { deliver, queuedBytes } = openTwoAtATime(1_000, () => nowMs)
  const gone: number[] = []
  const come = (i: number) => void deliver().then(granted => granted || gone.push(i))
  for (let i = 0; i < 5; i++) come(i)
  nowMs += momentMs + 1
  come(5)
  await new Promise(setImmediate)
  expect(gone).toEqual([2, 3, 4, 5])
  expect(queuedBytes.used).toBe(0)
})

test('the next event waits where processors are short, the lane is brisk and nobody else comes, and only there', async () => {
  let nowMs = 1_000
  const { lanes, destination, other, shortage, deliver, finish } = openTwoAtATime(1_000, () => nowMs)
  /** Ends so many, so many ms apart, and keeps the lane full; whether the one that came then holds up the next. */
  const holdsAfter = (attempts: number, everyMs: number) => {
    for (let i = 0; i < attempts; i++) {
      nowMs += everyMs
      finish()
      void deliver()
    }
    const soon = lanes.admitSoon(destination, 10)
    finish()
    void deliver()
    return soon?.holds
  }
  void deliver()
  void deliver()
  expect(holdsAfter(200, 2)).toBe(false)
  shortage.lasts = true
  expect(holdsAfter(10, 2)).toBe(true)
  // 50 a second: others would wait 20 ms for each of its deliveries.
  expect(holdsAfter(100, 20)).toBe(false)
  expect(holdsAfter(200, 2)).toBe(true)
  // Another organization's events come too: they would wait behind all that is stored before them.
  lanes.admit(other, 'new', 10)
  expect(holdsAfter(200, 2)).toBe(false)
  expect(holdsAfter(30_000, 2)).toBe(true)
  lanes.close()
})

test('lanes that close let all go that wait for them', async () => {
  const { lanes, deliver } = openTwoAtATime()
  await Promise.all([deliver(), deliver()])
  const waiting = deliver()
  lanes.close()
  expect(await waiting).toBe(false)
  expect(await deliver()).toBe(false)
})

test('failures in a row open the breaker, also where each attempt ends before the next begins', () => {
  const { lanes, destination } = openTwoAtATime()
  for (let i = 0; i < laneBreaker.threshold; i++) {
    expect(lanes.admit(destination, 'new', 10).kind).toBe('go')
    lanes.finish(destination, 'new', 10, 'failing')
  }
  expect(lanes.admit(destination, 'new', 10)).toMatchObject({ kind: 'wait', why: 'broken' })
  lanes.close()
})

test('a success in between starts the count anew', () => {
  const { lanes, destination } = openTwoAtATime()
  for (let i = 0; i < 3 * laneBreaker.threshold; i++) {
    expect(lanes.admit(destination, 'new', 10).kind).toBe('go')
    lanes.finish(destination, 'new', 10, i % laneBreaker.threshold === 0 ? 'well' : 'failing')
  }
})

test('where attempts are far apart the breaker leaves them to their retry schedule', () => {
  let nowMs = 0
  const { lanes, destination } = openTwoAtATime(1_000, () => nowMs)
  for (let i = 0; i < 3 * laneBreaker.threshold; i++, nowMs += 2_000) {
    expect(lanes.admit(destination, 'new', 10).kind).toBe('go')
    lanes.finish(destination, 'new', 10, 'failing')
  }
})
