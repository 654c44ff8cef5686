import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Db } from './scope.ts'

/** What verified at a source in the last hour: new events, and requests that were swallowed as repeats. */

export interface SourceCounts {
  readonly accepted: number
  readonly repeated: number
  /** Repeats with another body than their event. */
  readonly differing: number
}

export const noneCounted: SourceCounts = { accepted: 0, repeated: 0, differing: 0 }

/** Requests are counted in slots of this length, ms: the last hour is six of them and the one that runs. */
export const slotMs = 600_000
const hourMs = 3_600_000

/** So many repeats with another body than their event, in the last hour, … */
const manyDiffer = 10
/** … and such a part of all that verified: its deduplication rather takes new events for repeats. */
const largePart = 1 / 5

/** Whether a source rather swallows new events than repeats. */
export const isSwallowing = ({ accepted, repeated, differing }: SourceCounts): boolean =>
  differing >= manyDiffer && differing >= largePart * (accepted + repeated)

/** The first slot that counts. */
export const countedFrom = (nowMs: number): Date => new Date(nowMs - hourMs - slotMs)

/** Source → what verified in the last hour, or up to a slot more; sources without any are left out. */
export async function readCounts(
  db: Db,
  organizations: readonly OrganizationId[],
  nowMs: number,
): Promise<Map<string, SourceCounts>> {
  const { rows } = await db.query<SourceCounts & { source_id: string }>(
    `select source_id, sum(accepted)::float8 as accepted, sum(repeated)::float8 as repeated,
       sum(differing)::float8 as differing
     from source_counts where organization_id = any($1::uuid[]) and slot > $2 group by source_id`,
    [organizations.map(toUuid), countedFrom(nowMs)],
  )
  return new Map(rows.map(({ source_id, ...counts }) => [source_id, counts]))
}
