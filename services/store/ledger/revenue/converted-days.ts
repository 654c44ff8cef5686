import { endOf } from '@fairlead/ledger/metrics/bridge'
import type { Db } from '../../scope.ts'
import { bridgesOf, inOneCurrency } from './bridges.ts'
import { pointsOf } from './periods.ts'
import type { Question } from './question.ts'
import { type Conversion, converted } from './rates.ts'
import type { Span } from './spans.ts'
import { countCustomers, sumAmounts } from './sums.ts'

/** A day's figures in one currency. */
export interface Day {
  readonly day: string
  readonly currency: string
  readonly mrrStart: bigint
  readonly mrrNew: bigint
  readonly mrrReactivation: bigint
  readonly mrrExpansion: bigint
  readonly mrrContraction: bigint
  readonly mrrChurn: bigint
  readonly mrrFx: bigint
  readonly mrrEnd: bigint
  readonly subscribers: bigint
  readonly customersStarted: bigint
  readonly customersChurned: bigint
  readonly paid: bigint
  readonly refunded: bigint
  readonly lost: bigint
  readonly paymentsFailed: bigint
}

/**
 * Days of all currencies as days of one. A day on which nothing but a rate changed is told as well. Throws a StoreError `rate_missing`.
 * @param of the days of each currency by itself, and all days of the asked time
 */
export async function convertDays(
  db: Db,
  question: Question,
  of: { readonly spans: readonly Span[]; readonly days: readonly Day[]; readonly conversion: Conversion },
): Promise<Day[]> {
  const { spans, conversion } = of
  const points = pointsOf(spans)
  const bridges = inOneCurrency(bridgesOf(await sumAmounts(db, question, points), spans), conversion)
  const customers = (await countCustomers(db, question, points)).get('')
  const bridgeOf = new Map(bridges.map(bridge => [bridge.period, bridge]))
  const ownOf = Map.groupBy(of.days, ({ day }) => day)
  return spans.flatMap(({ label, fromMs, untilMs }) => {
    const bridge = bridgeOf.get(label) ?? nothing
    const own = ownOf.get(label)
    if (!own && endOf(bridge) === bridge.start && bridge.fx === 0n) return []
    const counted = customers?.between(fromMs, untilMs)
    return {
      day: label,
      currency: conversion.to,
      mrrStart: bridge.start,
      mrrNew: bridge.new,
      mrrReactivation: bridge.reactivation,
      mrrExpansion: bridge.expansion,
      mrrContraction: bridge.contraction,
      mrrChurn: bridge.churn,
      mrrFx: bridge.fx,
      mrrEnd: bridge.end,
      subscribers: BigInt(customers?.before(untilMs).grown ?? 0),
      customersStarted: BigInt(counted?.started ?? 0),
      customersChurned: BigInt(counted?.stopped ?? 0),
      ...moneyOf(own ?? [], conversion),
    }
  })
}

const nothing = {
  start: 0n,
  new: 0n,
  reactivation: 0n,
  expansion: 0n,
  contraction: 0n,
  churn: 0n,
  fx: 0n,
  end: 0n,
}

function moneyOf(days: readonly Day[], conversion: Conversion) {
  const sum = (part: (day: Day) => bigint): bigint =>
    days.reduce((total, day) => total + converted(conversion, part(day), day.currency, day.day), 0n)
  return {
    paid: sum(({ paid }) => paid),
    refunded: sum(({ refunded }) => refunded),
    lost: sum(({ lost }) => lost),
    paymentsFailed: days.reduce((total, { paymentsFailed }) => total + paymentsFailed, 0n),
  }
}
