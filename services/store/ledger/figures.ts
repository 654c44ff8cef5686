import { timestampFromDate, timestampMs } from '@bufbuild/protobuf/wkt'
import { toUuid } from '@fairlead/webhook/id'
import type { ReadLedgerFiguresRequest } from '@fairlead/wire/store/ledger'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** Figures by day and currency. What a day began with is what the day before ended with, to the minor unit. */

const longestMs = 1_100 * 86_400_000

interface Range {
  readonly organization: string
  readonly fromMs: number
  readonly untilMs: number
  readonly timeZone: string
  readonly currency: string
}

type Sums = Readonly<Record<string, string>>

/** Throws a StoreError `invalid_field`. */
export async function readFigures(db: Db, request: ReadLedgerFiguresRequest) {
  const range = rangeOf(request)
  const values = [range.organization, range.fromMs, range.untilMs, range.timeZone, range.currency]
  const { rows: before } = await db.query<Sums>(startText, values)
  const { rows: movements } = await db.query<Sums>(movementsText, values)
  const { rows: money } = await db.query<Sums>(moneyText, values)
  const { rows } = await db.query<{ through: string | null; incomplete: string; restated: Date | null }>(
    `select (select max(occurred_ms) from ledger_facts where organization_id = $1) as through,
       (select coalesce(sum(jsonb_array_length(mrr_incomplete)), 0) from ledger_access
          where organization_id = $1 and mrr_incomplete <> '[]') as incomplete,
       (select max(recorded_at) from ledger_facts where organization_id = $1 and occurred_ms >= $2 and occurred_ms < $3
          and recorded_at > to_timestamp(occurred_ms / 1000.0) + interval '1 day') as restated`,
    values.slice(0, 3),
  )
  const { through, incomplete = '0', restated } = rows[0] ?? {}
  return {
    days: daysOf(before, movements, money),
    ...(through && { dataThrough: timestampFromDate(new Date(Number(through))) }),
    incomplete: BigInt(incomplete),
    ...(restated && { restatedAt: timestampFromDate(restated) }),
  }
}

function rangeOf(request: ReadLedgerFiguresRequest): Range {
  const organization = toUuid(requireId('org', request.organizationId, 'organization_id'))
  const { after, before, currency } = request
  if (!after || !before) throw new StoreError('invalid_field', 'after: is missing', { field: 'after' })
  const [fromMs, untilMs] = [timestampMs(after), timestampMs(before)]
  if (untilMs <= fromMs || untilMs - fromMs > longestMs) {
    throw new StoreError('invalid_field', 'before: must be later than after, by 1,100 days at most', {
      field: 'before',
    })
  }
  const timeZone = request.timeZone || 'UTC'
  if (!isTimeZone(timeZone)) {
    throw new StoreError('invalid_field', 'time_zone: is none', { field: 'time_zone' })
  }
  return { organization, fromMs, untilMs, timeZone, currency }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format() !== ''
  } catch {
    return false
  }
}

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

function daysOf(before: readonly Sums[], movements: readonly Sums[], money: readonly Sums[]) {
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
