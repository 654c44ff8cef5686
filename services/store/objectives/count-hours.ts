import { type OrganizationId, toUuid as uuid } from '@fairlead/webhook/id'
import type { OrganizationObjective } from '@fairlead/webhook/objective'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import type { Slo } from '../organizations/rows.ts'
import type { Db } from '../scope.ts'
import { judgedOf } from './organization-metrics.ts'

export const hourMs = 3_600_000

interface HourCount {
  readonly organization: OrganizationId
  readonly objective: OrganizationObjective
  good: number
  bad: number
}

/**
 * Adds a batch's attempts to the counts of the running hour, in the batch's transaction. A row is written for each objective
 * of each organization that the batch judges. An attempt that a worker tells again after a crash, in another batch, counts
 * twice.
 *
 * @param slos of all organizations that declare objectives
 * @param nowMs decides the hour: an hour that is over changes no more
 */
export async function countHours(
  db: Db,
  attempts: readonly AttemptRecord[],
  slos: ReadonlyMap<OrganizationId, Slo>,
  nowMs: number,
): Promise<void> {
  const rows = hourCounts(attempts, slos)
  if (rows.length === 0) return
  await db.query(
    `insert into objective_hours as known (organization_id, objective, hour, good, bad)
     select n.organization_id, n.objective, $5, n.good, n.bad
     from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) as n (organization_id, objective, good, bad)
     order by 1, 2
     on conflict (organization_id, objective, hour) do update set
       good = known.good + excluded.good, bad = known.bad + excluded.bad`,
    [
      rows.map(({ organization }) => uuid(organization)),
      rows.map(({ objective }) => objective),
      rows.map(({ good }) => good),
      rows.map(({ bad }) => bad),
      new Date(Math.floor(nowMs / hourMs) * hourMs),
    ],
  )
}

/** Good and bad of a batch, by organization and objective. Pure. */
export function hourCounts(
  attempts: readonly AttemptRecord[],
  slos: ReadonlyMap<OrganizationId, Slo>,
): readonly Readonly<HourCount>[] {
  if (slos.size === 0) return []
  const counts = new Map<string, HourCount>()
  for (const attempt of attempts) {
    const { organization } = attempt
    const slo = slos.get(organization)
    if (!slo) continue
    for (const [objective, result] of judgedOf(attempt, slo)) {
      if (result === 'excluded') continue
      const key = `${organization} ${objective}`
      const count = counts.get(key) ?? { organization, objective, good: 0, bad: 0 }
      counts.set(key, count)
      count[result] += 1
    }
  }
  return [...counts.values()]
}
