import { expect, test } from 'vitest'
import { openSharedAnswers } from './shared-answers.ts'

function open() {
  let nowMs = 0
  let reads = 0
  const share = openSharedAnswers<string, number>(5_000, () => nowMs)
  return {
    ask: (key = 'both') => share(key, async () => ++reads),
    fail: () => share('both', () => Promise.reject(new Error('no connection'))),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('each of many viewers has the platform counted anew', async () => {
  const { ask, pass } = open()
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1])
  pass(4_999)
  expect(await ask()).toBe(1)
  pass(1)
  expect(await ask()).toBe(2)
})

test('a viewer of one mode is answered with what is of the other', async () => {
  const { ask } = open()
  expect([await ask('live'), await ask('test'), await ask('live')]).toEqual([1, 2, 1])
})

test('a failure is kept for those who ask after it', async () => {
  const { ask, fail } = open()
  await expect(fail()).rejects.toThrow('no connection')
  expect(await ask()).toBe(1)
})
