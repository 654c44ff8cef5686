import { expect, test } from 'vitest'
import { openTurns } from './turns.ts'

const pollMs = 250
const backoffMs = 1_000

test('each Replay has its own pace, and the Replay that has been due longest is first', () => {
  const turns = openTurns(pollMs, backoffMs)
  expect(turns.next([], 0)).toEqual({ waitMs: pollMs })
  expect(turns.next(['slow', 'fast'], 0)).toEqual({ id: 'slow', waitMs: 0 })
  turns.taken('slow', 0, 10_000)
  expect(turns.next(['slow', 'fast'], 1)).toEqual({ id: 'fast', waitMs: 0 })
  turns.taken('fast', 1, 100)
  expect(turns.next(['slow', 'fast'], 2)).toEqual({ waitMs: 99 })
  expect(turns.next(['slow', 'fast'], 101)).toEqual({ id: 'fast', waitMs: 0 })
  turns.taken('fast', 101, 100_000)
  expect(turns.next(['slow', 'fast'], 9_000)).toEqual({ waitMs: pollMs })
  expect(turns.next(['slow', 'fast'], 10_000)).toEqual({ id: 'slow', waitMs: 0 })
})

test('turns that were missed are not made up for', () => {
  const turns = openTurns(pollMs, backoffMs)
  turns.taken('one', 0, 250)
  // Held up for a minute, and then two pages in a row are still their time apart.
  turns.taken('one', 60_000, 250)
  expect(turns.next(['one'], 60_001)).toEqual({ waitMs: 249 })
})

test('a Replay that fails is put off, and forgotten once it has ended', () => {
  const turns = openTurns(pollMs, backoffMs)
  expect([turns.failed('bad', 0), turns.failed('bad', 5)]).toEqual([1, 2])
  expect(turns.next(['bad', 'good'], 10)).toEqual({ id: 'good', waitMs: 0 })
  expect(turns.next(['bad'], 1_005)).toEqual({ id: 'bad', waitMs: 0 })
  turns.next([], 1_006)
  expect(turns.failed('bad', 1_007)).toBe(1)
})
