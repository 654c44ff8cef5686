import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { openLedger, stripeFacts } from '@fairlead/ledger/fixtures/ledger'
import { renderLife, shuffled } from '@fairlead/ledger/fixtures/lives'
import { mrrOfWorld } from '@fairlead/ledger/fixtures/oracle'
import { type Bridge, endOf, mrrBridge } from '@fairlead/ledger/metrics/bridge'
import { calendarOf } from '@fairlead/ledger/metrics/calendar'
import { cohortShares, cohortsOf } from '@fairlead/ledger/metrics/cohorts'
import {
  customerChurnStandard,
  customerChurnStripe,
  standardChurn,
  stripeChurn,
  subscribersAt,
} from '@fairlead/ledger/metrics/figures'
import { recoveryOf, recoveryRate } from '@fairlead/ledger/metrics/recovery'
import type { InvoiceRow } from '@fairlead/ledger/rows'
import { stripeLife } from '@fairlead/testbed/billing/stripe-life'
import type { StripeWorld } from '@fairlead/testbed/billing/stripe-world'
import { seeded } from '@fairlead/testbed/seeded'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
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
}, 120_000)
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

test.each(['UTC', 'Europe/Berlin', 'Pacific/Apia', 'America/Los_Angeles'])(
  'revenue, churn and customers of each day in %s are those of the formulas over all movements',
  async timeZone => {
    const { periods } = await store.client.revenue.readPeriods({
      question: asked({ timeZone }),
      byMonth: false,
    })
    const calendar = calendarOf(timeZone)
    const first = calendar.dayOf(after)
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
  for (const [currency, own] of Map.groupBy(shown, world => world.currency)) {
    if (cut.has(currency)) continue
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
  const invoices = books.rows.filter((row): row is InvoiceRow => row.kind === 'invoice')
  expect(months.length).toBeGreaterThan(0)
  for (const month of months) {
    const window = { from: Number(month.from!.seconds) * 1000, to: Number(month.until!.seconds) * 1000 }
    const expected = recoveryOf(invoices, window, 14 * 86_400_000, Date.now())
    const counts = {
      failed: Number(month.failed),
      recovered: Number(month.recovered),
      pending: Number(month.pending),
    }
    expect({
      currency: month.currency,
      ...counts,
      rate: recoveryRate(counts),
      recoveredAmount: month.recoveredAmount,
    }).toEqual(expected.find(({ currency }) => currency === month.currency))
  }
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
  const [world] = worlds.filter(one => (mrrOfWorld(one)?.amount ?? 0n) > 0n)
  const own = renderLife(world!, 'later') as unknown as StripeEvent[]
  const upgrades = new Set(own.filter(({ type }) => type === 'customer.subscription.updated').slice(-1))
  await recordEvents(
    store,
    organization,
    own.filter(event => !upgrades.has(event)),
  )
  const figures = async () => await dayEnds(organization)
  const closed = await figures()
  // What came so far is taken for what the days were closed with.
  await store.query('delete from ledger_restatements where organization_id = $1', [toUuid(organization)])
  await recordEvents(store, organization, [...upgrades])
  const [now, told] = [await figures(), await restatementsOf(organization)]
  const changed = [...new Set([...closed.keys(), ...now.keys()])].filter(
    day => closed.get(day) !== now.get(day),
  )
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
  expect(restatedAt?.seconds).toBe(told.length > 0 ? BigInt(Date.parse('2026-01-01') / 1000) : undefined)
})

test('a row that a mistake of an earlier version left behind is mended by a rebuild, and the changed day is told', async () => {
  const organization = await anOrganization('mended')
  const [world] = worlds.filter(one => (mrrOfWorld(one)?.amount ?? 0n) > 0n)
  await recordEvents(store, organization, renderLife(world!, 'later') as unknown as StripeEvent[])
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
