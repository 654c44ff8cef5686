import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { openLedger, stripeFacts } from '@fairlead/ledger/fixtures/ledger'
import { renderLife, shuffled } from '@fairlead/ledger/fixtures/lives'
import { mrrOfWorld } from '@fairlead/ledger/fixtures/oracle'
import { type Bridge, endOf, mrrBridge } from '@fairlead/ledger/metrics/bridge'
import { calendarOf, dayBefore, monthAfter } from '@fairlead/ledger/metrics/calendar'
import { cohortShares, cohortsOf } from '@fairlead/ledger/metrics/cohorts'
import {
  customerChurnStandard,
  customerChurnStripe,
  standardChurn,
  stripeChurn,
  subscribersAt,
} from '@fairlead/ledger/metrics/figures'
import { convert } from '@fairlead/ledger/metrics/rates'
import { recoveryOf, recoveryRate } from '@fairlead/ledger/metrics/recovery'
import type { InvoiceRow } from '@fairlead/ledger/rows'
import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import type { StripeWorld } from '@fairlead/testbed/billing/stripe-world'
import { seeded } from '@fairlead/testbed/seeded'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { OwnerKind } from '@fairlead/wire/store/organization'
import type { RevenuePeriod } from '@fairlead/wire/store/revenue'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpLedger, recordEvents } from '../fixtures/record-life.ts'
import type { StripeEvent } from '../fixtures/stripe-life.ts'

/*
 * Figures of generated lives through the real store, against the formulas of packages/ledger/metrics over all rows at once, and against
 * the world that made the lives.
 */

const opened = new AsyncDisposableStack()
const random = seeded(4_711)
const worlds: StripeWorld[] = Array.from({ length: 14 }, (_, life) =>
  stripeLife(random, `r${life}x`, { months: 6, squeezed: false }),
)
const events = worlds.flatMap(world => renderLife(world, 'later'))
const books = (() => {
  const ledger = openLedger()
  ledger.apply(stripeFacts(events))
  return ledger.read()
})()
const after = Date.parse('2025-12-10T00:00:00Z')
const before = Date.parse('2026-11-15T00:00:00Z')
const change = { actorId: 'test', requestSha256: new Uint8Array(32) }

let store: TestStore
let organizationId: OrganizationId

beforeAll(async () => {
  store = opened.use(await startTestStore())
  organizationId = await anOrganization('acme')
  await recordEvents(store, organizationId, shuffled(events, random) as unknown as StripeEvent[], {
    size: 200,
  })
})
afterAll(() => opened.disposeAsync())

async function anOrganization(slug: string): Promise<OrganizationId> {
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
  })
  return organization!.id as OrganizationId
}

const asked = (more: object = {}) => ({
  organizationId,
  after: timestampFromMs(after),
  before: timestampFromMs(before),
  ...more,
})

const bridgeOf = (period: RevenuePeriod): Bridge => ({
  period: period.period,
  currency: period.currency,
  start: period.mrrStart,
  new: period.mrrNew,
  reactivation: period.mrrReactivation,
  expansion: period.mrrExpansion,
  contraction: period.mrrContraction,
  churn: period.mrrChurn,
  fx: period.mrrFx,
  end: period.mrrEnd,
})

test.each(['UTC', 'Europe/Berlin', 'Pacific/Apia', 'America/Los_Angeles', 'America/Havana'])(
  'revenue, churn and customers of each day in %s are those of the formulas over all movements',
  async timeZone => {
    const { periods } = await store.client.revenue.readPeriods({
      question: asked({ timeZone }),
      byMonth: false,
    })
    const calendar = calendarOf(timeZone)
    const first = calendar.dayOf(after)
    for (const { period, from } of periods.filter(one => one.period !== first)) {
      const fromMs = timestampMs(from!)
      expect([calendar.dayOf(fromMs - 1), calendar.dayOf(fromMs)]).toEqual([dayBefore(period), period])
    }
    const expected = mrrBridge(
      books.movements.filter(({ at }) => at < before),
      { from: first, to: calendar.dayOf(before - 1), by: 'day' },
      calendar,
    )
    expect(periods.map(bridgeOf)).toEqual(expected)
    for (const period of periods.filter((_, index) => index % 17 === 0)) {
      const window = { from: Number(period.from!.seconds) * 1000, to: Number(period.until!.seconds) * 1000 }
      const own = books.movements.filter(({ currency }) => currency === period.currency)
      expect(standardChurn({ left: Number(period.left), start: Number(period.subscribersStart) })).toBe(
        customerChurnStandard(own, window),
      )
      const counts = {
        active: Number(period.active30DaysBefore),
        started: Number(period.startedIn30Days),
        stopped: Number(period.stoppedIn30Days),
      }
      expect(stripeChurn(counts)).toBe(customerChurnStripe(own, window.to))
      expect(Number(period.subscribersEnd)).toBe(subscribersAt(own, window.to).size)
    }
  },
)

