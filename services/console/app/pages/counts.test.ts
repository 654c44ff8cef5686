import type { AnalyticsGroupsItem } from '@fairlead/client/gen/client'
import { expect, test } from 'vitest'
import { barsOf, latencyText, rateText, totalOf } from './counts.ts'

const none = {
  events: 0,
  bytes: 0,
  attempts: 0,
  delivered: 0,
  failed: 0,
  dead: 0,
  successRate: null,
  latencyMs: null,
}
const group = (name: string, counts: object, at = '2026-01-01T00:00:00Z'): AnalyticsGroupsItem => ({
  value: name,
  name,
  total: { ...none, ...counts },
  intervals: [{ at, counts: { ...none, ...counts } }],
})

test.each([
  [null, '–'],
  [1, '100 %'],
  [0.9999, '99.9 %'],
  [0, '0 %'],
])('a rate of %s reads as more than it is', (rate, text) => {
  expect(rateText(rate, 'en-US')).toBe(text)
})

test('the rate of all is the mean of rates, so that a quiet group counts as much as a busy one', () => {
  const busy = group('busy', { attempts: 98, delivered: 98 })
  const quiet = group('quiet', { attempts: 2, delivered: 0, failed: 2 })
  expect(totalOf([busy, quiet]).successRate).toBe(0.98)
  expect(totalOf([]).successRate).toBeNull()
})

test('the slowest group is hidden behind the others', () => {
  const latencyMs = { p50: 1, p95: 10, p99: 20 }
  const slow = group('slow', { latencyMs: { ...latencyMs, p95: 900 } })
  expect(totalOf([group('fast', { latencyMs }), slow, group('silent', {})]).slowest?.name).toBe('slow')
  expect(latencyText(latencyMs)).toBe('1, 10, 20 ms')
})

test('groups of one interval stand side by side, or out of order', () => {
  const later = group('a', { delivered: 1 }, '2026-01-01T01:00:00Z')
  const bars = barsOf([later, group('a', { delivered: 2 }), group('b', { failed: 3 })], 'delivered')
  expect(bars.map(({ counts }) => counts)).toEqual([
    [2, 3],
    [1, 0],
  ])
})
