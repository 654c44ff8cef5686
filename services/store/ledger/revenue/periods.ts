import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { type Bridge, bridgesByMonth } from '@fairlead/ledger/metrics/bridge'
import type { ReadPeriodsRequest } from '@fairlead/wire/store/revenue'
import type { Db } from '../../scope.ts'
import { bridgesOf, inOneCurrency } from './bridges.ts'
import { type Question, readQuestion } from './question.ts'
import { conversionOf } from './rates.ts'
import { readSpans, type Span } from './spans.ts'
import { readState } from './state.ts'
import { type Counted, countCustomers, pathsText, sumAmounts, type Totals } from './sums.ts'

const thirtyDaysMs = 30 * 86_400_000

/** Recurring revenue and its customers by period. Throws a StoreError `invalid_field` or `rate_missing`. */
export async function readPeriods(db: Db, request: ReadPeriodsRequest) {
  const question = readQuestion(request.question)
  const spans = await readSpans(db, question, request.byMonth ? 'month' : 'day')
  const conversion = await conversionOf(db, question)
  // Rates are of days: months are added up from them.
  const days =
    request.byMonth && conversion
      ? await readSpans(db, { ...question, fromMs: spans[0]?.fromMs }, 'day')
      : spans
  const points = pointsOf(days)
  const bridges = inOneCurrency(bridgesOf(await sumAmounts(db, question, points), days), conversion)
  const customers = await countCustomers(db, question, windowPoints(spans))
  const left = await countLeft(db, question, spans)
  const byPeriod = new Map(spans.map(span => [span.label, span]))
  return {
    periods: (days === spans ? bridges : bridgesByMonth(bridges)).map(bridge => {
      const unit = conversion ? '' : bridge.currency
      const span = byPeriod.get(bridge.period)!
      return {
        ...amountsOf(bridge),
        from: timestampFromMs(span.fromMs),
        until: timestampFromMs(span.untilMs),
        ...countsOf(customers.get(unit), span),
        left: BigInt(left.get(`${unit} ${bridge.period}`) ?? 0),
      }
    }),
    state: await readState(db, question),
  }
}

/** Each span's beginning, and the end of the last. */
export function pointsOf(spans: readonly Span[]): number[] {
  return [...spans.map(({ fromMs }) => fromMs), ...spans.slice(-1).map(({ untilMs }) => untilMs)]
}

/** With the times 30 days before each end. */
function windowPoints(spans: readonly Span[]): number[] {
  const points = [...pointsOf(spans), ...spans.map(({ untilMs }) => untilMs - thirtyDaysMs)]
  return [...new Set(points)].toSorted((a, b) => a - b)
}

const amountsOf = (bridge: Bridge) => ({
  period: bridge.period,
  currency: bridge.currency,
  mrrStart: bridge.start,
  mrrNew: bridge.new,
  mrrReactivation: bridge.reactivation,
  mrrExpansion: bridge.expansion,
  mrrContraction: bridge.contraction,
  mrrChurn: bridge.churn,
  mrrFx: bridge.fx,
  mrrEnd: bridge.end,
})

function countsOf(totals: Totals<Counted> | undefined, { fromMs, untilMs }: Span) {
  if (!totals) return {}
  const within = totals.between(fromMs, untilMs)
  const recent = totals.between(untilMs - thirtyDaysMs, untilMs)
  return {
    subscribersStart: BigInt(totals.before(fromMs).grown),
    subscribersEnd: BigInt(totals.before(untilMs).grown),
    started: BigInt(within.started),
    stopped: BigInt(within.stopped),
    active30DaysBefore: BigInt(totals.before(untilMs - thirtyDaysMs).grown),
    startedIn30Days: BigInt(recent.started),
    stoppedIn30Days: BigInt(recent.stopped),
  }
}

/** Customers of those at each span's start who stopped within it, each once; by unit and span. */
async function countLeft(db: Db, question: Question, spans: readonly Span[]): Promise<Map<string, number>> {
  const points = pointsOf(spans)
  const { rows } = await db.query<{ bucket: number; unit: string; count: string }>(
    `with ${pathsText(question)}, within as (
       select width_bucket(at_ms, $2::bigint[]) as bucket, unit, bool_or(active = 0) as gone,
         (array_agg(was order by at_ms))[1] > 0 as there
       from paths where at_ms >= $5 group by 1, 2, provider, account, mode, customer
     )
     select bucket, unit, count(*) as count from within where gone and there group by 1, 2`,
    [question.organizationUuid, points, points.at(-1), question.currency, points[0]],
  )
  return new Map(
    rows.map(({ bucket, unit, count }) => [`${unit} ${spans[bucket - 1]?.label}`, Number(count)]),
  )
}
