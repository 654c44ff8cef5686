import type { Db } from '../scope.ts'
import type { DesiredOrganization } from './desired.ts'
import type { OrganizationRow } from './rows.ts'

/**
 * For how long an organization of a file that was deleted keeps its id and its log, in SQL: a file that comes back
 * within that time gets the same organization. No more than the shortest retention, after which the row may go.
 */
export const returnInterval = "interval '24 hours'"

/**
 * Slug → the row that a file declared and that was deleted a while ago, under the same owner and slug. Not for other
 * owners: in Kubernetes a deletion is a request, and the present owner of a namespace, or the creator of an organization
 * by the API, may be another person than before, who must not see the earlier log.
 */
export async function findReturning(
  db: Db,
  desired: readonly Pick<DesiredOrganization, 'slug' | 'owner'>[],
): Promise<Map<string, OrganizationRow>> {
  const files = desired.filter(({ owner }) => owner.owner_kind === 'file')
  if (files.length === 0) return new Map()
  const { rows } = await db.query<OrganizationRow>(
    `select o.* from unnest($1::text[], $2::text[]) as w(slug, reference)
     join organizations o on o.slug = w.slug and o.owner_kind = 'file' and o.owner_reference = w.reference
     where o.deleted_at > now() - ${returnInterval}
     order by o.deleted_at for update of o`,
    [files.map(({ slug }) => slug), files.map(({ owner }) => owner.owner_reference)],
  )
  // The newest stands.
  return new Map(rows.map(row => [row.slug, row]))
}

export const isDeleted = (row: OrganizationRow | undefined): boolean =>
  row !== undefined && row.deleted_at !== null
