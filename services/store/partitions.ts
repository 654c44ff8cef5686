import type { Db } from './scope.ts'

/** Days made ahead, so that the first event of a day finds its tables. */
export const daysAhead = 3

/** Makes the log's partitions of some days (UTC, `2030-01-31`) unless they are there. */
export async function ensureDays(db: Db, days: ReadonlySet<string>): Promise<void> {
  if (days.size === 0) return
  const { rows } = await db.query<{ day: string }>(
    `select day::text from unnest($1::date[]) as day
     where to_regclass('attempts_' || to_char(day, 'YYYYMMDD')) is null order by day`,
    [[...days]],
  )
  for (const { day } of rows) await db.query('call create_log_partitions($1)', [day])
}

/** Today, and the days ahead. */
export function comingDays(nowMs: number): Set<string> {
  return new Set(
    Array.from({ length: daysAhead + 1 }, (_, i) =>
      new Date(nowMs + i * 86_400_000).toISOString().slice(0, 10),
    ),
  )
}
