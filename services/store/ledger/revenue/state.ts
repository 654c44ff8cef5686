import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Db } from '../../scope.ts'

/** The end of a time whose figures are asked for. */
interface Asked {
  readonly organizationUuid: string
  readonly untilMs: number
}

/**
 * How far figures go, and how certain they are. A day before the asked time counts as well: recurring revenue is the sum of all
 * movements up to a time.
 */
export async function readState(db: Db, { organizationUuid, untilMs }: Asked) {
  const { rows } = await db.query<{ through: string | null; incomplete: string; restated: Date | null }>(
    `select (select max(occurred_ms) from ledger_facts where organization_id = $1) as through,
       (select coalesce(sum(jsonb_array_length(mrr_incomplete)), 0) from ledger_access
          where organization_id = $1 and mrr_incomplete <> '[]') as incomplete,
       (select max(last_at) from ledger_restatements where organization_id = $1
          and day <= (to_timestamp(($2::bigint - 1) / 1000.0) at time zone 'UTC')::date
          and (mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0)) as restated`,
    [organizationUuid, untilMs],
  )
  const { through, incomplete = '0', restated } = rows[0] ?? {}
  return {
    ...(through && { dataThrough: timestampFromDate(new Date(Number(through))) }),
    incomplete: BigInt(incomplete),
    ...(restated && { restatedAt: timestampFromDate(restated) }),
  }
}
