import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import { seeded } from '@fairlead/testbed/seeded'
import { describe, expect, it } from 'vitest'
import { openLedger, stripeFacts } from '../fixtures/ledger.ts'
import { renderLife, shuffled } from '../fixtures/lives.ts'
import type { InvoiceRow, MovementKind, MovementRow } from '../rows.ts'
import { type Bridge, bridgesByMonth, endOf, mrrBridge } from './bridge.ts'
import { calendarOf, monthAfter } from './calendar.ts'
import { cohortsOf } from './cohorts.ts'
import {
  arpa,
  arr,
  customerChurnStandard,
  customerChurnStripe,
  grossMrrChurn,
  grossRetention,
  lifetimeValue,
  netMrrChurn,
  netRetention,
} from './figures.ts'
import { convertBridges, type ExchangeRate, missingRate } from './rates.ts'
import { recoveryOf } from './recovery.ts'

const utc = calendarOf('UTC')
const at = (text: string): number => Date.parse(text.length === 10 ? `${text}T12:00:00Z` : text)

function move(
  customer: string,
  when: string,
  kind: MovementKind,
  before: bigint,
  after: bigint,
  currency = 'USD',
): MovementRow {
  const amount = after > before ? after - before : before - after
  return {
    provider: 'stripe',
    account: '',
    mode: 'live',
    customer,
    currency,
    at: at(when),
    kind,
    amount,
    before,
    after,
    eventId: 'evt_1',
    subscription: 'sub_1',
  }
}

/** What a small business told: one grows, one shrinks, one leaves and comes back. */
const story = [
  move('a', '2026-01-05', 'new', 0n, 10_000n),
  move('b', '2026-01-20', 'new', 0n, 5_000n),
  move('c', '2026-01-25', 'new', 0n, 2_000n),
  move('a', '2026-02-10', 'expansion', 10_000n, 15_000n),
  move('b', '2026-02-15', 'contraction', 5_000n, 3_000n),
  move('c', '2026-02-20', 'churn', 2_000n, 0n),
  move('c', '2026-03-15', 'reactivation', 0n, 4_000n),
]

describe('MRR and its movements', () => {
  it('add up each month', () => {
    const bridges = mrrBridge(story, { from: '2026-01-01', to: '2026-03-31', by: 'month' }, utc)
    expect(bridges).toMatchObject([
      { period: '2026-01', start: 0n, new: 17_000n, end: 17_000n },
      {
        period: '2026-02',
        start: 17_000n,
        expansion: 5_000n,
        contraction: 2_000n,
        churn: 2_000n,
        end: 18_000n,
      },
      { period: '2026-03', start: 18_000n, reactivation: 4_000n, end: 22_000n },
    ])
  })

  it.each(['UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Pacific/Apia', 'Asia/Kathmandu'])(
    'add up on each day of real lives in %s, changes of clock included',
    timeZone => {
      const random = seeded(77)
      const ledger = openLedger()
      for (let life = 0; life < 5; life += 1) {
        const world = stripeLife(random, `m${life}x`, { months: 8, squeezed: false })
        ledger.apply(shuffled(stripeFacts(renderLife(world, 'later')), random))
      }
      const { movements } = ledger.read()
      const bridges = mrrBridge(
        movements,
        { from: '2026-01-01', to: '2026-12-31', by: 'day' },
        calendarOf(timeZone),
      )
      for (const [index, bridge] of bridges.entries()) {
        expect(endOf(bridge)).toBe(bridge.end)
        const previous = bridges[index - 1]
        if (previous?.currency === bridge.currency) expect(bridge.start).toBe(previous.end)
      }
      const ends = [...Map.groupBy(bridges, ({ currency }) => currency).values()].map(own => own.at(-1)!.end)
      const total = movements.reduce((sum, { after, before }) => sum + after - before, 0n)
      expect(ends.reduce((sum, end) => sum + end, 0n)).toBe(total)
    },
  )

  it('days added up to months are the months', () => {
    const of = (by: 'day' | 'month'): Bridge[] =>
      mrrBridge(story, { from: '2026-01-01', to: '2026-03-31', by }, utc)
    expect(bridgesByMonth(of('day'))).toEqual(of('month'))
  })

  it("an upgrade in March doesn't change February", () => {
    const february = (movements: readonly MovementRow[]): Bridge[] =>
      mrrBridge(movements, { from: '2026-02-01', to: '2026-02-28', by: 'day' }, utc)
    expect(february([...story, move('b', '2026-03-20', 'expansion', 3_000n, 9_000n)])).toEqual(
      february(story),
    )
  })

  it('the day is that of the time zone: midnight in Berlin is eleven the day before in London', () => {
    const late = '2026-03-28T23:30:00Z'
    const day = (timeZone: string): string => calendarOf(timeZone).dayOf(at(late))
    expect([day('UTC'), day('Europe/Berlin'), day('America/New_York')]).toEqual([
      '2026-03-28',
      '2026-03-29',
      '2026-03-28',
    ])
  })
})

