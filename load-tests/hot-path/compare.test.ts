import { expect, test } from 'vitest'
import { orderOf, percentAbove, spreadOf } from './compare.ts'

test('a machine that becomes slower between rounds is not told as the cost of a mode', () => {
  const baseline = [100, 200, 400]
  const { median, least, most } = percentAbove([104, 208, 416], baseline)
  for (const percent of [median, least, most]) expect(percent).toBeCloseTo(4)
})

test('the median of an even number of rounds is not the larger of the two in the middle', () => {
  expect(spreadOf([11, 1.5, 4.2, -3.4, 0.4, 5.6]).median).toBeCloseTo(2.85)
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 })
})

test('no mode has the same neighbours in all rounds', () => {
  const modes = ['none', 'stored', 'all']
  const before = new Set(Array.from({ length: 6 }, (_, round) => orderOf(modes, round).join()))
  expect(before.size).toBe(6)
  for (let round = 0; round < 6; round++) expect(orderOf(modes, round).toSorted()).toEqual(modes.toSorted())
})
