import { expect, test } from 'vitest'
import { intervalText, moneyText, priceText, wholeUnits } from './money.ts'

test.each([
  ['1999', 2, '19.99'],
  ['1999', 0, '1999'],
  ['1999', 3, '1.999'],
  ['5', 2, '0.05'],
  ['0', 2, '0.00'],
  ['-5', 3, '-0.005'],
  ['0.5', 2, '0.005'],
  ['12.000000000001', 2, '0.12000000000001'],
  ['9007199254740993', 2, '90071992547409.93'],
  ['no number', 2, '0.00'],
])('an amount of minor units is divided, or loses a digit: %s with %i decimals', (minor, exponent, whole) => {
  expect(wholeUnits(minor, exponent)).toBe(whole)
})

test.each([
  [{ amount: 1999, currency: 'USD', exponent: 2 }, '$19.99'],
  [{ amount: 1999, currency: 'JPY', exponent: 0 }, '¥1,999'],
  [{ amount: -1999, currency: 'EUR', exponent: 2 }, '-€19.99'],
  // Browsers know no decimals of the Icelandic króna; the ledger, as Stripe, counts in hundredths.
  [{ amount: 1900, currency: 'ISK', exponent: 2 }, 'ISK 19.00'],
  [{ amount: 1999, currency: 'BHD', exponent: 3 }, 'BHD 1.999'],
])('money is shown with the decimals of another currency, or without its currency: %j', (money, text) => {
  expect(moneyText(money, 'en-US').replaceAll('\u00a0', ' ')).toBe(text)
})

test('a price of half a cent is rounded to nothing', () => {
  expect(priceText('0.5', 'USD', 2, 'en-US')).toBe('$0.005')
  expect(priceText('500', 'USD', 2, 'en-US')).toBe('$5.00')
})

test('a price says how often it is asked for', () => {
  expect(intervalText('month', 1)).toBe('a month')
  expect(intervalText('month', 3)).toBe('every 3 months')
  expect(intervalText(null, null)).toBe('once')
})
