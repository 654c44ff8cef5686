import { expect, test, vi } from 'vitest'
import { runCommand } from '../run-command.ts'
import { moneyText, shareText } from './money-text.ts'

test.each([
  [1999, 'USD', 2, '19.99 USD'],
  [5, 'USD', 2, '0.05 USD'],
  [-5, 'EUR', 2, '-0.05 EUR'],
  [1999, 'JPY', 0, '1999 JPY'],
  [12, 'BHD', 3, '0.012 BHD'],
  [9_007_199_254_740_991, 'USD', 2, '90071992547409.91 USD'],
])('%d %s with %d decimals is shown exactly', (amount, currency, exponent, shown) => {
  expect(moneyText({ amount, currency, exponent })).toBe(shown)
})

test('what is not known is no 0', () => {
  expect([moneyText(null), shareText(null), shareText('0.041667'), shareText('-0.058824')]).toEqual([
    '–',
    '–',
    '4.2 %',
    '-5.9 %',
  ])
})

test.each([
  ['no noun', [], /plans, customers/],
  ['a noun that is not there', ['plan'], /plan is none of plans/],
  ['access of nobody', ['access'], /Which customer/],
  ['no figures', ['analytics'], /days, churn/],
  ['facts of no row', ['plans', '--facts'], /which row/],
  ['a verb of the quarantine that is not there', ['quarantine', 'empty'], /retry, not empty/],
  [
    'a reason that is none',
    ['quarantine', 'retry', '--reason', 'whim'],
    /--reason takes not_json, .*unknown_type/,
  ],
  ['an argument too many', ['rebuild', 'all'], /too many: all/],
  ['a time that is none', ['invoices', '--after', 'yesterday'], /--after takes/],
  ['too large a page', ['invoices', '--limit', '501'], /1 to 500/],
])('%s: says what to do, before anything is asked', async (_name, args, sentence) => {
  const lines: string[] = []
  const keep = vi.spyOn(console, 'error').mockImplementation(text => void lines.push(String(text)))
  try {
    expect(await runCommand(['billing', ...args])).toBe(2)
    expect(lines.join('\n')).toMatch(sentence)
  } finally {
    keep.mockRestore()
  }
})
