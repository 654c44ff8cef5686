import { randomBytes } from 'node:crypto'
import { fromUuid, newId, toUuid } from '@fairlead/webhook/id'
import type { Keyring } from '@fairlead/wire/seal'
import { type Db, enterStatement } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { DesiredOrganization } from './desired.ts'
import { diff } from './diff.ts'
import { digestOf } from './digest.ts'
import { readOrganization } from './read.ts'
import { type OrganizationInForce, readUnchanged } from './read-unchanged.ts'
import { findReturning, isDeleted } from './returning.ts'
import type { OrganizationRow } from './rows.ts'
import { write } from './write.ts'

export interface Applied {
  organization: OrganizationInForce
  created: boolean
  changed: boolean
}

/**
 * Brings an organization to its desired state, in a transaction under the platform's scope (a slug may be any
 * organization's). Rows are written under the organization's own scope.
 *
 *   unchanged? ─▶ lock slug and owner ─▶ whose is the slug? ─▶ read ─▶ diff (pure) ─▶ write ─▶ note digest ─▶ read again
 *
 * A desired state that was applied before and has not changed since needs the first statement alone (docs/adr/0035).
 * Throws a StoreError: `slug_taken`, or `owned_by_another` if this owner has an organization under another slug.
 */
export async function applyOrganization(
  db: Db,
  desired: DesiredOrganization,
  { keyring, nowMs }: { keyring: Keyring; nowMs: number },
): Promise<Applied> {
  const digest = digestOf(desired, keyring)
  const unchanged = await readUnchanged(db, desired, digest)
  if (unchanged) return { organization: unchanged, created: false, changed: false }
  const found = (await findTarget(db, desired)) ?? (await findReturning(db, desired))
  const id = found ? fromUuid('org', found.id) : newId('org', nowMs)
  await db.query(`${enterStatement(id)}; set local fairlead.keeps_applied = 'on'`)
  const stored = found && (await readOrganization(db, id, { deleted: true }))
  const changes = diff(stored, desired, { organizationId: toUuid(id), keyring, nowMs, makeSigningSecret })
  const changed = changes.length > 0 || isDeleted(found)
  // A statement of its own: one that also notes the digest would lose it.
  if (isDeleted(found))
    await db.query('update organizations set deleted_at = null where id = $1', [toUuid(id)])
  await write(db, changes)
  await db.query(
    `update organizations set updated_at = case when $2 then now() else updated_at end,
       applied_digest = case when changes_by_others = $3 then $4::bytea end where id = $1`,
    [toUuid(id), changed && found !== undefined, found?.changes_by_others ?? '0', digest],
  )
  const organization = await readOrganization(db, id)
  return { organization: organization!, created: !found, changed }
}

/** The row of the organization that the desired state is for; undefined: none exists that is not deleted. */
async function findTarget(
  db: Db,
  { slug, owner }: DesiredOrganization,
): Promise<OrganizationRow | undefined> {
  // Two calls that declare the same slug at the same time take turns, and so do two slugs of one owner.
  const owned = `${owner.owner_kind} ${owner.owner_reference}`
  for (const lock of [`fairlead.slug.${slug}`, `fairlead.owner.${owned}`].sort()) {
    await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lock])
  }
  const { rows } = await db.query<OrganizationRow>(
    `select * from organizations where deleted_at is null
       and (slug = $1 or ($2 <> 'api' and owner_kind = $2::owner_kind and owner_reference = $3))`,
    [slug, owner.owner_kind, owner.owner_reference],
  )
  const ours = (row: OrganizationRow) =>
    row.owner_kind === owner.owner_kind && row.owner_reference === owner.owner_reference
  const holder = rows.find(row => row.slug === slug)
  if (holder && !ours(holder)) {
    const owner = ownerText(holder)
    throw new StoreError('slug_taken', `${owner} has the slug ${slug}`, { field: 'slug', owner })
  }
  const other = rows.find(row => row.slug !== slug)
  if (other) {
    throw new StoreError(
      'owned_by_another',
      `${owned} declares ${other.slug}, and a slug never changes: delete it and declare another`,
      { field: 'slug', owner: ownerText(other) },
    )
  }
  return holder
}

/** An owner for people: `kubernetes tenants/acme`. */
export function ownerText(row: Pick<OrganizationRow, 'owner_kind' | 'owner_reference'>): string {
  return row.owner_kind === 'api' ? 'the API' : `${row.owner_kind} ${row.owner_reference}`
}

/** As Standard Webhooks writes it: 32 random bytes. */
function makeSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
