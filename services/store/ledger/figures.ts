import { create } from '@bufbuild/protobuf'
import type { ReadLedgerFiguresRequest } from '@fairlead/wire/store/ledger'
import { RevenueQuestionSchema } from '@fairlead/wire/store/revenue'
import type { Db } from '../scope.ts'
import { convertDays, type Day } from './revenue/converted-days.ts'
import { readQuestion } from './revenue/question.ts'
import { conversionOf } from './revenue/rates.ts'
import { readSpans } from './revenue/spans.ts'
import { readState } from './revenue/state.ts'

/** Figures by day and currency. What a day began with is what the day before ended with, to the minor unit. */

type Sums = Readonly<Record<string, string>>

/** Throws a StoreError `invalid_field` or `rate_missing`. */
export async function readFigures(db: Db, request: ReadLedgerFiguresRequest) {
  const question = readQuestion(create(RevenueQuestionSchema, { ...questionFields(request) }))
  const { organizationUuid, untilMs, timeZone, currency } = question
  const spans = await readSpans(db, question, 'day')
  const fromMs = spans[0]?.fromMs ?? untilMs
  const values = [organizationUuid, fromMs, untilMs, timeZone, currency]
  const { rows: before } = await db.query<Sums>(startText, values)
  const { rows: movements } = await db.query<Sums>(movementsText, values)
  const { rows: money } = await db.query<Sums>(moneyText, values)
  const days = daysOf(before, movements, money)
  const conversion = await conversionOf(db, question)
  const state = await readState(db, question)
  return { days: conversion ? await convertDays(db, question, { spans, days, conversion }) : days, ...state }
}

const questionFields = ({
  organizationId,
  after,
  before,
  timeZone,
  currency,
  convert,
  rateDay,
}: ReadLedgerFiguresRequest) => ({
  organizationId,
  ...(after && { after }),
  ...(before && { before }),
  timeZone,
  currency,
  convert,
  rateDay,
})

const startText = `
  select currency, sum(after - before) as mrr, sum((after > 0)::int - (before > 0)::int) as subscribers
  from ledger_mrr_movements
  where organization_id = $1 and at_ms < $2 and $3::bigint > 0 and $4 <> '' and ($5 = '' or currency = $5)
  group by currency order by currency`

const dayOf = (column: string): string => `((to_timestamp(${column} / 1000.0) at time zone $4)::date)::text`

const movementsText = `
  select ${dayOf('at_ms')} as day, currency,
    coalesce(sum(amount) filter (where kind = 'new'), 0) as new,
    coalesce(sum(amount) filter (where kind = 'reactivation'), 0) as reactivation,
    coalesce(sum(amount) filter (where kind = 'expansion'), 0) as expansion,
    coalesce(sum(amount) filter (where kind = 'contraction'), 0) as contraction,
    coalesce(sum(amount) filter (where kind = 'churn'), 0) as churn,
    sum((after > 0)::int - (before > 0)::int) as subscribers,
    count(*) filter (where kind in ('new', 'reactivation')) as started,
    count(*) filter (where kind = 'churn') as churned
  from ledger_mrr_movements
  where organization_id = $1 and at_ms >= $2 and at_ms < $3 and ($5 = '' or currency = $5)
  group by 1, 2 order by 1, 2`

/**
 * Refunds by their own day, lost disputes by the day that they were opened, which is all that providers always tell. What was lost by a
 * reversal beyond its disputes: by the day of the payment, which it undoes.
 */
const moneyText = `
  select day, currency, sum(paid) as paid, sum(refunded) as refunded, sum(lost) as lost, sum(failed) as failed from (
    select ${dayOf('settled_ms')} as day, currency, captured as paid, 0 as refunded, 0 as lost, 0 as failed
    from ledger_payments where organization_id = $1 and settled_ms >= $2 and settled_ms < $3
    union all
    select ${dayOf('created_ms')}, currency, 0, amount, 0, 0
    from ledger_refunds where organization_id = $1 and created_ms >= $2 and created_ms < $3
      and status not in ('failed', 'canceled')
    union all
    select ${dayOf('created_ms')}, currency, 0, 0, amount, 0
    from ledger_disputes where organization_id = $1 and created_ms >= $2 and created_ms < $3 and status = 'lost'
    union all
    select ${dayOf('p.settled_ms')}, p.currency, 0, 0, p.disputed_lost - coalesce(d.amount, 0), 0
    from ledger_payments p left join (
      select provider, account, mode, charge, currency, sum(amount) as amount
      from ledger_disputes where organization_id = $1 and status = 'lost' group by 1, 2, 3, 4, 5
    ) d on (d.provider, d.account, d.mode, d.charge, d.currency) = (p.provider, p.account, p.mode, p.id, p.currency)
    where p.organization_id = $1 and p.settled_ms >= $2 and p.settled_ms < $3 and p.status = 'reversed'
    union all
    select ${dayOf('created_ms')}, currency, 0, 0, 0, 1
    from ledger_payments where organization_id = $1 and created_ms >= $2 and created_ms < $3 and status = 'failed'
  ) m where currency is not null and ($5 = '' or currency = $5) group by 1, 2 order by 1, 2`

function daysOf(before: readonly Sums[], movements: readonly Sums[], money: readonly Sums[]): Day[] {
  const mrr = new Map(before.map(row => [row.currency, BigInt(row.mrr ?? 0)]))
  const subscribers = new Map(before.map(row => [row.currency, BigInt(row.subscribers ?? 0)]))
  const keyOf = (row: Sums): string => `${row.day} ${row.currency}`
  const moved = new Map(movements.map(row => [keyOf(row), row]))
  const paid = new Map(money.map(row => [keyOf(row), row]))
  return [...new Set([...moved.keys(), ...paid.keys()])].toSorted().map(key => {
    const [day = '', currency = ''] = key.split(' ')
    const of = (rows: ReadonlyMap<string, Sums>, name: string): bigint => BigInt(rows.get(key)?.[name] ?? 0)
    const start = mrr.get(currency) ?? 0n
    const parts = {
      mrrNew: of(moved, 'new'),
      mrrReactivation: of(moved, 'reactivation'),
      mrrExpansion: of(moved, 'expansion'),
      mrrContraction: of(moved, 'contraction'),
      mrrChurn: of(moved, 'churn'),
    }
    const end =
      start +
      parts.mrrNew +
      parts.mrrReactivation +
      parts.mrrExpansion -
      parts.mrrContraction -
      parts.mrrChurn
    mrr.set(currency, end)
    subscribers.set(currency, (subscribers.get(currency) ?? 0n) + of(moved, 'subscribers'))
    return {
      day,
      currency,
      mrrStart: start,
      ...parts,
      mrrFx: 0n,
      mrrEnd: end,
      subscribers: subscribers.get(currency) ?? 0n,
      customersStarted: of(moved, 'started'),
      customersChurned: of(moved, 'churned'),
      paid: of(paid, 'paid'),
      refunded: of(paid, 'refunded'),
      lost: of(paid, 'lost'),
      paymentsFailed: of(paid, 'failed'),
    }
  })
}
