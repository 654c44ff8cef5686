import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { DesiredOrganization } from './desired.ts'
import type { OrganizationRow } from './rows.ts'

type Named = Pick<DesiredOrganization, 'slug' | 'owner'>

/** Two calls that declare the same slug at the same time take turns, and so do two slugs of one owner. */
export async function lockTargets(db: Db, desired: readonly Named[]): Promise<void> {
  const locks = desired.flatMap(({ slug, owner }) => [
    `fairlead.slug.${slug}`,
    `fairlead.owner.${ownedBy(owner)}`,
  ])
  // In one order everywhere, so that no two calls wait for each other.
  await db.query(
    'select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) as locks(name)',
    [[...new Set(locks)].sort()],
  )
}

/**
 * The row of each organization; undefined: there is none that is not deleted; a StoreError `slug_taken` or
 * `owned_by_another`. A slug that several of them want, and nobody has, is the first one's.
 */
export async function findTargets(
  db: Db,
  desired: readonly Named[],
): Promise<(OrganizationRow | StoreError | undefined)[]> {
  const { rows } = await db.query<OrganizationRow>(
    `select * from organizations where id in (
       select o.id from unnest($1::text[]) as w(slug)
         join organizations o on o.slug = w.slug and o.deleted_at is null
       union
       select o.id from unnest($2::owner_kind[], $3::text[]) as w(kind, reference)
         join organizations o on o.owner_kind = w.kind and o.owner_reference = w.reference and o.deleted_at is null
         where w.kind <> 'api')`,
    [
      desired.map(({ slug }) => slug),
      desired.map(({ owner }) => owner.owner_kind),
      desired.map(({ owner }) => owner.owner_reference),
    ],
  )
  const bySlug = new Map(rows.map(row => [row.slug, row]))
  const byOwner = Map.groupBy(rows, ownedBy)
  const taken = new Map<string, Named['owner']>()
  return desired.map(({ slug, owner }) => {
    const holder = bySlug.get(slug)
    const holds = holder ?? taken.get(slug)
    if (holds && ownedBy(holds) !== ownedBy(owner)) return slugTaken(slug, ownerText(holds))
    const others = owner.owner_kind === 'api' ? [] : (byOwner.get(ownedBy(owner)) ?? [])
    const other = others.find(row => row.slug !== slug)
    if (other) return ownedByAnother(ownedBy(owner), other)
    taken.set(slug, owner)
    return holder
  })
}

const ownedBy = ({ owner_kind, owner_reference }: Named['owner']): string =>
  `${owner_kind} ${owner_reference}`

const slugTaken = (slug: string, owner: string) =>
  new StoreError('slug_taken', `${owner} has the slug ${slug}`, { field: 'slug', owner })

const ownedByAnother = (owned: string, other: OrganizationRow) =>
  new StoreError(
    'owned_by_another',
    `${owned} declares ${other.slug}, and a slug never changes: delete it and declare another`,
    { field: 'slug', owner: ownerText(other) },
  )

/** An owner for people: `kubernetes tenants/acme`. */
export function ownerText(row: Pick<OrganizationRow, 'owner_kind' | 'owner_reference'>): string {
  return row.owner_kind === 'api' ? 'the API' : `${row.owner_kind} ${row.owner_reference}`
}
