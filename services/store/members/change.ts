import type { JsonObject } from '@bufbuild/protobuf'
import { fromUuid, type MemberId, type OrganizationId, toUuid } from '@fairlead/webhook/id'

import type { MemberRow, Role } from '../organizations/rows.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

export type NamedMemberRow = MemberRow & { readonly slug: string }

/** From the most to the least powerful. */
const order: readonly Role[] = ['owner', 'admin', 'developer', 'viewer']

const isAbove = (role: Role, other: Role): boolean => order.indexOf(role) < order.indexOf(other)

/** Throws a StoreError `above_caller`: nobody gives, takes or touches a role above their own. */
export function refuseAbove(role: Role, callerRole: Role): void {
  if (!isAbove(role, callerRole)) return
  throw new StoreError('above_caller', `a ${callerRole} can not give or touch the role ${role}`)
}

/**
 * Locks an organization's members against every other change of them, until the transaction ends: of two owners who demote
 * each other at one time, the second sees what the first did. Throws a StoreError `not_found`.
 */
export async function lockMembers(db: Db, organization: OrganizationId): Promise<{ slug: string }> {
  const { rows } = await db.query<{ slug: string }>(
    'select slug from organizations where id = $1 and deleted_at is null for update',
    [toUuid(organization)],
  )
  if (!rows[0]) throw new StoreError('not_found', 'there is no such organization')
  return rows[0]
}

interface Target {
  readonly organization: OrganizationId
  readonly member: MemberId
  readonly callerRole: Role
}

/** Finds a member that may be changed. Throws a StoreError `not_found`, `managed_by_owner` or `above_caller`. */
async function findChangeable(db: Db, { organization, member, callerRole }: Target): Promise<NamedMemberRow> {
  const { slug } = await lockMembers(db, organization)
  const { rows } = await db.query<MemberRow>('select * from members where organization_id = $1 and id = $2', [
    toUuid(organization),
    toUuid(member),
  ])
  const [row] = rows
  if (!row) throw new StoreError('not_found', 'there is no such member')
  if (row.managed_by === 'owner') {
    throw new StoreError(
      'managed_by_owner',
      'the resource that declares the organization declares this member',
    )
  }
  refuseAbove(row.role, callerRole)
  return { ...row, slug }
}

/** Throws a StoreError `last_owner` if no other owner could sign in. The members are locked. */
async function requireOtherOwner(db: Db, organization: OrganizationId, member: MemberId): Promise<void> {
  const { rowCount } = await db.query(
    `select from members where organization_id = $1 and id <> $2 and role = 'owner' and active limit 1`,
    [toUuid(organization), toUuid(member)],
  )
  if (!rowCount) throw new StoreError('last_owner', 'an organization keeps at least one owner')
}

/** Changes a role; answers with the member, and what the audit log says. */
export async function changeRole(
  db: Db,
  target: Target,
  role: Role,
): Promise<{ row: NamedMemberRow; details: JsonObject }> {
  const before = await findChangeable(db, target)
  refuseAbove(role, target.callerRole)
  if (before.role === 'owner' && role !== 'owner') {
    await requireOtherOwner(db, target.organization, target.member)
  }
  await db.query('update members set role = $3 where organization_id = $1 and id = $2', [
    toUuid(target.organization),
    toUuid(target.member),
    role,
  ])
  return {
    row: { ...before, role },
    details: { email: before.email, before: { role: before.role }, after: { role } },
  }
}

/** Removes a member and revokes the member's keys. */
export async function removeMember(
  db: Db,
  target: Target,
): Promise<{ email: string; revokedKeys: number; details: JsonObject }> {
  const { email, role } = await findChangeable(db, target)
  if (role === 'owner') await requireOtherOwner(db, target.organization, target.member)
  const key = [toUuid(target.organization), toUuid(target.member)]
  await db.query('delete from members where organization_id = $1 and id = $2', key)
  const { rows } = await db.query<{ id: string }>(
    `update api_keys set revoked_at = now() where organization_id = $1 and made_by = $2 and revoked_at is null
     returning id`,
    key,
  )
  const keys = rows.map(({ id }) => fromUuid('key', id))
  return { email, revokedKeys: keys.length, details: { email, before: { role }, revokedKeys: keys } }
}
