import type { BillingArpu, BillingDay } from '@fairlead/client/gen/client'
import { afterAll, expect, test, vi } from 'vitest'
import { byCurrency, everyDay, gainedAndLost, recurring, sumOf } from './revenue-days.ts'

const money = (amount: number, currency = 'EUR') => ({ amount, currency, exponent: 2 })

function aDay(
  day: string,
  mrr: Partial<Record<keyof BillingDay['mrr'], number>>,
  more: Partial<BillingDay> = {},
): BillingDay {
  const of = (name: keyof BillingDay['mrr']) => money(mrr[name] ?? 0, more.currency)
  return {
    day,
    currency: 'EUR',
    mrr: {
      start: of('start'),
      new: of('new'),
      reactivation: of('reactivation'),
      expansion: of('expansion'),
      contraction: of('contraction'),
      churn: of('churn'),
      fx: of('fx'),
      end: of('end'),
    },
    subscribers: 1,
    customersStarted: 0,
    customersChurned: 0,
    paid: money(0),
    refunded: money(0),
    lost: money(0),
    paymentsFailed: 0,
    ...more,
  }
}

// Clocks change there on 2026-03-29.
vi.stubEnv('TZ', 'Europe/Berlin')
afterAll(() => void vi.unstubAllEnvs())

const march = { from: new Date(2026, 2, 1), until: new Date(2026, 2, 6) }

test('recurring revenue falls to nothing on days on which nothing changed', () => {
  const days = [
    aDay('2026-03-02', { start: 500, new: 100, end: 600 }),
    aDay('2026-03-04', { start: 600, churn: 600, end: 0 }),
  ]
  expect(recurring({ days, standing: undefined }, march).map(({ counts: [end] }) => end)).toEqual([
    500, 600, 600, 0, 0,
  ])
})

test('a movement is counted on the wrong side, or repeated on the days after it', () => {
  const days = [aDay('2026-03-02', { new: 1, reactivation: 2, expansion: 4, contraction: 8, churn: 16 })]
  expect(everyDay(days, march, gainedAndLost).map(({ counts }) => counts)).toEqual([
    [0, 0],
    [7, 24],
    [0, 0],
    [0, 0],
    [0, 0],
  ])
})

test('a chart of every day skips or doubles the day on which clocks change', () => {
  const time = { from: new Date(2026, 2, 28, 15), until: new Date(2026, 2, 31) }
  const days = everyDay([], time, gainedAndLost).map(({ at }) => at.getDate())
  expect(new Date(2026, 2, 28).getTimezoneOffset()).not.toBe(new Date(2026, 2, 30).getTimezoneOffset())
  expect(days).toEqual([28, 29, 30])
})

test('the sums of a time don’t add up', () => {
  const days = [
    aDay('2026-03-02', { start: 500, new: 100, end: 600 }, { paid: money(50), customersStarted: 1 }),
    aDay(
      '2026-03-04',
      { start: 600, contraction: 50, churn: 150, end: 400 },
      { paid: money(20), customersChurned: 1 },
    ),
  ]
  const sum = sumOf({ days, standing: undefined })!
  const moved = sum.movements.reduce((total, { sign, amount }) => total + sign * amount.amount, 0)
  expect(sum.start.amount + moved).toBe(sum.end.amount)
  expect([sum.paid.amount, sum.started, sum.churned]).toEqual([70, 1, 1])
  expect(sumOf({ days: [], standing: undefined })).toBeUndefined()
})

test('the currency that hardly anybody pays in comes first', () => {
  const days = [
    aDay('2026-03-02', {}, { currency: 'USD', subscribers: 9 }),
    aDay('2026-03-02', {}, { currency: 'EUR', subscribers: 2 }),
    aDay('2026-03-03', {}, { currency: 'EUR', subscribers: 12 }),
    aDay('2026-03-03', {}, { currency: 'BHD', subscribers: 9 }),
  ]
  expect(byCurrency(days, []).map(({ currency }) => currency)).toEqual(['EUR', 'BHD', 'USD'])
  const more = byCurrency(days, [aPeriod('2026-03', 'GBP', 700, 99)])
  expect(more.map(({ currency }) => currency)).toEqual(['GBP', 'EUR', 'BHD', 'USD'])
})

const aPeriod = (period: string, currency: string, mrr: number, subscribers: number): BillingArpu => ({
  period,
  from: '2026-03-01T00:00:00Z',
  until: '2026-03-06T00:00:00Z',
  currency,
  mrr: money(mrr, currency),
  arr: money(12 * mrr, currency),
  subscribers,
  arpu: money(mrr, currency),
})

test('recurring revenue and its customers vanish in a time in which nothing moved', () => {
  const periods = [
    aPeriod('2026-02', 'EUR', 900, 3),
    aPeriod('2026-03', 'EUR', 500, 2),
    // What has ended stands no more.
    aPeriod('2026-02', 'USD', 100, 1),
    aPeriod('2026-03', 'USD', 0, 0),
  ]
  const rows = byCurrency([], periods)
  expect(rows.map(({ currency }) => currency)).toEqual(['EUR'])
  const [quiet] = rows
  const sum = sumOf(quiet!)!
  expect([sum.start.amount, sum.end.amount, sum.subscribers, sum.paid.amount]).toEqual([500, 500, 2, 0])
  expect(sum.movements.every(({ amount }) => amount.amount === 0)).toBe(true)
  expect(recurring(quiet!, march).map(({ counts: [end] }) => end)).toEqual([500, 500, 500, 500, 500])
})

test('a currency that stood still is left out beside one that moved', () => {
  const rows = byCurrency(
    [aDay('2026-03-02', { start: 500, new: 100, end: 600 })],
    [aPeriod('2026-03', 'EUR', 600, 1), aPeriod('2026-03', 'USD', 300, 4)],
  )
  expect(rows.map(row => [row.currency, sumOf(row)!.end.amount, row.days.length])).toEqual([
    ['USD', 300, 0],
    ['EUR', 600, 1],
  ])
})
