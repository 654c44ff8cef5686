import { expect, test } from 'vitest'
import { sendSettled } from './settle.ts'

/** Sends to a receiver that gives these answers in turn, the last one for ever. */
async function sent(statuses: readonly number[], { isBroken = false, changedMs = 0 } = {}) {
  let count = 0
  let clockMs = 1_000
  const answer = await sendSettled(
    async () => ({ status: statuses[Math.min(count++, statuses.length - 1)]! }),
    {
      changedMs,
      isBroken,
      now: () => clockMs,
      pause: async ms => {
        clockMs += ms
      },
    },
  )
  return { status: answer.status, count }
}

test('the first webhook of a new demo source is lost in a receiver that does not know it yet', async () => {
  expect(await sent([404, 404, 200], { changedMs: 900 })).toEqual({ status: 200, count: 3 })
})

test('a good signature is told to be wrong by a receiver that has the key of before', async () => {
  expect(await sent([401, 200], { changedMs: 900 })).toEqual({ status: 200, count: 2 })
})

test('what was broken on purpose is sent more than once', async () => {
  expect(await sent([401, 200], { changedMs: 900, isBroken: true })).toEqual({ status: 401, count: 1 })
})

test('a source that nobody changed, or that never becomes known, is sent to for ever', async () => {
  expect(await sent([401], { changedMs: -60_000 })).toEqual({ status: 401, count: 1 })
  const { status, count } = await sent([404], { changedMs: 900 })
  expect(status).toBe(404)
  expect(count).toBeLessThan(60)
})
