import { timestampDate } from '@bufbuild/protobuf/wkt'
import { type ListOrganizationsRequest, OrganizationState } from '@fairlead/wire/store/organization'
import type { Db } from '../scope.ts'
import { ownerKindWord } from './desired.ts'

/** Ids and slugs of the organizations that a request asks for, by slug, behind the last one of the page before. */
export async function findOrganizations(
  db: Db,
  request: ListOrganizationsRequest,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<{ id: string; slug: string }[]> {
  const { text, plan, provider, createdAfter, createdBefore } = request
  const { rows } = await db.query<{ id: string; slug: string }>(
    `select o.id, o.slug from organizations o
     where o.deleted_at is null and o.slug > $1
       and ($2::owner_kind is null or o.owner_kind = $2)
       and ($4 = '' or strpos(lower(o.slug), lower($4)) > 0 or strpos(lower(o.display_name), lower($4)) > 0)
       and ($5 = '' or o.plan = $5)
       and ($6 = '' or exists (
         select from sources s where s.organization_id = o.id and s.provider = $6 and s.deleted_at is null))
       and ($7::timestamptz is null or o.created_at >= $7)
       and ($8::timestamptz is null or o.created_at < $8)
       and ${stateConditions[request.state]}
     order by o.slug limit $3`,
    [
      after,
      ownerKindWord(request.ownerKind) ?? null,
      limit,
      text,
      plan,
      provider,
      createdAfter ? timestampDate(createdAfter) : null,
      createdBefore ? timestampDate(createdBefore) : null,
    ],
  )
  return rows
}

const stateConditions: Readonly<Record<OrganizationState, string>> = {
  [OrganizationState.UNSPECIFIED]: 'true',
  [OrganizationState.ACTIVE]: 'o.active',
  [OrganizationState.INACTIVE]: 'not o.active',
  [OrganizationState.OVER_QUOTA]: `o.webhook_limit is not null and o.webhook_limit <= coalesce((
    select u.accepted from monthly_usage u
    where u.organization_id = o.id and u.month = date_trunc('month', now() at time zone 'UTC')::date), 0)`,
}
