import { expect, test } from 'vitest'
import { areBudgetsTold, budgetStatusOf } from './budget-status.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
const minute = 60_000
const delivery = (good: number, bad: number, target = 0.99) => ({
  objective: 'delivery',
  target,
  good: BigInt(good),
  bad: BigInt(bad),
})
const told = (good: number, bad: number, atMs: number, target?: number) =>
  budgetStatusOf([delivery(good, bad, target)], undefined, atMs)

test.each([
  ['nothing judged yet', 0, 0, '100%'],
  ['nothing bad', 1_000, 0, '100%'],
  ['half of it used', 9_950, 50, '50%'],
  ['all of it used', 9_900, 100, '0%'],
  ['missed', 9_800, 200, '-100%'],
  ['a little used', 99_999, 1, '99%'],
])('the budget that is left is told in whole percents: %s', (_name, good, bad, budgetLeft) => {
  expect(told(good, bad, nowMs)).toMatchObject({ budgetLeft, objectives: [{ target: '99%', budgetLeft }] })
})

test('a status is not written for each webhook: a budget waits five minutes, and a move of 1 %', () => {
  const before = told(10_000, 0, nowMs)
  const soon = budgetStatusOf([delivery(9_950, 50)], before, nowMs + 4 * minute)
  expect(soon).toEqual(before)
  expect(areBudgetsTold(soon, [delivery(9_950, 50)])).toBe(false)
  const later = budgetStatusOf([delivery(9_950, 50)], before, nowMs + 5 * minute)
  expect(later.budgetLeft).toBe('50%')
  expect(areBudgetsTold(later, [delivery(9_950, 50)])).toBe(true)
  expect(budgetStatusOf([delivery(99_503, 497)], later, nowMs + 60 * minute)).toEqual(later)
})

test('another target is told at once', () => {
  const before = told(9_950, 50, nowMs)
  expect(budgetStatusOf([delivery(9_950, 50, 0.95)], before, nowMs + 1)).toMatchObject({
    budgetLeft: '90%',
    objectives: [{ target: '95%' }],
  })
})

test('the column shows the objective with the least left, and an organization without objectives shows none', () => {
  const freshness = { ...delivery(9_990, 10), objective: 'freshness' }
  const both = budgetStatusOf([freshness, delivery(9_800, 200)], undefined, nowMs)
  expect(both.budgetLeft).toBe('-100%')
  expect(budgetStatusOf([], both, nowMs)).toEqual({ objectives: [], budgetLeft: '' })
})

test('what was not asked for stays as it was told', () => {
  expect(budgetStatusOf(undefined, told(1, 0, nowMs), nowMs)).toEqual({})
})
