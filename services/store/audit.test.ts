import { expect, test } from 'vitest'
import { changeAtOnce } from './fixtures/change-at-once.ts'

test('a hundred changes at once, through two stores, leave one chain without a fork', async () => {
  // The one before says that the organization was made.
  expect(await changeAtOnce(100)).toEqual({ entries: 101, faults: [] })
})
