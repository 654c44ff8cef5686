import { toUuid } from '@fairlead/webhook/id'
import type { GetOrganizationRequest } from '@fairlead/wire/store/organization'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { type OrganizationOverview, readOverviews } from './read.ts'

/**
 * The organization that a request names, deleted or not where it is named by its id; undefined if there is none. One
 * statement, which leaves out what is configured: the API asks at each of its calls. Throws a StoreError `invalid_field`.
 */
export async function findOrganization(
  db: Db,
  by: GetOrganizationRequest['by'],
): Promise<OrganizationOverview | undefined> {
  const [found] =
    by.case === 'slug'
      ? await readOverviews(db, 'o.slug = $1 and o.deleted_at is null', [by.value])
      : await readOverviews(db, 'o.id = $1', [toUuid(requireId('org', by.value ?? '', 'id'))])
  return found
}