describe('figures', () => {
  const february = { from: at('2026-02-01T00:00:00Z'), to: at('2026-03-01T00:00:00Z') }
  const [, bridge] = mrrBridge(story, { from: '2026-01-01', to: '2026-02-28', by: 'month' }, utc)

  it('ARPA, ARR and lifetime value, none of them 0 for nothing', () => {
    expect([arpa(18_000n, 2), arpa(10n, 4), arpa(0n, 0)]).toEqual([9_000n, 2n, null])
    expect(arr(18_000n)).toBe(216_000n)
    expect([lifetimeValue(9_000n, 1, 3), lifetimeValue(9_000n, 0, 3), lifetimeValue(null, 1, 3)]).toEqual([
      27_000n,
      null,
      null,
    ])
  })

  it('customer churn, standard: one of three who were there', () => {
    expect(customerChurnStandard(story, february)).toBe('0.333333')
    expect(customerChurnStandard([], february)).toBeNull()
  })

  it('customer churn, stripe: who came and left within counts in both, and who left twice counts twice', () => {
    const twice = [
      move('a', '2026-01-01', 'new', 0n, 10n),
      move('b', '2026-02-05', 'new', 0n, 10n),
      move('b', '2026-02-10', 'churn', 10n, 0n),
      move('b', '2026-02-15', 'reactivation', 0n, 10n),
      move('b', '2026-02-20', 'churn', 10n, 0n),
    ]
    expect(customerChurnStripe(twice, at('2026-03-01'))).toBe('0.666667')
  })

  it('churn and retention of MRR', () => {
    expect(grossMrrChurn(bridge!)).toBe('0.235294')
    expect(netMrrChurn(bridge!)).toBe('-0.058824')
    expect(grossRetention(bridge!)).toBe('0.764706')
    expect(netRetention(bridge!)).toBe('1.058824')
    expect(grossMrrChurn({ ...bridge!, start: 0n })).toBeNull()
  })

  it('cohorts: who comes back stays in the first, and months that are not over are null', () => {
    const [cohort] = cohortsOf(story, '2026-03', 3, utc)
    expect(cohort).toEqual({
      month: '2026-01',
      currency: 'USD',
      size: 3,
      retention: ['1.000000', '0.666667', '1.000000', null],
      netMrr: ['1.000000', '1.058824', '1.294118', null],
    })
    expect(monthAfter('2026-11', 3)).toBe('2027-02')
  })

  it('recovery of failed payments, by invoice: void ones are out, young ones pending', () => {
    const invoice = (id: string, fields: Partial<InvoiceRow>): InvoiceRow =>
      ({
        id,
        currency: 'USD',
        status: 'paid',
        attemptCount: 2,
        finalizedAt: at('2026-02-10'),
        ...fields,
      }) as InvoiceRow
    const invoices = [
      invoice('paid', { paidAt: at('2026-02-13'), amountPaid: 900n }),
      invoice('late', { paidAt: at('2026-03-20'), amountPaid: 900n }),
      invoice('first', { attemptCount: 1, paidAt: at('2026-02-10'), amountPaid: 900n }),
      invoice('void', { status: 'void' }),
      invoice('lost', { status: 'uncollectible', attemptCount: 4 }),
      invoice('young', { status: 'open', attemptCount: 1, finalizedAt: at('2026-02-27') }),
    ]
    expect(recoveryOf(invoices, february, 14 * 86_400_000, at('2026-03-02'))).toEqual([
      { currency: 'USD', failed: 4, recovered: 1, pending: 1, rate: '0.333333', recoveredAmount: 900n },
    ])
  })
})

