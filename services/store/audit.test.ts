import { expect, test } from 'vitest'
import { changeAtOnce } from './fixtures/change-at-once.ts'

test('hundreds of changes at once, through two stores, leave a fork, or more pages than are walked', async () => {
  // The one before says that the organization was made. A page has 200.
  expect(await changeAtOnce(220)).toEqual({ entries: 221, faults: [] })
})
