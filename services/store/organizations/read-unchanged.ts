import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import type { DesiredOrganization } from './desired.ts'
import type { OrganizationOverview } from './read.ts'
import type { DestinationRow, OrganizationRow, PauseRow, RouteRow, SealedRow, SourceRow } from './rows.ts'

/** An organization as an apply answers with it: without secrets, members and API keys. */
export interface OrganizationInForce extends OrganizationOverview {
  readonly sources: readonly (SourceRow & { secrets: Pick<SealedRow, 'id' | 'created_at'>[] })[]
  readonly destinations: readonly (DestinationRow & {
    headers: Pick<SealedRow, 'id'>[]
    pause: Pick<PauseRow, 'reason' | 'since'> | undefined
  })[]
  readonly routes: readonly RouteRow[]
}

/** In JSON times are texts. */
type InJson<Row> = { [Column in keyof Row]: Row[Column] extends Date ? string : Row[Column] }

interface UnchangedRow extends OrganizationRow {
  accepted: string
  sources: (InJson<SourceRow> & { secrets: InJson<Pick<SealedRow, 'id' | 'created_at'>>[] })[]
  destinations: (InJson<DestinationRow> & {
    headers: Pick<SealedRow, 'id'>[]
    pause: InJson<Pick<PauseRow, 'reason' | 'since'>> | null
  })[]
  routes: RouteRow[]
}

/** An organization that its owner believes to be in force. */
export interface Believed extends Pick<DesiredOrganization, 'slug' | 'owner'> {
  readonly digest: Buffer
}

/**
 * Place → the organization of this owner, where its digest is the one given, in one statement; the others have to be
 * compared. The digests and the rows are of one snapshot.
 */
export async function readUnchanged(
  db: Db,
  believed: readonly Believed[],
): Promise<Map<number, OrganizationInForce>> {
  const { rows } = await db.query<UnchangedRow & { place: number }>(
    select(
      'w.place,',
      `unnest($1::text[], $2::owner_kind[], $3::text[], $4::bytea[])
         with ordinality as w(slug, owner_kind, owner_reference, digest, place)
       join organizations o on o.slug = w.slug and o.owner_kind = w.owner_kind
         and o.owner_reference = w.owner_reference and o.applied_digest = w.digest`,
      'o.deleted_at is null',
    ),
    [
      believed.map(({ slug }) => slug),
      believed.map(({ owner }) => owner.owner_kind),
      believed.map(({ owner }) => owner.owner_reference),
      believed.map(({ digest }) => digest),
    ],
  )
  return new Map(rows.map(({ place, ...row }) => [Number(place) - 1, inForce(row)]))
}

/** Organizations that are not deleted, in one statement. */
export async function readInForce(
  db: Db,
  ids: readonly OrganizationId[],
): Promise<Map<OrganizationId, OrganizationInForce>> {
  const { rows } = await db.query<UnchangedRow>(
    select('', 'organizations o', 'o.deleted_at is null and o.id = any($1::uuid[])'),
    [ids.map(toUuid)],
  )
  return new Map(rows.map(row => [fromUuid('org', row.id), inForce(row)]))
}

function inForce(row: UnchangedRow): OrganizationInForce {
  const { accepted, sources, destinations, ...organization } = row
  return {
    ...organization,
    acceptedThisMonth: BigInt(accepted),
    openDeliveries: 0,
    sources: sources.map(({ secrets, created_at, ...source }) => ({
      ...source,
      created_at: new Date(created_at),
      deleted_at: null,
      secrets: secrets.map(secret => ({ id: secret.id, created_at: new Date(secret.created_at) })),
    })),
    destinations: destinations.map(({ pause, created_at, ...destination }) => ({
      ...destination,
      created_at: new Date(created_at),
      deleted_at: null,
      pause: pause ? { reason: pause.reason, since: new Date(pause.since) } : undefined,
    })),
  }
}

const select = (columns: string, from: string, where: string) => `
  select ${columns} o.*, coalesce(u.accepted, 0)::text as accepted,
    (select coalesce(json_agg(s order by s.name), '[]') from (
       select t.*, (select coalesce(json_agg(json_build_object('id', x.id, 'created_at', x.created_at)
           order by x.position, x.id), '[]')
         from source_secrets x where x.organization_id = o.id and x.source_id = t.id) as secrets
       from sources t where t.organization_id = o.id and t.deleted_at is null) s) as sources,
    (select coalesce(json_agg(d order by d.name), '[]') from (
       select t.*, (select coalesce(json_agg(json_build_object('id', h.name) order by h.position, h.name), '[]')
           from destination_headers h where h.organization_id = o.id and h.destination_id = t.id) as headers,
         (select json_build_object('reason', p.reason, 'since', p.since)
           from destination_pauses p where p.organization_id = o.id and p.destination_id = t.id) as pause
       from destinations t where t.organization_id = o.id and t.deleted_at is null) d) as destinations,
    (select coalesce(json_agg(r order by r.created_at, r.id), '[]')
       from routes r where r.organization_id = o.id) as routes
  from ${from}
  left join monthly_usage u
    on u.organization_id = o.id and u.month = date_trunc('month', now() at time zone 'UTC')::date
  where ${where}`
