import type { Db } from '../../scope.ts'
import type { Question } from './question.ts'

/** A day or month of a time zone, or the part of it that is asked for. */
export interface Span {
  /** `2026-03-01` or `2026-03`. */
  readonly label: string
  readonly fromMs: number
  /** Exclusive. */
  readonly untilMs: number
}

const labels = { day: 'YYYY-MM-DD', month: 'YYYY-MM' } as const

/**
 * The days or months of a question, in order and without a gap. Postgres knows the changes of clock: a day has 23 to 25 hours, and
 * days that a zone left out are none. A day whose midnight comes twice begins with the first: Postgres takes the second, but not of the minute
 * before, which comes once. Where a zone left out a day, that minute isn't there, and midnight itself is right: the earlier of both is.
 */
export async function readSpans(db: Db, question: Question, by: 'day' | 'month'): Promise<Span[]> {
  const { fromMs, untilMs, timeZone } = question
  const usual =
    by === 'month' ? "date_trunc('month', last) - interval '11 months'" : "until - interval '30 days'"
  const { rows } = await db.query<{ label: string; from_ms: string }>(
    `with asked as (
       select to_timestamp($2::bigint / 1000.0) at time zone $3 as until,
         to_timestamp(($2::bigint - 1) / 1000.0) at time zone $3 as last,
         to_timestamp($1::bigint / 1000.0) at time zone $3 as from_time
     ), since as (select coalesce(from_time, ${usual}) as begins, until from asked), points as (
       select span, greatest(span, begins) as point
       from since, generate_series(date_trunc('${by}', begins), until, interval '1 ${by}') as span
     )
     select to_char(span, '${labels[by]}') as label,
       (extract(epoch from least(
         point at time zone $3, ((point - interval '1 minute') at time zone $3) + interval '1 minute')) * 1000)::bigint as from_ms
     from points order by span`,
    [fromMs ?? null, untilMs, timeZone],
  )
  const begins = rows.map((row, index) =>
    index === 0 && fromMs !== undefined ? fromMs : Number(row.from_ms),
  )
  return rows
    .map(({ label }, index) => ({
      label,
      fromMs: begins[index]!,
      untilMs: Math.min(begins[index + 1] ?? untilMs, untilMs),
    }))
    .filter(span => span.untilMs > span.fromMs)
}
