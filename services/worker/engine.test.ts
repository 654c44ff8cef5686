import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openHungry } from './engine.ts'

test('organizations take turns, and one lane waits once however often it was refused', () => {
  const hungry = openHungry()
  const [first, second] = [newId('org', 1), newId('org', 2)]
  const resumed: string[] = []
  const lanes = ['a', 'b', 'c'].map(name => () => void resumed.push(name))
  for (let i = 0; i < 3; i++) for (const lane of lanes) hungry.add(first, lane)
  hungry.add(second, () => void resumed.push('other'))
  for (let i = 0; i < 10; i++) hungry.next()
  expect(resumed).toEqual(['a', 'other', 'b', 'c'])
})
