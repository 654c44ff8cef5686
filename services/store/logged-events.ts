import type { Db } from './scope.ts'

/** Of these pairs of organization and event, those that the log has, as `<organization> <event>`. */
export async function loggedEvents(
  db: Db,
  pairs: readonly (readonly [organization: string, event: string])[],
): Promise<Set<string>> {
  const { rows } = await db.query<{ organization_id: string; id: string }>(
    `select e.organization_id, e.id from unnest($1::uuid[], $2::uuid[]) as n (organization_id, id)
     join events e on e.organization_id = n.organization_id and e.id = n.id`,
    [pairs.map(([organization]) => organization), pairs.map(([, event]) => event)],
  )
  return new Set(rows.map(row => `${row.organization_id} ${row.id}`))
}
