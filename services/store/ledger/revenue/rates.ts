import type { JsonObject } from '@bufbuild/protobuf'
import type { Bridge } from '@fairlead/ledger/metrics/bridge'
import { convert, type ExchangeRate, missingRate, type RatePolicy } from '@fairlead/ledger/metrics/rates'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Db } from '../../scope.ts'
import { StoreError } from '../../store-error.ts'
import { isDay, type Question } from './question.ts'

/** The exchange rates that an organization entered. */
export interface RateTable {
  /** By currencies and day. */
  readonly rates: readonly ExchangeRate[]
  /** 0: it was never made. */
  readonly version: number
  readonly updatedAt: Date | undefined
}

const mostRates = 5_000

export async function readRates(db: Db, organization: OrganizationId): Promise<RateTable> {
  const { rows } = await db.query<{ rates: ExchangeRate[]; version: number; updated_at: Date }>(
    'select rates, version, updated_at from ledger_rate_settings where organization_id = $1',
    [toUuid(organization)],
  )
  const [row] = rows
  return { rates: row?.rates ?? [], version: row?.version ?? 0, updatedAt: row?.updated_at }
}

export async function writeRates(
  db: Db,
  organization: OrganizationId,
  rates: readonly ExchangeRate[],
  nowMs: number,
): Promise<void> {
  await db.query(
    `insert into ledger_rate_settings as known (organization_id, rates, updated_at) values ($1, $2, $3)
     on conflict (organization_id) do update set rates = excluded.rates, version = known.version + 1,
       updated_at = excluded.updated_at`,
    [toUuid(organization), JSON.stringify(rates), new Date(nowMs)],
  )
}

/** Checked, and by currencies and day. Throws a StoreError `invalid_field`. */
export function ratesOf(given: readonly ExchangeRate[]): ExchangeRate[] {
  if (given.length > mostRates) throw invalid(`must have at most ${mostRates} rates`)
  const seen = new Set<string>()
  const rates = given.map(({ from, to, day, rate }) => {
    const said = `${from} to ${to} on ${day}`
    if (!/^[A-Z]{3}$/.test(from) || !/^[A-Z]{3}$/.test(to))
      throw invalid(`${said}: a currency is three capital letters`)
    if (from === to) throw invalid(`${said}: a currency has no rate to itself`)
    if (!isDay(day)) throw invalid(`${said}: the day is none, such as 2026-03-31`)
    if (!/^\d{1,12}(\.\d{1,12})?$/.test(rate) || /^[0.]+$/.test(rate)) {
      throw invalid(`${said}: a rate is a decimal number above 0 as text, such as "1.0832"`)
    }
    if (seen.has(said)) throw invalid(`${said}: is there twice`)
    seen.add(said)
    return { from, to, day, rate }
  })
  const key = ({ from, to, day }: ExchangeRate): string => `${from} ${to} ${day}`
  return rates.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

const invalid = (message: string) => new StoreError('invalid_field', `rates: ${message}`, { field: 'rates' })

/** As facts of the audit log. */
export const factsOf = ({ rates }: Pick<RateTable, 'rates'>): JsonObject => ({
  rates: rates.map(rate => ({ ...rate })),
})

/** By which rates the figures of a question are converted. */
export interface Conversion {
  readonly to: string
  readonly rates: readonly ExchangeRate[]
  /** The same by the currency that is converted. */
  readonly ratesFrom: ReadonlyMap<string, readonly ExchangeRate[]>
  readonly policy: RatePolicy
}

/** Undefined: nothing is converted. */
export async function conversionOf(db: Db, question: Question): Promise<Conversion | undefined> {
  const { organization, convert: to, rateDay } = question
  if (!to) return undefined
  const rates = (await readRates(db, organization)).rates.filter(rate => rate.to === to)
  return {
    to,
    rates,
    ratesFrom: Map.groupBy(rates, rate => rate.from),
    policy: rateDay ? { kind: 'constant', day: rateDay } : { kind: 'historical' },
  }
}

/** Throws a StoreError `rate_missing`. @param day of the amount */
export function converted(
  { to, ratesFrom, policy }: Conversion,
  amount: bigint,
  from: string,
  day: string,
): bigint {
  const wanted = policy.kind === 'constant' ? policy.day : day
  const found = convert(amount, from, to, wanted, ratesFrom.get(from) ?? [])
  if (found === null) throw rateMissing(from, to, wanted)
  return found
}

/** Throws a StoreError `rate_missing`. @param days bridges of days */
export function requireRates({ to, ratesFrom, policy }: Conversion, days: readonly Bridge[]): void {
  for (const [currency, own] of Map.groupBy(days, day => day.currency)) {
    const missing = missingRate(own, to, ratesFrom.get(currency) ?? [], policy)
    if (missing) throw rateMissing(missing.currency, to, missing.day)
  }
}

function rateMissing(from: string, to: string, day: string): StoreError {
  const owner = `${from} to ${to} on ${day}`
  return new StoreError('rate_missing', `the table has no rate from ${owner}`, { owner })
}
