import { type DestinationId, fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import type { Slo } from '../organizations/rows.ts'
import type { SharedPool } from '../postgres.ts'
import { type Db, inScope } from '../scope.ts'

/** Organizations that declare `spec.slo`: those that have series of their own, and how many have not. */
export interface DeclaredSet {
  readonly organizations: ReadonlyMap<OrganizationId, DeclaredOrganization>
  /** Of all that declare objectives, also those without series of their own: their budgets are counted all the same. */
  readonly slos: ReadonlyMap<OrganizationId, Slo>
  /** Organizations that declare objectives and have no series of their own: counted together. */
  readonly folded: number
}

export interface DeclaredOrganization {
  readonly slug: string
  readonly slo: Slo
  /** Names of its destinations, for those that have series of their own. */
  readonly destinations: ReadonlyMap<DestinationId, string>
}

export const noneDeclared: DeclaredSet = { organizations: new Map(), slos: new Map(), folded: 0 }

/** Organizations with series of their own: those that were made first. Each has about 20 series. */
const mostOrganizations = 500
/** Destinations with series of their own, of all these organizations. */
const mostDestinations = 1_000

/** Objectives that organizations declare, as they were last read. */
export interface Declared {
  /** Of all organizations that declare any. */
  slos(): ReadonlyMap<OrganizationId, Slo>
  /** Reads them, and tells `declare`. */
  read(): Promise<void>
}

export function openDeclared(pool: SharedPool, declare: (set: DeclaredSet) => void): Declared {
  let declared = noneDeclared
  return {
    slos: () => declared.slos,
    async read() {
      declared = await readDeclaredSet(pool)
      declare(declared)
    },
  }
}

export function readDeclaredSet(pool: SharedPool): Promise<DeclaredSet> {
  return inScope(pool, 'platform', read, { timeoutMs: 10_000 })
}

async function read(db: Db): Promise<DeclaredSet> {
  const { rows } = await db.query<{ id: string; slug: string; slo: Slo }>(
    'select id, slug, slo from organizations where slo is not null and deleted_at is null order by created_at, id',
  )
  const shown = rows.slice(0, mostOrganizations)
  const { rows: destinations } = await db.query<{ organization_id: string; id: string; name: string }>(
    `select organization_id, id, name from destinations
     where organization_id = any($1::uuid[]) and deleted_at is null order by created_at, id limit $2`,
    [shown.map(({ id }) => id), mostDestinations],
  )
  const names = Map.groupBy(destinations, row => row.organization_id)
  return {
    organizations: new Map(
      shown.map(({ id, slug, slo }) => [
        fromUuid('org', id),
        {
          slug,
          slo,
          destinations: new Map((names.get(id) ?? []).map(row => [fromUuid('dst', row.id), row.name])),
        },
      ]),
    ),
    slos: new Map(rows.map(({ id, slo }) => [fromUuid('org', id), slo])),
    folded: rows.length - shown.length,
  }
}