describe('exchange rates', () => {
  const rates: ExchangeRate[] = [
    { day: '2026-01-01', from: 'EUR', to: 'USD', rate: '1.10' },
    { day: '2026-02-01', from: 'EUR', to: 'USD', rate: '1.20' },
    { day: '2026-01-01', from: 'JPY', to: 'USD', rate: '0.0065' },
  ]

  it('what rates moved is fx, and the parts add up each month in total', () => {
    const movements = [
      move('a', '2026-01-05', 'new', 0n, 1_000n, 'EUR'),
      move('b', '2026-01-05', 'new', 0n, 333n),
      move('a', '2026-02-05', 'expansion', 1_000n, 1_501n, 'EUR'),
    ]
    const days = mrrBridge(movements, { from: '2026-01-01', to: '2026-02-28', by: 'day' }, utc)
    const bridges = convertBridges(days, 'USD', rates, { kind: 'historical' })
    for (const [index, bridge] of bridges.entries()) {
      expect(endOf(bridge)).toBe(bridge.end)
      if (index > 0) expect(bridge.start).toBe(bridges[index - 1]!.end)
    }
    expect(bridges.find(({ period }) => period === '2026-02-01')).toMatchObject({ fx: 100n, end: 1_533n })
    const constant = convertBridges(days, 'USD', rates, { kind: 'constant', day: '2026-01-15' })
    expect(constant.every(({ fx }) => fx >= -1n && fx <= 1n)).toBe(true)
  })

  it.each([
    ['historical', { kind: 'historical' }],
    ['constant', { kind: 'constant', day: '2026-02-15' }],
  ] as const)('a month alone has the figures that it has after others, rates: %s', (_name, policy) => {
    const movements = [
      move('a', '2025-12-05', 'new', 0n, 1_000n, 'EUR'),
      move('a', '2026-02-05', 'expansion', 1_000n, 1_501n, 'EUR'),
    ]
    const monthsFrom = (from: string) =>
      bridgesByMonth(
        convertBridges(
          mrrBridge(movements, { from, to: '2026-02-28', by: 'day' }, utc),
          'USD',
          rates,
          policy,
        ),
      )
    const [january, february] = monthsFrom('2026-01-02')
    expect(february?.start).toBe(january?.end)
    expect(monthsFrom('2026-02-01')).toEqual([february])
  })

  it('an amount that was there before the first rate starts at the rate of its own day', () => {
    const days = mrrBridge(
      [move('a', '2025-12-05', 'new', 0n, 1_000n, 'EUR')],
      { from: '2026-01-01', to: '2026-01-02', by: 'day' },
      utc,
    )
    expect(convertBridges(days, 'USD', rates, { kind: 'historical' })).toMatchObject([
      { start: 1_100n, fx: 0n, end: 1_100n },
      { start: 1_100n, fx: 0n, end: 1_100n },
    ])
  })

  it('days before there was an amount need no rate, and the first that has one is named', () => {
    const days = mrrBridge(
      [move('a', '2026-01-05', 'new', 0n, 1_000n, 'EUR')],
      { from: '2025-12-01', to: '2026-01-31', by: 'day' },
      utc,
    )
    expect(missingRate(days, 'USD', rates, { kind: 'historical' })).toBeNull()
    expect(convertBridges(days, 'USD', rates, { kind: 'historical' }).at(-1)?.end).toBe(1_100n)
    expect(missingRate(days, 'GBP', rates, { kind: 'historical' })).toEqual({
      currency: 'EUR',
      day: '2026-01-05',
    })
    expect(missingRate(days, 'USD', rates, { kind: 'constant', day: '2025-12-31' })).toEqual({
      currency: 'EUR',
      day: '2025-12-31',
    })
  })

  it('a currency that lacks the rate of one day is left out as a whole', () => {
    const days = mrrBridge(
      [move('a', '2026-01-05', 'new', 0n, 1_000n, 'GBP')],
      { from: '2026-01-01', to: '2026-01-31', by: 'day' },
      utc,
    )
    expect(convertBridges(days, 'USD', rates, { kind: 'historical' })).toEqual([])
    expect(missingRate(days, 'USD', rates, { kind: 'historical' })).toEqual({
      currency: 'GBP',
      day: '2026-01-05',
    })
  })
})
