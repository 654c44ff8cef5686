import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { factsOf } from './facts-of.ts'
import { stripeFacts } from './fixtures/ledger.ts'
import { anInvoice, aPrice, stripeEvent } from './fixtures/stripe.ts'
import {
  absolute,
  exponentOf,
  fromDecimal,
  fromMinorUnits,
  MoneyError,
  roundHalfEven,
  shiftDecimal,
} from './money.ts'

describe('money', () => {
  it.each([
    ['USD', '12.34', '1234'],
    ['USD', '12.3', '1230'],
    ['USD', '12', '1200'],
    ['JPY', '1200', '1200'],
    ['JPY', '1200.00', '1200'],
    ['KRW', '5000', '5000'],
    ['BHD', '1.234', '1234'],
    ['HUF', '1500', '150000'],
    ['TWD', '90', '9000'],
    ['ISK', '500', '50000'],
    ['EUR', '-0.15', '-15'],
    ['USD', '90071992547409930.01', '9007199254740993001'],
  ])('reads %s %s digit by digit', (currency, text, minor) => {
    expect(fromDecimal(currency, text)).toBe(minor)
  })

  it.each([
    ['CZK', '822.016'],
    ['JPY', '1200.5'],
    ['USD', '1,200.00'],
    ['USD', '1e3'],
    ['USD', ''],
    ['USD', ' 12'],
    ['USD', '12.'],
    ['USD', undefined],
    ['USD', 12],
  ])('refuses %s %s instead of rounding or guessing', (currency, text) => {
    expect(() => fromDecimal(currency, text)).toThrow(MoneyError)
  })

  it('refuses 822.0160 CZK, a sample of PayPal, because a surplus digit is not 0', () => {
    expect(fromDecimal('CZK', '822.0100')).toBe('82201')
    expect(() => fromDecimal('CZK', '822.0160')).toThrow('CZK has 2 decimals')
  })

  it.each([1.5, 2 ** 53, '100', null])('refuses %s for an integer of minor units', value => {
    expect(() => fromMinorUnits(value)).toThrow(MoneyError)
  })

  it('knows how many decimals a currency has', () => {
    const table = ['JPY', 'KRW', 'CLP', 'USD', 'ISK', 'UGX', 'HUF', 'TWD', 'BHD', 'KWD']
    expect(table.map(exponentOf)).toEqual([0, 0, 0, 2, 2, 2, 2, 2, 3, 3])
  })

  it.each([
    [5n, 2n, 2n],
    [7n, 2n, 4n],
    [-5n, 2n, -2n],
    [8n, 3n, 3n],
    [-8n, 3n, -3n],
  ])('rounds %d / %d to %d', (numerator, denominator, rounded) => {
    expect(roundHalfEven(numerator, denominator)).toBe(rounded)
  })

  it('moves the point of a unit price', () => {
    expect(shiftDecimal('0.5', 0)).toBe('0.5')
    expect(shiftDecimal('010.500', 0)).toBe('10.5')
    expect(shiftDecimal('-0.005', 2)).toBe('-0.5')
    expect(shiftDecimal('-0.000', 2)).toBe('0')
    expect(absolute('-49')).toBe('49')
  })

  it('adds a million rows exactly', () => {
    const rows = Array.from({ length: 1_000_000 }, () => BigInt(fromDecimal('USD', '0.10')))
    expect(rows.reduce((sum, amount) => sum + amount, 0n)).toBe(10_000_000n)
  })
})

describe('useautumn/autumn#1159, #1839, getlago/lago-api#643, killbill#1082, Paymenter#1258, InvoicePlane#1677: amounts times a hundred', () => {
  it.each([
    ['stripe', 'JPY', 500, '500'],
    ['stripe', 'CLP', 500, '500'],
    ['stripe', 'KRW', 500, '500'],
    ['stripe', 'USD', 500, '500'],
    ['stripe', 'ISK', 500, '500'],
    ['stripe', 'BHD', 5000, '5000'],
  ] as const)('keeps %s %s %i as it is', (_, currency, amount, minor) => {
    const [fact] = stripeFacts([
      stripeEvent('invoice.created', anInvoice({ currency: currency.toLowerCase(), total: amount })),
    ])
    expect(fact!.after).toMatchObject({ currency, total: minor })
  })

  it('keeps a unit price of half a cent', () => {
    const price = aPrice({ unit_amount: null, unit_amount_decimal: '0.500000000000' })
    expect(stripeFacts([stripeEvent('price.created', price)])[0]!.after).toMatchObject({ unitAmount: '0.5' })
  })

  it('quarantines an amount that JSON has already rounded', () => {
    const body = JSON.stringify(stripeEvent('invoice.created', anInvoice())).replace(
      '"total":1000',
      '"total":9007199254740993',
    )
    const event = {
      provider: 'stripe',
      type: 'invoice.created',
      sourceMode: 'live',
      body: Buffer.from(body),
    } as const
    expect(factsOf(event)).toMatchObject({ kind: 'quarantined', reason: 'amount' })
  })

  it('has no floating-point amounts anywhere', () => {
    const paths = globSync('**/*.ts', { cwd: import.meta.dirname, exclude: ['fixtures/**', '**/*.test.ts'] })
    const forbidden = /parseFloat|toFixed|Number\((?!\.)|\/ 100\b(?!n)/
    const found = paths.filter(path => {
      const code = readFileSync(`${import.meta.dirname}/${path}`, 'utf8').replace(
        /\/\*[\s\S]*?\*\/|\/\/.*/g,
        '',
      )
      return forbidden.test(code)
    })
    expect(paths.length).toBeGreaterThan(30)
    expect(found).toEqual([])
  })
})
