import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openSlices } from './slices.ts'

test('a few go on at once, and as many in each turn of the event loop, in order', async () => {
  const slices = openSlices()
  const wentOn: number[] = []
  const all = Array.from({ length: 10 }, async (_, index) => {
    await slices.enter()
    wentOn.push(index)
  })
  await Promise.resolve()
  expect(wentOn).toEqual([0, 1, 2, 3])
  await turn()
  expect(wentOn).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  await Promise.all(all)
  expect(wentOn).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('who comes while others wait goes behind them', async () => {
  const slices = openSlices()
  const wentOn: string[] = []
  const enter = async (name: string) => {
    await slices.enter()
    wentOn.push(name)
  }
  const first = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(enter)
  await turn()
  const late = enter('late')
  await Promise.all([...first, late])
  expect(wentOn.at(-1)).toBe('late')
})

test('what was let in in turns before does not count', async () => {
  const slices = openSlices()
  for (let round = 0; round < 3; round++) {
    expect(Array.from({ length: 4 }, () => slices.enter())).toEqual(Array(4).fill(undefined))
    expect(slices.enter()).toBeInstanceOf(Promise)
    await turn()
    await turn()
    await turn()
  }
})
