import { expect, test } from 'vitest'
import { doubtsOf, isBeyondBound } from './doubts-of.ts'

const sure = { known: true, complete: true, stale: false, gaps: 0, anomalies: {} }
const told = (row: Parameters<typeof doubtsOf>[0]) => doubtsOf(row).map(({ word }) => word)

test('a row that leaves out its oldest events blames the provider', () => {
  const row = { ...sure, complete: false, anomalies: { too_many_facts: 1 } }
  const [doubt] = doubtsOf(row)
  expect(doubt!.sentence).toMatch(/1,000 events or 1 MiB/)
  expect(doubt!.sentence).not.toMatch(/provider cut a list/)
  expect([told(row), isBeyondBound(row)]).toEqual([['too many events'], true])
})

test('a list that the provider cut short is told as a refund of another currency, or a payment’s refund as a list', () => {
  const [list] = doubtsOf({ ...sure, complete: false, anomalies: { behind: 2 } })
  const [payment] = doubtsOf({ known: true, complete: false })
  expect(list!.sentence).toMatch(/cut a list short/)
  expect(list!.sentence).not.toMatch(/refund/)
  expect(payment!.sentence).toMatch(/refund/)
  expect(payment!.sentence).not.toMatch(/list/)
})

test('a row that is sure is doubted, or one of several doubts is left out', () => {
  expect(told(sure)).toEqual([])
  expect(told({ known: false, complete: false, stale: true, gaps: 2, anomalies: {} })).toEqual([
    'only mentioned',
    'stale',
    '2 events are missing',
    'cut short',
  ])
  expect(isBeyondBound(sure)).toBe(false)
})
