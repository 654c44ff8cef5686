import { expect, test } from 'vitest'
import { changeAtOnce } from './fixtures/change-at-once.ts'

test('a thousand changes at once, through two stores, leave one chain without a fork', async () => {
  expect(await changeAtOnce(1_000)).toEqual({ entries: 1_001, faults: [] })
}, 180_000)
