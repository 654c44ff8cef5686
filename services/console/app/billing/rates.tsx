import { type BillingRates, type DryRun, getBillingRates, putBillingRates } from '@fairlead/client/gen/client'
import { once, ProblemError, take } from '../call.ts'
import type { Draft } from '../settings/draft.ts'
import { LinesField } from '../settings/fields.tsx'
import {
  dryRunParams,
  ifMatch,
  type Setting,
  type SettingsKind,
  type Write,
} from '../settings/settings-kind.ts'
import { SettingsPage } from '../settings/settings-page.tsx'
import { differing, linesOf, type ReadRates, readRates } from './rate-lines.ts'

/** The rates that figures are converted by, as a table to type or to paste. */
const rates: SettingsKind<Setting> = {
  noun: 'exchange rates',
  list: 'billing-rates',
  right: 'administer',
  begin: () => ({}),
  keyOf: () => '',
  titleOf: () => 'Exchange rates',
  about:
    'Figures of Revenue are converted by these alone, and only where “Convert to” asks for it. Nothing is fetched.',
  isDeclared: () => false,
  load: async (slug, _, signal) => settingOf(await take(getBillingRates(slug, { signal }))),
  put: (slug, _, draft, write) => put(slug, draft, write),
  currentOf: current => settingOf(current as BillingRates),
  // Each quotes its line: an entry counts from 0 and without blank lines, the form from 1 and with them.
  nameOfFault: name => (/^rates\.\d+$/.test(name) ? '' : name),
  Fields: () => (
    <LinesField
      path="rates"
      label="Rates, one on each line"
      rows={14}
      placeholder={'USD EUR 2026-03-01 0.9214\nUSD EUR 2026-04-01 0.9187'}
      help="Currency, other currency, day, units of the other for one: pasted from a spreadsheet too. A rate is in force from its day until the next one of the pair. At most 5,000."
    />
  ),
}

function settingOf({ rates, etag }: BillingRates): Setting {
  const lines = linesOf(rates)
  return { settings: lines.length > 0 ? { rates: lines } : {}, etag }
}

async function put(slug: string, draft: Draft, { etag, dryRun }: Write) {
  const lines = (draft.rates ?? []) as readonly string[]
  const read = readRates(lines)
  if (read.faults.size > 0) throw unread(read)
  const body = { rates: read.rates }
  const headers = { ...once(), ...ifMatch(etag) }
  try {
    const answer = await take(putBillingRates(slug, body, dryRunParams(dryRun), headers))
    return 'dryRun' in answer ? told(answer) : settingOf(answer)
  } catch (error) {
    throw atLines(error, read, lines)
  }
}

/** Rate by rate: the API tells both tables as wholes. */
const told = (run: DryRun): DryRun => ({
  ...run,
  changes: run.changes.flatMap(({ before, after }) =>
    differing((before ?? []) as Rates, (after ?? []) as Rates),
  ),
})

type Rates = Parameters<typeof differing>[0]

/** As the API says it of a field: nothing was sent. */
function unread({ faults }: ReadRates): ProblemError {
  const errors = [...faults].map(([line, message]) => ({
    in: 'body' as const,
    name: `rates.${line}`,
    message,
  }))
  return new ProblemError(
    {
      type: '/problems/request_invalid',
      title: 'Bad Request',
      status: 400,
      code: 'request_invalid',
      detail: 'Nothing was sent: some lines are no rates.',
      requestId: '',
      errors,
    },
    undefined,
  )
}

/** The API's faults at the lines that they are about, which they quote. */
function atLines(error: unknown, { lineOf }: ReadRates, lines: readonly string[]): unknown {
  if (!(error instanceof ProblemError) || !error.problem.errors) return error
  const errors = error.problem.errors.map(fault => {
    const line = lineOf.get(fault.name.split('.').slice(0, 3).join('.'))
    if (line === undefined) return fault
    return { ...fault, name: `rates.${line}`, message: `“${lines[line]}”: ${fault.message}` }
  })
  return new ProblemError({ ...error.problem, errors }, error.requestId)
}

export const Page = () => <SettingsPage kind={rates} param="slug" />
