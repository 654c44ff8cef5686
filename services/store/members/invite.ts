import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid, type InvitationId, newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { InvitationSchema } from '@fairlead/wire/store/member'

import { roleMessage } from '../organizations/messages.ts'
import type { Role } from '../organizations/rows.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { lockMembers, type NamedMemberRow, refuseAbove } from './change.ts'

export interface InvitationRow {
  readonly organization_id: string
  readonly id: string
  readonly email: string
  readonly role: Role
  readonly invited_by: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly slug: string
  readonly display_name: string
}

/** Invitations that are good, with their organization's names. */
export const openInvitations = `
  select i.*, o.slug, o.display_name from invitations i join organizations o on o.id = i.organization_id
  where o.deleted_at is null and i.accepted_at is null and i.revoked_at is null and i.expires_at > $1`

export function invitationMessage(row: InvitationRow) {
  return create(InvitationSchema, {
    id: fromUuid('inv', row.id),
    organizationId: fromUuid('org', row.organization_id),
    organizationSlug: row.slug,
    organizationName: row.display_name,
    email: row.email,
    role: roleMessage[row.role],
    invitedBy: row.invited_by,
    createdAt: timestampFromDate(row.created_at),
    expiresAt: timestampFromDate(row.expires_at),
  })
}

export interface Invite {
  readonly organization: OrganizationId
  readonly email: string
  readonly role: Role
  readonly callerRole: Role
  readonly tokenSha256: Uint8Array
  readonly invitedBy: string
  readonly expiresAt: Date
}

/** Open invitations of an organization, which are listed at once. */
const mostOpen = 1_000

/** Takes the place of an open invitation of the same address. Throws a StoreError `name_taken` for a member, `limit_reached`. */
export async function invite(db: Db, asked: Invite, now: Date): Promise<InvitationRow> {
  refuseAbove(asked.role, asked.callerRole)
  const organization = toUuid(asked.organization)
  await lockMembers(db, asked.organization)
  const { rowCount } = await db.query('select from members where organization_id = $1 and email = $2', [
    organization,
    asked.email,
  ])
  if (rowCount) throw new StoreError('name_taken', 'this address is a member', { field: 'email' })
  const { rows: before } = await db.query<{ role: Role; is_open: boolean }>(
    `update invitations set revoked_at = $3 where organization_id = $1 and email = $2 and accepted_at is null
       and revoked_at is null returning role, expires_at > $3 as is_open`,
    [organization, asked.email, now],
  )
  // Replacing an owner's invitation to be an owner would take that role away; one that has ended gives none.
  for (const { role, is_open } of before) if (is_open) refuseAbove(role, asked.callerRole)
  await requireRoom(db, organization, now)
  const id = toUuid(newId('inv', now.getTime()))
  await db.query(
    `insert into invitations (organization_id, id, email, role, token_sha256, invited_by, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      organization,
      id,
      asked.email,
      asked.role,
      Buffer.from(asked.tokenSha256),
      asked.invitedBy,
      now,
      asked.expiresAt,
    ],
  )
  const { rows } = await db.query<InvitationRow>(
    `${openInvitations} and i.organization_id = $2 and i.id = $3`,
    [now, organization, id],
  )
  if (!rows[0])
    throw new StoreError('invalid_field', 'expires_at: must be in the future', { field: 'expires_at' })
  return rows[0]
}

async function requireRoom(db: Db, organization: string, now: Date): Promise<void> {
  const { rowCount } = await db.query(
    `select from invitations where organization_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2 limit $3`,
    [organization, now, mostOpen],
  )
  if ((rowCount ?? 0) < mostOpen) return
  throw new StoreError(
    'limit_reached',
    `an organization has at most ${mostOpen} open invitations: revoke one first`,
  )
}

/** Makes an open invitation useless. Throws a StoreError `not_found` or `above_caller`. */
export async function revokeInvitation(
  db: Db,
  asked: { organization: OrganizationId; invitation: InvitationId; callerRole: Role },
  now: Date,
): Promise<{ email: string; role: Role }> {
  const { rows } = await db.query<{ email: string; role: Role }>(
    `update invitations set revoked_at = $3 where organization_id = $1 and id = $2 and accepted_at is null
       and revoked_at is null and expires_at > $3 returning email, role`,
    [toUuid(asked.organization), toUuid(asked.invitation), now],
  )
  const [row] = rows
  if (!row) throw new StoreError('not_found', 'there is no such invitation')
  refuseAbove(row.role, asked.callerRole)
  return row
}

/**
 * Makes the invited address a member, once. Throws a StoreError `not_found`, also for another address.
 *
 * @param asked whose organization may be absent: the invitation says it
 */
export async function acceptInvitation(
  db: Db,
  asked: { organization: OrganizationId | undefined; invitation: InvitationId; email: string },
  now: Date,
): Promise<NamedMemberRow> {
  const id = asked.organization ?? (await organizationOf(db, asked.invitation))
  const organization = toUuid(id)
  const { slug } = await lockMembers(db, id)
  const { rows } = await db.query<{ role: Role }>(
    `update invitations set accepted_at = $4 where organization_id = $1 and id = $2 and email = $3 and accepted_at is null
       and revoked_at is null and expires_at > $4 returning role`,
    [organization, toUuid(asked.invitation), asked.email, now],
  )
  if (!rows[0]) throw new StoreError('not_found', 'there is no such invitation for this address')
  // Somebody may have declared the member meanwhile: that declaration stands.
  const { rows: members } = await db.query<NamedMemberRow>(
    `insert into members (organization_id, id, email, role, managed_by) values ($1, $2, $3, $4, 'tenant')
     on conflict (organization_id, email) do update set email = excluded.email returning *`,
    [organization, toUuid(newId('mem', now.getTime())), asked.email, rows[0].role],
  )
  return { ...members[0]!, slug }
}

/** Throws a StoreError `not_found`. */
async function organizationOf(db: Db, invitation: InvitationId): Promise<OrganizationId> {
  const { rows } = await db.query<{ organization_id: string }>(
    'select organization_id from invitations where id = $1',
    [toUuid(invitation)],
  )
  if (!rows[0]) throw new StoreError('not_found', 'there is no such invitation')
  return fromUuid('org', rows[0].organization_id)
}
