import type { BillingRatesRates } from '@fairlead/client/gen/client'

/** A table of rates as it is typed and pasted: a rate on each line, `USD EUR 2026-03-01 0.9214`. */
export const linesOf = (rates: BillingRatesRates): string[] =>
  Object.entries(rates).flatMap(([from, all]) =>
    all.map(({ currency, day, rate }) => `${from} ${currency} ${day} ${rate}`),
  )

export interface ReadRates {
  readonly rates: BillingRatesRates
  /** Faults by the line's number, from 0. */
  readonly faults: ReadonlyMap<number, string>
  /** Where the API's names of faults lead: `rates.USD.0` is on this line, from 0. */
  readonly lineOf: ReadonlyMap<string, number>
}

/** Reads lines as people and spreadsheets write them: parts apart by spaces, tabs, commas or semicolons. */
export function readRates(lines: readonly string[]): ReadRates {
  const rates: BillingRatesRates = {}
  const faults = new Map<number, string>()
  const lineOf = new Map<string, number>()
  for (const [index, line] of lines.entries()) {
    const [from = '', currency = '', day = '', rate = '', ...more] = line.trim().split(/[\s,;]+/)
    if (!isCurrency(from) || !isCurrency(currency) || !day || !rate || more.length > 0) {
      faults.set(
        index,
        `“${line}” is no rate: write two currencies, a day and a number, USD EUR 2026-03-01 0.9214`,
      )
      continue
    }
    rates[from.toUpperCase()] ??= []
    const list = rates[from.toUpperCase()]!
    lineOf.set(`rates.${from.toUpperCase()}.${list.length}`, index)
    list.push({ currency: currency.toUpperCase(), day, rate })
  }
  return { rates, faults, lineOf }
}

const isCurrency = (text: string): boolean => /^[a-z]{3}$/i.test(text)

interface Rate {
  readonly from: string
  readonly to: string
  readonly day: string
  readonly rate: string
}

/** Which rates differ between two tables, by currencies and day; undefined: none is there. */
export function differing(before: readonly Rate[], after: readonly Rate[]) {
  const byName = (rates: readonly Rate[]) =>
    new Map(rates.map(({ from, to, day, rate }) => [`${from} ${to} ${day}`, rate]))
  const [then, now] = [byName(before), byName(after)]
  const names = [...new Set([...then.keys(), ...now.keys()])].toSorted()
  return names.flatMap(field => {
    const change = { field, before: then.get(field), after: now.get(field) }
    return change.before === change.after ? [] : [change]
  })
}
