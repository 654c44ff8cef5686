import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openHungry } from './engine.ts'

test('organizations take turns, and one lane waits once however often it was refused', () => {
  const hungry = openHungry()
  const [first, second] = [newId('org', 1), newId('org', 2)]
  const resumed: string[] = []
  const lanes = ['a', 'b', 'c'].map(name => () => void resumed.push(name))
  for (let i = 0; i < 3; i++) for (const lane of lanes) hungry.add(first, lane, false)
  hungry.add(second, () => void resumed.push('other'), false)
  for (let i = 0; i < 10; i++) hungry.next()
  expect(resumed).toEqual(['a', 'other', 'b', 'c'])
})

test('lanes in doubt and lanes that do well take turns, however many wait in either line', () => {
  const hungry = openHungry()
  const resumed: string[] = []
  for (let i = 0; i < 6; i++) hungry.add(newId('org', i + 1), () => void resumed.push('in doubt'), true)
  for (let i = 0; i < 2; i++) hungry.add(newId('org', i + 10), () => void resumed.push('well'), false)
  for (let i = 0; i < 4; i++) hungry.next()
  expect(resumed.toSorted()).toEqual(['in doubt', 'in doubt', 'well', 'well'])
  for (let i = 0; i < 4; i++) hungry.next()
  expect(resumed).toHaveLength(8)
})
