import type { Db } from '../../scope.ts'
import type { Question } from './question.ts'

/*
 * Movements of recurring revenue added up between points of time, by Postgres: what comes back is as large as the points and
 * currencies are many, however many customers there are.
 */

/** What moved within a time, in one currency. Amounts are whole minor units. */
export interface Moved {
  readonly new: bigint
  readonly reactivation: bigint
  readonly expansion: bigint
  readonly contraction: bigint
  readonly churn: bigint
  /** By how much revenue grew. */
  readonly grown: bigint
}

/** How many customers began and stopped within a time. */
export interface Counted {
  /** By how many there are more. */
  readonly grown: number
  readonly started: number
  readonly stopped: number
}

/** A running total, as it stood at each point. */
export interface Totals<Part> {
  /** Of all before the point. */
  before(point: number): Part
  /** Of what lies from one point (inclusive) to a later one (exclusive). */
  between(from: number, until: number): Part
}

const noneMoved: Moved = {
  new: 0n,
  reactivation: 0n,
  expansion: 0n,
  contraction: 0n,
  churn: 0n,
  grown: 0n,
}
const noneCounted: Counted = { grown: 0, started: 0, stopped: 0 }

/** @param points sorted, each once; milliseconds */
export async function sumAmounts(
  db: Db,
  question: Question,
  points: readonly number[],
): Promise<Map<string, Totals<Moved>>> {
  const kinds = ['new', 'reactivation', 'expansion', 'contraction', 'churn'] as const
  const { rows } = await db.query<{ bucket: number; currency: string } & Record<keyof Moved, string>>(
    `select width_bucket(at_ms, $2::bigint[]) as bucket, currency, sum(after - before) as grown,
       ${kinds.map(kind => `coalesce(sum(amount) filter (where kind = '${kind}'), 0) as "${kind}"`).join(', ')}
     from ledger_mrr_movements
     where organization_id = $1 and at_ms < $3 and ($4 = '' or currency = $4)
     group by 1, 2 order by 2, 1`,
    [question.organizationUuid, points, points.at(-1), question.currency],
  )
  const byCurrency = [...Map.groupBy(rows, ({ currency }) => currency)]
  return new Map(
    byCurrency.map(([currency, own]) => {
      const buckets = own.map(row => ({
        bucket: row.bucket,
        part: partOf(noneMoved, name => BigInt(row[name])),
      }))
      const sum = (a: Moved, b: Moved, sign: 1 | -1) =>
        partOf(noneMoved, name => a[name] + BigInt(sign) * b[name])
      return [currency, totalsOf(points, buckets, noneMoved, sum)]
    }),
  )
}

/**
 * Customers by currency. Where figures are converted, all currencies are one, under the empty name: a customer who pays in two is one
 * customer, who stops with the last of them.
 */
export async function countCustomers(
  db: Db,
  question: Question,
  points: readonly number[],
): Promise<Map<string, Totals<Counted>>> {
  const { rows } = await db.query<{ bucket: number; unit: string } & Record<keyof Counted, string>>(
    `with ${pathsText(question)}
     select width_bucket(at_ms, $2::bigint[]) as bucket, unit, sum((active > 0)::int - (was > 0)::int) as grown,
       count(*) filter (where was = 0 and active > 0) as started,
       count(*) filter (where was > 0 and active = 0) as stopped
     from paths group by 1, 2 order by 2, 1`,
    [question.organizationUuid, points, points.at(-1), question.currency],
  )
  const byUnit = [...Map.groupBy(rows, ({ unit }) => unit)]
  return new Map(
    byUnit.map(([unit, own]) => {
      const buckets = own.map(row => ({
        bucket: row.bucket,
        part: partOf(noneCounted, name => Number(row[name])),
      }))
      const sum = (a: Counted, b: Counted, sign: 1 | -1) =>
        partOf(noneCounted, name => a[name] + sign * b[name])
      return [unit, totalsOf(points, buckets, noneCounted, sum)]
    }),
  )
}

/**
 * `paths`: each time at which a customer's revenue moved, with the number of currencies that the customer paid in before (`was`) and
 * after (`active`). Takes the organization as $1, the end as $3 and the currency as $4.
 */
export function pathsText({ convert }: Pick<Question, 'convert'>): string {
  const own = 'provider, account, mode, customer'
  if (!convert) {
    return `paths as (
      select ${own}, at_ms, currency as unit, (before > 0)::int as was, (after > 0)::int as active
      from ledger_mrr_movements where organization_id = $1 and at_ms < $3 and ($4 = '' or currency = $4))`
  }
  return `steps as (
      select ${own}, at_ms, sum((after > 0)::int - (before > 0)::int) as step
      from ledger_mrr_movements where organization_id = $1 and at_ms < $3 and ($4 = '' or currency = $4)
      group by ${own}, at_ms
    ), running as (
      select *, sum(step) over (partition by ${own} order by at_ms) as active from steps
    ), paths as (select ${own}, at_ms, '' as unit, active - step as was, active from running)`
}

function partOf<Part extends object>(like: Part, read: (name: keyof Part) => Part[keyof Part]): Part {
  return Object.fromEntries(Object.keys(like).map(name => [name, read(name as keyof Part)])) as Part
}

/** @param buckets by `width_bucket`: 0 is before the first point, n is from the n-th on */
function totalsOf<Part>(
  points: readonly number[],
  buckets: readonly { readonly bucket: number; readonly part: Part }[],
  none: Part,
  sum: (a: Part, b: Part, sign: 1 | -1) => Part,
): Totals<Part> {
  const byBucket = new Map(buckets.map(({ bucket, part }) => [bucket, part]))
  const upTo = new Map<number, Part>()
  let total = none
  for (const [index, point] of points.entries()) {
    total = sum(total, byBucket.get(index) ?? none, 1)
    upTo.set(point, total)
  }
  const before = (point: number): Part => {
    const found = upTo.get(point)
    if (found === undefined) throw new RangeError('no point of these totals')
    return found
  }
  return { before, between: (from, until) => sum(before(until), before(from), -1) }
}
