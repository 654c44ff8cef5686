import { resources } from '@fairlead/api/billing/resources'
import { states } from '@fairlead/console/app/billing/states'
import { expect, test } from 'vitest'

test('a state of the ledger is shown without its colour, sign and sentence', () => {
  const stated = resources.filter(({ statuses }) => statuses.length > 0)
  const told = Object.fromEntries(
    stated.map(({ noun, statuses }) => [noun.toLowerCase(), statuses.toSorted()]),
  )
  const known = Object.fromEntries(
    Object.entries(states).map(([noun, words]) => [noun, Object.keys(words).toSorted()]),
  )
  expect(known).toEqual(told)
})
