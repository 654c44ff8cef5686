import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { GetAnalyticsRequest } from '@fairlead/wire/store/usage'
import { dateOf } from '../events/where.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { readTimeZone } from '../time-zone.ts'
import { bothModesOf, type Dimension, dimensions } from './dimension.ts'
import { percentile } from './latency.ts'

/** Counts over time, read from rollups: never from the log. */

const intervalMs = { '15m': 15 * 60_000, hour: 3_600_000, day: 86_400_000, month: 28 * 86_400_000 } as const
type IntervalWord = keyof typeof intervalMs

/** Points of a curve: more than a screen shows. */
const mostIntervals = 400
const mostGroups = 50

interface Asked {
  readonly by: Dimension
  readonly interval: IntervalWord
  readonly timeZone: string
  readonly after: Date
  readonly before: Date
}

/** Throws a StoreError `invalid_field`. */
export function readAsked(request: GetAnalyticsRequest, nowMs: number): Asked {
  const by = dimensions.find(word => word === request.by)
  if (!by) throw invalid('by', `must be one of ${dimensions.join(', ')}`)
  const interval = (Object.keys(intervalMs) as IntervalWord[]).find(word => word === request.interval)
  if (!interval) throw invalid('interval', `must be one of ${Object.keys(intervalMs).join(', ')}`)
  const timeZone = readTimeZone(request.timeZone)
  const before = dateOf(request.before) ?? new Date(nowMs)
  const after = dateOf(request.after) ?? new Date(before.getTime() - 86_400_000)
  if (after >= before) throw invalid('after', 'must be earlier than `before`')
  if ((before.getTime() - after.getTime()) / intervalMs[interval] > mostIntervals) {
    throw invalid(
      'interval',
      `would be more than ${mostIntervals} of them: ask for longer ones, or less time`,
    )
  }
  return { by, interval, timeZone, after, before }
}

interface Row {
  value: string
  at: Date
  events: string
  bytes: string
  attempts: string
  delivered: string
  dead: string
  latencies: string[]
}

interface Sums {
  events: number
  bytes: number
  attempts: number
  delivered: number
  dead: number
  latencies: number[]
}

export async function readAnalytics(db: Db, organization: OrganizationId, asked: Asked) {
  const at = asked.interval === '15m' ? 'slot' : `date_trunc('${asked.interval}', slot, $3)`
  const start =
    asked.interval === '15m'
      ? "date_bin('15 minutes', $4, 'epoch')"
      : `date_trunc('${asked.interval}', $4::timestamptz, $3)`
  const { rows } = await db.query<Row>(
    `select value, ${at} as at, sum(events) as events, sum(bytes) as bytes, sum(attempts) as attempts,
       sum(delivered) as delivered, sum(dead) as dead, sum_counts(latencies) as latencies
     from rollups
     where organization_id = $1 and dimension = any($2::text[]) and slot >= ${start} and slot < $5 and $3::text <> ''
     group by value, at order by value, at`,
    [toUuid(organization), bothModesOf(asked.by), asked.timeZone, asked.after, asked.before],
  )
  const groups = new Map<string, { value: string; total: Sums; intervals: { at: Date; sums: Sums }[] }>()
  for (const row of rows) {
    const group = groups.get(row.value) ?? { value: row.value, total: noSums(), intervals: [] }
    groups.set(row.value, group)
    const sums = sumsOf(row)
    group.intervals.push({ at: row.at, sums })
    add(group.total, sums)
  }
  const largest = [...groups.values()].sort((a, b) => sizeOf(b.total) - sizeOf(a.total))
  const shown = largest.slice(0, mostGroups)
  const names = asked.by === 'destination' ? await readNames(db, organization) : undefined
  return {
    groups: shown.map(({ value, total, intervals }) => ({
      value: names ? fromUuid('dst', value) : value,
      name: names ? (names.get(value) ?? '') : value,
      total: countsOf(total),
      intervals: intervals.map(({ at, sums }) => ({ at: timestampFromDate(at), counts: countsOf(sums) })),
    })),
    others: largest.length - shown.length,
    after: timestampFromDate(asked.after),
    before: timestampFromDate(asked.before),
  }
}

async function readNames(db: Db, organization: OrganizationId): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; name: string }>(
    'select id, name from destinations where organization_id = $1',
    [toUuid(organization)],
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}

const noSums = (): Sums => ({ events: 0, bytes: 0, attempts: 0, delivered: 0, dead: 0, latencies: [] })
const sizeOf = ({ events, attempts }: Sums): number => events + attempts

const sumsOf = (row: Row): Sums => ({
  events: Number(row.events),
  bytes: Number(row.bytes),
  attempts: Number(row.attempts),
  delivered: Number(row.delivered),
  dead: Number(row.dead),
  latencies: row.latencies.map(Number),
})

function add(total: Sums, more: Sums): void {
  for (const name of ['events', 'bytes', 'attempts', 'delivered', 'dead'] as const) total[name] += more[name]
  for (const [step, count] of more.latencies.entries()) {
    total.latencies[step] = (total.latencies[step] ?? 0) + count
  }
}

function countsOf({ latencies, ...sums }: Sums) {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map(share => percentile(latencies, share))
  return {
    events: BigInt(sums.events),
    bytes: BigInt(sums.bytes),
    attempts: BigInt(sums.attempts),
    delivered: BigInt(sums.delivered),
    dead: BigInt(sums.dead),
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p95Ms !== undefined && { p95Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  }
}

const invalid = (field: string, message: string) =>
  new StoreError('invalid_field', `${field}: ${message}`, { field })