test('revenue adds up on each day and in each currency, and ends with what the world that made the events has running', async () => {
  const { periods } = await store.client.revenue.readPeriods({ question: asked(), byMonth: false })
  for (const [index, bridge] of periods.map(bridgeOf).entries()) {
    expect(endOf(bridge)).toBe(bridge.end)
    const previous = periods[index - 1]
    if (previous?.currency === bridge.currency) expect(bridge.start).toBe(previous.mrrEnd)
  }
  const hidden = new Set(worlds.flatMap(world => (mrrOfWorld(world) ? [] : [world])))
  const shown = worlds.filter(world => !hidden.has(world)).map(world => mrrOfWorld(world)!)
  const cut = new Set(
    [...hidden].map(world => {
      const price = [...world.objects.values()].find(({ object }) => object === 'price')!
      return (price.currency as string).toUpperCase()
    }),
  )
  // A life with a yearly price lasts for years.
  const [from, until] = ['2050-01-01', '2050-02-01'].map(day => timestampFromMs(Date.parse(day)))
  const atTheEnd = asked({ after: from, before: until })
  const months = await store.client.revenue.readPeriods({ question: atTheEnd, byMonth: true })
  const ends = Map.groupBy(months.periods, ({ currency }) => currency)
  const compared = new Set(shown.map(({ currency }) => currency).filter(currency => !cut.has(currency)))
  expect(compared.size).toBeGreaterThan(1)
  for (const [currency, own] of Map.groupBy(shown, world => world.currency)) {
    if (!compared.has(currency)) continue
    const sum = own.reduce((total, { amount }) => total + amount, 0n)
    expect(ends.get(currency)?.at(-1)?.mrrEnd ?? 0n, currency).toBe(sum)
  }
})

test('months are their days added up, and the ends of the asked time cut the first and the last', async () => {
  const { periods } = await store.client.revenue.readPeriods({ question: asked(), byMonth: true })
  const calendar = calendarOf('UTC')
  const span = { from: '2025-12-10', to: '2026-11-14', by: 'month' as const }
  expect(periods.map(bridgeOf)).toEqual(mrrBridge(books.movements, span, calendar))
  expect([periods[0]?.from?.seconds, periods.at(-1)?.until?.seconds]).toEqual([
    BigInt(after / 1000),
    BigInt(before / 1000),
  ])
})

test('cohorts are those of the formulas over all movements', async () => {
  const { cohorts } = await store.client.revenue.readCohorts({ question: asked(), months: 6 })
  const now = calendarOf('UTC').dayOf(Date.now()).slice(0, 7)
  const lastOver = previousMonth(now)
  const expected = cohortsOf(books.movements, lastOver, 6, calendarOf('UTC'))
  const told = cohorts.map(({ month, currency, size, months }) => {
    const cells = months.map(({ active, mrr }) => ({ active: Number(active), mrr }))
    return { month, currency, size: Number(size), ...cohortShares(Number(size), cells) }
  })
  expect(told).toEqual(
    expected.map(cohort => ({
      ...cohort,
      retention: cohort.retention.filter(share => share !== null),
      netMrr: cohort.netMrr.filter((_, index) => cohort.retention[index] !== null),
    })),
  )
})

function previousMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number)
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, '0')}`
}

test('recovery of failed payments is that of the formula over all invoices', async () => {
  const { months } = await store.client.revenue.readRecovery({ question: asked(), withinDays: 14 })
  const told = months.map(month => {
    const counts = {
      failed: Number(month.failed),
      recovered: Number(month.recovered),
      pending: Number(month.pending),
    }
    const { currency, recoveredAmount } = month
    return { month: month.month, currency, ...counts, rate: recoveryRate(counts), recoveredAmount }
  })
  const invoices = books.rows.filter((row): row is InvoiceRow => row.kind === 'invoice')
  const starts = Array.from({ length: 11 }, (_, index) => Date.parse(`${monthAfter('2026-01', index)}-01`))
  const points = [after, ...starts, before]
  const expected = points.slice(1).flatMap((to, index) => {
    const window = { from: points[index]!, to }
    const month = calendarOf('UTC').dayOf(window.from).slice(0, 7)
    return recoveryOf(invoices, window, 14 * 86_400_000, Date.now()).map(own => ({ month, ...own }))
  })
  expect(expected.length).toBeGreaterThan(0)
  const key = ({ currency, month }: { currency: string; month: string }) => `${currency} ${month}`
  expect(told.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))).toEqual(
    expected.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)),
  )
})

test('an amount that the table of rates cannot convert is refused with currency and day; with the rate, fx closes the sum of each day', async () => {
  const currencies = [...new Set(books.movements.map(({ currency }) => currency))]
  const [to = '', ...others] = currencies
  const read = () => store.client.revenue.readPeriods({ question: asked({ convert: to }), byMonth: false })
  const firstDay = (currency: string) =>
    calendarOf('UTC').dayOf(
      Math.min(...books.movements.filter(row => row.currency === currency).map(({ at }) => at)),
    )
  const refused = await read().catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: Code.FailedPrecondition })
  const missing = storeErrorDetail(refused)?.owner ?? ''
  const [from = ''] = missing.split(' ')
  expect(others).toContain(from)
  expect(missing).toBe(`${from} to ${to} on ${firstDay(from)}`)
  const rates = others.flatMap((currency, index) => [
    { from: currency, to, day: '2025-01-01', rate: `1.${index + 1}` },
    { from: currency, to, day: '2026-04-15', rate: `0.${index + 5}` },
  ])
  await store.client.revenue.putRates({ organizationId, rates: { rates }, change })
  const { periods } = await read()
  for (const [index, bridge] of periods.map(bridgeOf).entries()) {
    expect(endOf(bridge)).toBe(bridge.end)
    if (index > 0) expect(bridge.start).toBe(periods[index - 1]!.mrrEnd)
  }
  expect(periods.some(({ mrrFx }) => mrrFx !== 0n)).toBe(true)
  expect(Number(periods.at(-1)?.subscribersEnd)).toBe(subscribersAt(books.movements, before).size)
  const { days } = await store.client.ledger.readLedgerFigures({ ...asked(), convert: to })
  expect(new Set(days.map(({ currency }) => currency))).toEqual(new Set([to]))
  expect(days.at(-1)?.mrrEnd).toBe(periods.at(-1)?.mrrEnd)
  const months = await store.client.revenue.readPeriods({ question: asked({ convert: to }), byMonth: true })
  expect(months.periods.at(-1)?.mrrEnd).toBe(periods.at(-1)?.mrrEnd)
  const steady = await store.client.revenue.readPeriods({
    question: asked({ convert: to, rateDay: '2026-05-01' }),
    byMonth: true,
  })
  // What is left is rounding.
  for (const { mrrFx } of steady.periods) expect(Math.abs(Number(mrrFx))).toBeLessThan(100)
})

test('where a month ends after the day in UTC has changed, its amounts are converted by the rate of its own last day', async () => {
  const timeZone = 'America/Los_Angeles'
  const [to = '', ...others] = new Set(books.movements.map(({ currency }) => currency))
  // A rate for each month, from the 1st on.
  const rates = others.flatMap(from =>
    Array.from({ length: 14 }, (_, index) => ({
      from,
      to,
      day: `${monthAfter('2025-11', index)}-01`,
      rate: `1.${index + 1}`,
    })),
  )
  await store.client.revenue.putRates({ organizationId, rates: { rates }, change })
  const inLastRate = (amount: bigint, from: string, month: string) =>
    convert(amount, from, to, dayBefore(`${monthAfter(month, 1)}-01`), rates)
  let compared = 0
  for (const currency of others) {
    const question = asked({ timeZone, currency })
    const [own, converted] = await Promise.all([
      store.client.revenue.readCohorts({ question, months: 6 }),
      store.client.revenue.readCohorts({ question: { ...question, convert: to }, months: 6 }),
    ])
    const expected = own.cohorts.map(cohort =>
      cohort.months.map(({ mrr }, index) => inLastRate(mrr, currency, monthAfter(cohort.month, index))),
    )
    expect(converted.cohorts.map(({ months }) => months.map(({ mrr }) => mrr))).toEqual(expected)
    const recovery = await store.client.revenue.readRecovery({ question, withinDays: 14 })
    const exchanged = await store.client.revenue.readRecovery({
      question: { ...question, convert: to },
      withinDays: 14,
    })
    const amounts = recovery.months.map(month => inLastRate(month.recoveredAmount, currency, month.month))
    expect(exchanged.months.map(({ recoveredAmount }) => recoveredAmount)).toEqual(amounts)
    compared += [...expected.flat(), ...amounts].filter(amount => amount !== 0n).length
  }
  expect(compared).toBeGreaterThan(0)
})

test('a month alone has the figures that it has among others, where the rate changes on its first day', async () => {
  const to = books.movements[0]!.currency
  const monthsFrom = async (from: string) => {
    const question = asked({
      convert: to,
      after: timestampFromMs(Date.parse(from)),
      before: timestampFromMs(Date.parse('2026-04-01')),
    })
    return (await store.client.revenue.readPeriods({ question, byMonth: true })).periods.map(bridgeOf)
  }
  const [february, march] = await monthsFrom('2026-02-01')
  expect(march?.fx).not.toBe(0n)
  expect(march?.start).toBe(february?.end)
  expect(await monthsFrom('2026-03-01')).toEqual([march])
})

test.each([
  [{ from: 'USD', to: 'USD', day: '2026-01-01', rate: '1' }, 'no rate to itself'],
  [{ from: 'USD', to: 'EUR', day: '2026-02-30', rate: '1' }, 'the day is none'],
  [{ from: 'USD', to: 'EUR', day: '2026-02-01', rate: '0.00' }, 'above 0'],
  [{ from: 'USD', to: 'EUR', day: '2026-02-01', rate: '1,08' }, 'decimal number'],
  [{ from: 'usd', to: 'EUR', day: '2026-02-01', rate: '1' }, 'three capital letters'],
])('a table with the rate %j is refused: %s', async (rate, said) => {
  const write = store.client.revenue.putRates({ organizationId, rates: { rates: [rate] }, change })
  await expect(write).rejects.toThrow(said)
})

test('a late event that changes closed days is told with the day and the difference; a rebuild tells nothing', async () => {
  const organization = await anOrganization('late')
  const { own, late } = lateChange()
  await recordEvents(
    store,
    organization,
    own.filter(event => event !== late),
    { size: 200 },
  )
  const figures = async () => await dayEnds(organization)
  const closed = await figures()
  // What came so far is taken for what the days were closed with.
  await store.query('delete from ledger_restatements where organization_id = $1', [toUuid(organization)])
  await recordEvents(store, organization, [late])
  const [now, told] = [await figures(), await restatementsOf(organization)]
  const changed = [...new Set([...closed.keys(), ...now.keys()])].filter(
    day => closed.get(day) !== now.get(day),
  )
  expect(changed.length).toBeGreaterThan(0)
  expect(new Map(told.map(({ day, mrr }) => [day, mrr]))).toEqual(
    new Map(changed.map(day => [day, (now.get(day) ?? 0n) - (closed.get(day) ?? 0n)])),
  )
  const dump = await dumpLedger(store, organization)
  await store.query('update ledger_restatements set last_at = $2 where organization_id = $1', [
    toUuid(organization),
    new Date('2026-01-01'),
  ])
  await rebuilt(organization)
  expect(await dumpLedger(store, organization)).toBe(dump)
  expect((await restatementsOf(organization)).map(({ mrr }) => mrr)).toEqual(told.map(({ mrr }) => mrr))
  const { restatedAt } = await store.client.ledger.readLedgerFigures({
    ...asked(),
    organizationId: organization,
  })
  expect(restatedAt?.seconds).toBe(BigInt(Date.parse('2026-01-01') / 1000))
})

/** A life and that event of it without which revenue would have moved otherwise, on days that are asked for alone. */
function lateChange(): { readonly own: StripeEvent[]; readonly late: StripeEvent } {
  const movesOf = (events: readonly StripeEvent[]) => {
    const ledger = openLedger()
    ledger.apply(stripeFacts(events as unknown as Parameters<typeof stripeFacts>[0]))
    const byDay = Map.groupBy(ledger.read().movements, ({ at }) => calendarOf('UTC').dayOf(at))
    return new Map(
      [...byDay].map(([day, own]) => [day, own.reduce((sum, move) => sum + move.after - move.before, 0n)]),
    )
  }
  for (const world of worlds) {
    const own = renderLife(world, 'later') as unknown as StripeEvent[]
    const whole = movesOf(own)
    for (const late of own.filter(({ type }) => type === 'customer.subscription.updated').toReversed()) {
      const without = movesOf(own.filter(event => event !== late))
      const moved = [...new Set([...whole.keys(), ...without.keys()])].filter(
        day => (whole.get(day) ?? 0n) !== (without.get(day) ?? 0n),
      )
      if (moved.length > 0 && moved.every(day => day > '2025-12-10' && day < '2026-11-15'))
        return { own, late }
    }
  }
  throw new Error('no life has an event without which its revenue would have moved otherwise')
}

test('a row that a mistake of an earlier version left behind is mended by a rebuild, and the changed day is told', async () => {
  const organization = await anOrganization('mended')
  const [world] = worlds.filter(one => (mrrOfWorld(one)?.amount ?? 0n) > 0n)
  await recordEvents(store, organization, renderLife(world!, 'later') as unknown as StripeEvent[], {
    size: 200,
  })
  await store.query(
    'update ledger_mrr_movements set after = after + 7 where organization_id = $1 and position = 0',
    [toUuid(organization)],
  )
  await store.query('delete from ledger_restatements where organization_id = $1', [toUuid(organization)])
  await rebuilt(organization)
  const told = await restatementsOf(organization)
  expect(told.length).toBeGreaterThan(0)
  expect(told.every(({ mrr }) => mrr < 0n && mrr % 7n === 0n)).toBe(true)
})

test('a rebuild that waits for an hour is told of in the hour in which it ends, and not in one that was told of before', async () => {
  const organization = await anOrganization('waits')
  const [world] = worlds.filter(one => (mrrOfWorld(one)?.amount ?? 0n) > 0n)
  await recordEvents(store, organization, renderLife(world!, 'later') as unknown as StripeEvent[], {
    size: 200,
  })
  await store.query(
    'update ledger_mrr_movements set after = after + 7 where organization_id = $1 and position = 0',
    [toUuid(organization)],
  )
  await store.query('delete from ledger_restatements where organization_id = $1', [toUuid(organization)])
  const holder = await store.lockTable('ledger_mrr_movements')
  const rebuilding = rebuilt(organization)
  await until(
    async () => {
      const waiting = await store.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
           and query ~ 'delete from ledger_mrr_movements'`,
      )
      return waiting.length > 0
    },
    { what: 'a rebuild that waits', deadlineMs: 60_000 },
  )
  const [row] = await store.query('select clock_timestamp() as released')
  await holder[Symbol.asyncDispose]()
  await rebuilding
  const told = await restatementsOf(organization)
  expect(told.length).toBeGreaterThan(0)
  for (const { firstAt, lastAt } of told) {
    expect(timestampMs(firstAt!)).toBeGreaterThanOrEqual((row!.released as Date).getTime())
    expect(lastAt).toEqual(firstAt)
  }
})

/** By how much revenue grew on each day. */
async function dayEnds(organization: OrganizationId): Promise<Map<string, bigint>> {
  const { days } = await store.client.ledger.readLedgerFigures({ ...asked(), organizationId: organization })
  const grown = days.map(({ day, mrrStart, mrrEnd }) => [day, mrrEnd - mrrStart] as const)
  return new Map(grown.filter(([, amount]) => amount !== 0n))
}

const restatementsOf = async (organization: OrganizationId) =>
  (await store.client.revenue.listRestatements({ organizationId: organization })).restatements

const rebuilt = (organization: OrganizationId) =>
  store.client.ledger.rebuildLedger({ organizationId: organization, change })
