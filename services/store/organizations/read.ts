import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import type {
  ApiKeyRow,
  DestinationRow,
  HydrationKeyRow,
  MemberRow,
  OrganizationRow,
  PauseRow,
  RouteRow,
  SealedRow,
  SourceRow,
} from './rows.ts'

/** An organization without what is configured for it. */
export interface OrganizationOverview extends OrganizationRow {
  /** Events accepted in the current calendar month (UTC). */
  acceptedThisMonth: bigint
  /** Deliveries that have not ended; counted for deleted organizations only, else 0. */
  openDeliveries: number
}

export type StoredSource = SourceRow & { secrets: SealedRow[] }
export type StoredDestination = DestinationRow & {
  headers: SealedRow[]
  auths: SealedRow[]
  pause: PauseRow | undefined
}

/** An organization with all that is configured for it. */
export interface StoredOrganization extends OrganizationOverview {
  members: MemberRow[]
  sources: StoredSource[]
  destinations: StoredDestination[]
  routes: RouteRow[]
  signingSecrets: SealedRow[]
  /** By the name of their source. */
  hydrationKeys: HydrationKeyRow[]
  apiKeys: ApiKeyRow[]
}

export interface ReadOptions {
  /** Also sources and destinations that are deleted; their names still have their ids. Default false. */
  deleted?: boolean
}

/**
 * Organizations without their configuration, in one statement. By slug.
 * @param where a condition on `o`, with the places of `values`
 */
export async function readOverviews(
  db: Db,
  where: string,
  values: readonly unknown[],
): Promise<OrganizationOverview[]> {
  const { rows } = await db.query<OrganizationRow & { accepted: string; open: number }>(
    `select o.*, coalesce(u.accepted, 0)::text as accepted,
       case when o.deleted_at is null then 0 else
         (select count(*)::int from deliveries d where d.organization_id = o.id and d.state = 'waiting') end as open
     from organizations o
     left join monthly_usage u
       on u.organization_id = o.id and u.month = date_trunc('month', now() at time zone 'UTC')::date
     where ${where}
     order by o.slug, o.id`,
    [...values],
  )
  return rows.map(({ accepted, open, ...row }) => ({
    ...row,
    acceptedThisMonth: BigInt(accepted),
    openDeliveries: open,
  }))
}

/** One organization under its own scope or the platform's, deleted or not; undefined if there is none. */
export async function readOrganization(
  db: Db,
  id: OrganizationId,
  options: ReadOptions = {},
): Promise<StoredOrganization | undefined> {
  const [organization] = await readOrganizations(db, [id], options)
  return organization
}

/** Some organizations, or all that the scope shows, in twelve statements however many they are. By slug. */
export async function readOrganizations(
  db: Db,
  ids?: readonly OrganizationId[],
  { deleted = false }: ReadOptions = {},
): Promise<StoredOrganization[]> {
  const uuids = ids?.map(toUuid) ?? null
  const read = async <Row>(sql: string): Promise<Row[]> => (await db.query(sql, [uuids])).rows as Row[]

  const organizations = await readOverviews(db, '$1::uuid[] is null or o.id = any($1)', [uuids])
  const members = await read<MemberRow>(`
    select * from members where $1::uuid[] is null or organization_id = any($1) order by email`)
  const sources = await read<SourceRow>(`
    select * from sources where ($1::uuid[] is null or organization_id = any($1)) and (${deleted} or deleted_at is null)
    order by name`)
  const secrets = await read<SealedRow & { source_id: string }>(`
    select organization_id, source_id, id, position, sealed, created_at from source_secrets
    where $1::uuid[] is null or organization_id = any($1) order by position, id`)
  const destinations = await read<DestinationRow>(`
    select * from destinations where ($1::uuid[] is null or organization_id = any($1)) and (${deleted} or deleted_at is null)
    order by name`)
  const headers = await read<SealedRow & { destination_id: string }>(`
    select organization_id, destination_id, name as id, position, sealed from destination_headers
    where $1::uuid[] is null or organization_id = any($1) order by position, name`)
  const auths = await read<SealedRow & { destination_id: string }>(`
    select * from destination_auths where $1::uuid[] is null or organization_id = any($1) order by position, id`)
  const pauses = await read<PauseRow>(`
    select * from destination_pauses where $1::uuid[] is null or organization_id = any($1)`)
  const routes = await read<RouteRow>(`
    select * from routes where $1::uuid[] is null or organization_id = any($1) order by created_at, id`)
  const signing = await read<SealedRow>(`
    select * from signing_secrets where $1::uuid[] is null or organization_id = any($1) order by position, id`)
  const hydration = await read<HydrationKeyRow>(`
    select * from ledger_hydration_keys where $1::uuid[] is null or organization_id = any($1) order by position, id`)
  const apiKeys = await read<ApiKeyRow>(`
    select * from api_keys where ($1::uuid[] is null or organization_id = any($1)) and organization_id is not null
      and revoked_at is null order by created_at desc, id desc`)

  const membersOf = group(members, row => row.organization_id)
  const sourcesOf = group(sources, row => row.organization_id)
  const secretsOf = group(secrets, row => row.source_id)
  const destinationsOf = group(destinations, row => row.organization_id)
  const headersOf = group(headers, row => row.destination_id)
  const authsOf = group(auths, row => row.destination_id)
  const pauseOf = new Map(pauses.map(pause => [pause.destination_id, pause]))
  const routesOf = group(routes, row => row.organization_id)
  const signingOf = group(signing, row => row.organization_id)
  const hydrationOf = group(hydration, row => row.organization_id)
  const apiKeysOf = group(apiKeys, row => row.organization_id!)
  return organizations.map(row => ({
    ...row,
    members: membersOf(row.id),
    sources: sourcesOf(row.id).map(source => ({ ...source, secrets: secretsOf(source.id) })),
    destinations: destinationsOf(row.id).map(destination => ({
      ...destination,
      headers: headersOf(destination.id),
      auths: authsOf(destination.id),
      pause: pauseOf.get(destination.id),
    })),
    routes: routesOf(row.id),
    signingSecrets: signingOf(row.id),
    hydrationKeys: hydrationOf(row.id),
    apiKeys: apiKeysOf(row.id),
  }))
}

/** Rows by a key; a key without rows has none. */
function group<Row>(rows: readonly Row[], key: (row: Row) => string): (key: string) => Row[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(key(row))
    if (group) group.push(row)
    else groups.set(key(row), [row])
  }
  return id => groups.get(id) ?? []
}

/** Whether the month's limit of accepted events is used up. */
export function quotaExceeded(
  organization: Pick<StoredOrganization, 'webhook_limit' | 'acceptedThisMonth'>,
): boolean {
  return (
    organization.webhook_limit !== null &&
    organization.acceptedThisMonth >= BigInt(organization.webhook_limit)
  )
}

export const organizationIdOf = (organization: Pick<OrganizationRow, 'id'>): OrganizationId =>
  fromUuid('org', organization.id)
