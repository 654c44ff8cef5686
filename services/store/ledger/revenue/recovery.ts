import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { calendarOf } from '@fairlead/ledger/metrics/calendar'
import type { ReadRecoveryRequest } from '@fairlead/wire/store/revenue'
import type { Db } from '../../scope.ts'
import { StoreError } from '../../store-error.ts'
import { pointsOf } from './periods.ts'
import { type Question, readQuestion } from './question.ts'
import { type Conversion, conversionOf, converted } from './rates.ts'
import { readSpans, type Span } from './spans.ts'
import { readState } from './state.ts'

const mostDays = 90
const presetDays = 30
const dayMs = 86_400_000

interface RecoveryRow {
  readonly bucket: number
  readonly currency: string
  readonly failed: string
  readonly recovered: string
  readonly pending: string
  readonly amount: string
}

/**
 * Invoices whose first payment failed, by the month in which they were finalized: as `recoveryOf` of packages/ledger/metrics has it,
 * over as many invoices as there are. Throws a StoreError `invalid_field` or `rate_missing`.
 */
export async function readRecovery(db: Db, request: ReadRecoveryRequest, nowMs: number) {
  const withinDays = request.withinDays || presetDays
  if (withinDays > mostDays) {
    throw new StoreError('invalid_field', `within_days: must be at most ${mostDays}`, {
      field: 'within_days',
    })
  }
  const question = readQuestion(request.question)
  const conversion = await conversionOf(db, question)
  const spans = await readSpans(db, question, 'month')
  const rows = await countInvoices(db, question, spans, { withinMs: withinDays * dayMs, nowMs })
  const { dayOf } = calendarOf(question.timeZone)
  const months = rows.map(row => {
    const span = spans[row.bucket - 1]!
    return monthOf(row, span, conversion && { ...conversion, day: dayOf(span.untilMs - 1) })
  })
  return {
    months: conversion ? merged(months) : months,
    state: await readState(db, question),
  }
}

async function countInvoices(
  db: Db,
  { organizationUuid, currency }: Question,
  spans: readonly Span[],
  { withinMs, nowMs }: { readonly withinMs: number; readonly nowMs: number },
): Promise<RecoveryRow[]> {
  const points = pointsOf(spans)
  const { rows } = await db.query<RecoveryRow>(
    `with failed as (
       select coalesce(finalized_ms, created_ms) as since, currency, status, paid_ms, amount_paid
       from ledger_invoices
       where organization_id = $1 and coalesce(finalized_ms, created_ms) >= $3 and coalesce(finalized_ms, created_ms) < $4
         and ($5 = '' or currency = $5) and status is distinct from 'void' and status is distinct from 'draft'
         and currency is not null and (attempt_count > 1 or attempt_count = 1 and status is distinct from 'paid')
     ), decided as (
       select *, coalesce(status = 'paid' and paid_ms - since <= $6, false) as recovered,
         coalesce(status = 'open' and $7 - since < $6, false) as pending
       from failed
     )
     select width_bucket(since, $2::bigint[]) as bucket, currency, count(*) as failed,
       count(*) filter (where recovered) as recovered, count(*) filter (where pending) as pending,
       coalesce(sum(amount_paid) filter (where recovered), 0) as amount
     from decided group by 1, 2 order by 2, 1`,
    [organizationUuid, points, points[0] ?? 0, points.at(-1) ?? 0, currency, withinMs, nowMs],
  )
  return rows
}

type Month = ReturnType<typeof monthOf>

/** @param conversion by the rate of a day, the month's last */
function monthOf(
  row: RecoveryRow,
  { label, fromMs, untilMs }: Span,
  conversion: (Conversion & { readonly day: string }) | undefined,
) {
  const amount = BigInt(row.amount)
  return {
    month: label,
    from: timestampFromMs(fromMs),
    until: timestampFromMs(untilMs),
    currency: conversion?.to ?? row.currency,
    failed: BigInt(row.failed),
    recovered: BigInt(row.recovered),
    pending: BigInt(row.pending),
    recoveredAmount: conversion ? converted(conversion, amount, row.currency, conversion.day) : amount,
  }
}

/** Months of several currencies that were converted, as one each. */
function merged(months: readonly Month[]): Month[] {
  const sum = (own: readonly Month[], part: (month: Month) => bigint): bigint =>
    own.reduce((total, month) => total + part(month), 0n)
  return [...Map.groupBy(months, ({ month }) => month).values()]
    .map(own => ({
      ...own[0]!,
      failed: sum(own, ({ failed }) => failed),
      recovered: sum(own, ({ recovered }) => recovered),
      pending: sum(own, ({ pending }) => pending),
      recoveredAmount: sum(own, ({ recoveredAmount }) => recoveredAmount),
    }))
    .toSorted((a, b) => (a.month < b.month ? -1 : 1))
}
