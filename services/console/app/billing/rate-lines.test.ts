import { expect, test } from 'vitest'
import { differing, linesOf, readRates } from './rate-lines.ts'

test('rates that were read and written are other ones', () => {
  const rates = {
    USD: [
      { currency: 'EUR', day: '2026-03-01', rate: '0.9214' },
      { currency: 'JPY', day: '2026-03-01', rate: '150' },
    ],
    GBP: [{ currency: 'EUR', day: '2026-02-01', rate: '1.16' }],
  }
  expect(readRates(linesOf(rates)).rates).toEqual(rates)
})

test.each([
  'usd eur 2026-03-01 0.9214',
  'USD,EUR,2026-03-01,0.9214',
  ' USD\tEUR\t2026-03-01\t0.9214 ',
  'USD; EUR; 2026-03-01; 0.9214',
])('a line of a spreadsheet is refused: %j', line => {
  expect(readRates([line])).toMatchObject({
    rates: { USD: [{ currency: 'EUR', day: '2026-03-01', rate: '0.9214' }] },
    faults: new Map(),
  })
})

test.each([
  '',
  'USD EUR 2026-03-01',
  'USD EUR 2026-03-01 0,9214',
  'dollars EUR 2026-03-01 1',
  'USD EUR 2026-03-01 1 2',
])('a line that is no rate is left out and not told: %j', line => {
  const { faults } = readRates(['USD EUR 2026-03-01 1', line])
  expect([...faults.keys()]).toEqual([1])
  expect(faults.get(1)).toContain(line)
})

test('a fault that the API finds is told of another line', () => {
  const { lineOf } = readRates(['USD EUR 2026-03-01 1', 'GBP EUR 2026-03-01 1', 'USD EUR 2026-13-01 1'])
  expect(lineOf.get('rates.USD.1')).toBe(2)
  expect(lineOf.get('rates.GBP.0')).toBe(1)
})

test('the name of a currency that objects have themselves is taken for a list', () => {
  expect(() => readRates(['toS tri 2026-03-01 1'])).not.toThrow()
})

test('a rate that stays is told as a change, or one that changes is not', () => {
  const rate = (day: string, rate: string) => ({ from: 'USD', to: 'EUR', day, rate })
  const before = [rate('2026-01-01', '1'), rate('2026-02-01', '2'), rate('2026-03-01', '3')]
  const after = [rate('2026-01-01', '1'), rate('2026-02-01', '2.5'), rate('2026-04-01', '4')]
  expect(differing(before, after)).toEqual([
    { field: 'USD EUR 2026-02-01', before: '2', after: '2.5' },
    { field: 'USD EUR 2026-03-01', before: '3', after: undefined },
    { field: 'USD EUR 2026-04-01', before: undefined, after: '4' },
  ])
})
