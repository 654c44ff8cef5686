import { expect, test } from 'vitest'
import { openLiveness } from './liveness.ts'

/** A worker that hears itself and, once a second from 0 to `untilMs`, the others. */
function listening(others: readonly string[], untilMs: number) {
  const liveness = openLiveness('me')
  for (let ms = 0; ms <= untilMs; ms += 1_000) {
    for (const other of others) liveness.heard(other, ms)
    liveness.heard('me', ms)
  }
  return liveness
}

test('a worker that falls silent is dead after more than three seconds of listening', () => {
  const liveness = listening(['other'], 5_000)
  for (const ms of [6_000, 7_000, 8_000]) liveness.heard('me', ms)
  expect(liveness.alive([], 8_100)).toEqual(new Set(['me', 'other']))
  liveness.heard('me', 9_000)
  expect(liveness.alive(['other'], 9_000)).toEqual(new Set(['me']))
})

test.each([1_900, 2_900, 30_000])(
  'a worker that was stopped for %i ms takes nobody for dead before it has heard the others',
  stoppedMs => {
    const liveness = listening(['other'], 5_000)
    const resumedMs = 5_900 + stoppedMs
    // Timers fire before sockets are read.
    expect(liveness.alive(['other'], resumedMs) ?? new Set(['other'])).toContain('other')
    // Heartbeats of the time that it was stopped may have been replaced; its own comes back first.
    liveness.heard('me', resumedMs + 5)
    expect(liveness.alive(['other'], resumedMs + 10)).toContain('other')
  },
)

test('an owner that was never heard is alive until this worker has listened long enough', () => {
  const liveness = openLiveness('me')
  expect(liveness.alive(['owner'], 0)).toBeUndefined()
  liveness.heard('me', 0)
  expect(liveness.alive(['owner'], 10)).toEqual(new Set(['me', 'owner']))
  for (const ms of [1_000, 2_000, 3_000, 4_000]) liveness.heard('me', ms)
  expect(liveness.alive(['owner'], 4_000)).toEqual(new Set(['me']))
})

test('a worker that ends in order is gone at once', () => {
  const liveness = listening(['other'], 5_000)
  liveness.left('other')
  expect(liveness.alive(['other'], 5_100)).toEqual(new Set(['me']))
})
