import { calendarOf, monthAfter, monthsApart } from '@fairlead/ledger/metrics/calendar'
import type { ReadCohortsRequest } from '@fairlead/wire/store/revenue'
import type { Db } from '../../scope.ts'
import { StoreError } from '../../store-error.ts'
import { pointsOf } from './periods.ts'
import { type Question, readQuestion } from './question.ts'
import { type Conversion, conversionOf, converted } from './rates.ts'
import { readSpans, type Span } from './spans.ts'
import { readState } from './state.ts'
import { pathsText } from './sums.ts'

const mostMonths = 36
const presetMonths = 12

/** What moved of a cohort in a month: by how many members and how much revenue there is more. */
interface Step {
  readonly cohort: string
  readonly month: string
  readonly active: number
  readonly mrr: bigint
}

/** Customers by the month of their first recurring revenue. Throws a StoreError `invalid_field` or `rate_missing`. */
export async function readCohorts(db: Db, request: ReadCohortsRequest, nowMs: number) {
  const months = request.months || presetMonths
  if (months > mostMonths) {
    throw new StoreError('invalid_field', `months: must be at most ${mostMonths}`, { field: 'months' })
  }
  const question = readQuestion(request.question)
  const conversion = await conversionOf(db, question)
  const asked = await readSpans(db, question, 'month')
  const fromMs = asked[0]?.fromMs ?? question.untilMs
  // Cells go on after the asked time, as far as months are over.
  const spans = (await readSpans(db, { ...question, fromMs, untilMs: nowMs }, 'month')).slice(
    0,
    asked.length + months,
  )
  const over = spans.filter(({ untilMs }) => untilMs < nowMs)
  const sizes = await countMembers(db, question, spans, fromMs)
  const active = await countSteps(db, question, spans, fromMs)
  const money = await sumSteps(db, question, spans, fromMs)
  const { dayOf } = calendarOf(question.timeZone)
  const cohorts = [...sizes].map(([key, size]) => {
    const [unit = '', month = ''] = key.split(' ')
    const counts = active.filter(step => step.unit === unit && step.cohort === month)
    const amounts = money.filter(
      step => (conversion ? true : step.currency === unit) && step.cohort === month,
    )
    return {
      month,
      currency: conversion?.to ?? unit,
      size: BigInt(size),
      months: cellsOf(month, months, over, { counts, amounts, conversion, dayOf }),
    }
  })
  return {
    cohorts: cohorts.toSorted((a, b) => (a.currency + a.month < b.currency + b.month ? -1 : 1)),
    state: await readState(db, question),
  }
}

interface Amount extends Pick<Step, 'cohort' | 'month' | 'mrr'> {
  readonly currency: string
}
type Count = Pick<Step, 'cohort' | 'month' | 'active'> & { readonly unit: string }

/** A cell for each month that is over, from the cohort's own on. */
function cellsOf(
  first: string,
  months: number,
  over: readonly Span[],
  of: {
    readonly counts: readonly Count[]
    readonly amounts: readonly Amount[]
    readonly conversion: Conversion | undefined
    readonly dayOf: (at: number) => string
  },
) {
  const last = monthAfter(first, months)
  const cells = over.filter(({ label }) => monthsApart(first, label) >= 0 && monthsApart(label, last) >= 0)
  return cells.map(({ label, untilMs }) => {
    const until = <Part extends { readonly month: string }>(parts: readonly Part[]): Part[] =>
      parts.filter(({ month }) => monthsApart(month, label) >= 0)
    const active = until(of.counts).reduce((sum, step) => sum + step.active, 0)
    return { active: BigInt(active), mrr: mrrAt(until(of.amounts), of.dayOf(untilMs - 1), of.conversion) }
  })
}

/** Revenue at the end of a month, converted by the rate of its last day. */
function mrrAt(steps: readonly Amount[], day: string, conversion: Conversion | undefined): bigint {
  const byCurrency = Map.groupBy(steps, ({ currency }) => currency)
  return [...byCurrency].reduce((total, [currency, own]) => {
    const sum = own.reduce((amount, { mrr }) => amount + mrr, 0n)
    return total + (conversion ? converted(conversion, sum, currency, day) : sum)
  }, 0n)
}

const own = 'provider, account, mode, customer'

/** Cohorts of `paths` or of movements: a customer's first movement says to which one belongs. */
const firsts = `firsts as (select *, min(at_ms) over (partition by unit, ${own}) as first_ms from paths)`

const valuesOf = (question: Question, spans: readonly Span[], fromMs: number): unknown[] => {
  const points = pointsOf(spans)
  return [
    question.organizationUuid,
    points,
    points.at(-1) ?? fromMs,
    question.currency,
    fromMs,
    question.untilMs,
  ]
}

async function countMembers(
  db: Db,
  question: Question,
  spans: readonly Span[],
  fromMs: number,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ unit: string; cohort: number; size: string }>(
    `with ${pathsText(question)}, ${firsts}
     select unit, width_bucket(first_ms, $2::bigint[]) as cohort, count(*) as size
     from firsts where at_ms = first_ms and first_ms >= $5 and first_ms < $6 group by 1, 2`,
    valuesOf(question, spans, fromMs),
  )
  return new Map(rows.map(({ unit, cohort, size }) => [`${unit} ${labelOf(spans, cohort)}`, Number(size)]))
}

async function countSteps(
  db: Db,
  question: Question,
  spans: readonly Span[],
  fromMs: number,
): Promise<Count[]> {
  const { rows } = await db.query<{ unit: string; cohort: number; month: number; active: string }>(
    `with ${pathsText(question)}, ${firsts}
     select unit, width_bucket(first_ms, $2::bigint[]) as cohort, width_bucket(at_ms, $2::bigint[]) as month,
       sum((active > 0)::int - (was > 0)::int) as active
     from firsts where first_ms >= $5 and first_ms < $6 group by 1, 2, 3`,
    valuesOf(question, spans, fromMs),
  )
  return rows.map(({ unit, cohort, month, active }) => ({
    unit,
    cohort: labelOf(spans, cohort),
    month: labelOf(spans, month),
    active: Number(active),
  }))
}

async function sumSteps(
  db: Db,
  question: Question,
  spans: readonly Span[],
  fromMs: number,
): Promise<Amount[]> {
  const unit = question.convert ? `''::text` : 'currency'
  const { rows } = await db.query<{ currency: string; cohort: number; month: number; mrr: string }>(
    `with paths as (
       select *, ${unit} as unit from ledger_mrr_movements
       where organization_id = $1 and at_ms < $3 and ($4 = '' or currency = $4)
     ), ${firsts}
     select currency, width_bucket(first_ms, $2::bigint[]) as cohort, width_bucket(at_ms, $2::bigint[]) as month,
       sum(after - before) as mrr
     from firsts where first_ms >= $5 and first_ms < $6 group by 1, 2, 3`,
    valuesOf(question, spans, fromMs),
  )
  return rows.map(({ currency, cohort, month, mrr }) => ({
    currency,
    cohort: labelOf(spans, cohort),
    month: labelOf(spans, month),
    mrr: BigInt(mrr),
  }))
}

const labelOf = (spans: readonly Span[], bucket: number): string => spans[bucket - 1]?.label ?? ''
