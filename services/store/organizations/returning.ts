import type { Db } from '../scope.ts'
import type { DesiredOrganization } from './desired.ts'
import type { OrganizationRow } from './rows.ts'

/**
 * For how long an organization of a file that was deleted keeps its id and its log, in SQL: a file that comes back
 * within that time gets the same organization. No more than the shortest retention, after which the row may go.
 */
export const returnInterval = "interval '24 hours'"

/**
 * The row that a file declared and that was deleted a while ago, under the same owner and slug; undefined if there is
 * none. Not for other owners: in Kubernetes a deletion is a request, and the present owner of a namespace, or the creator of an
 * organization by the API, may be another person than before, who must not see the earlier log.
 */
export async function findReturning(
  db: Db,
  { slug, owner }: Pick<DesiredOrganization, 'slug' | 'owner'>,
): Promise<OrganizationRow | undefined> {
  if (owner.owner_kind !== 'file') return undefined
  const { rows } = await db.query<OrganizationRow>(
    `select * from organizations
     where slug = $1 and owner_kind = 'file' and owner_reference = $2 and deleted_at > now() - ${returnInterval}
     order by deleted_at desc limit 1 for update`,
    [slug, owner.owner_reference],
  )
  return rows[0]
}

export const isDeleted = (row: OrganizationRow | undefined): boolean =>
  row !== undefined && row.deleted_at !== null
