import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { type MemberId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import {
  AcceptInvitationResponseSchema,
  CreateInvitationResponseSchema,
  type MemberService,
  RemoveMemberResponseSchema,
  RevokeInvitationResponseSchema,
  UpdateMemberRoleResponseSchema,
} from '@fairlead/wire/store/member'
import { changeRole, type NamedMemberRow, removeMember } from '../members/change.ts'
import { tieIdentity } from '../members/identity.ts'
import {
  acceptInvitation,
  type InvitationRow,
  invitationMessage,
  invite,
  openInvitations,
  revokeInvitation,
} from '../members/invite.ts'
import { parseRole } from '../members/parse-role.ts'
import { memberMessage } from '../organizations/messages.ts'
import { requireAddress, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import { write } from './write.ts'

const members = `
  select m.*, o.slug from members m join organizations o on o.id = m.organization_id
  where o.deleted_at is null`

export function memberCalls(calls: Calls): ServiceImpl<typeof MemberService> {
  return { ...memberReads(calls), ...memberWrites(calls), ...invitationCalls(calls), ...identityCalls(calls) }
}

type Part<Name extends keyof ServiceImpl<typeof MemberService>> = Pick<
  ServiceImpl<typeof MemberService>,
  Name
>

function memberReads(
  calls: Calls,
): Part<'getMember' | 'getMemberByEmail' | 'listMembers' | 'updateLastLogin'> {
  return {
    async getMemberByEmail(request, context) {
      const id = request.organizationId && requireId('org', request.organizationId, 'organization_id')
      // An address may be in any organization.
      const find = (db: Db) =>
        db.query<NamedMemberRow>(
          `${members} and m.email = lower($1) and ($2::uuid is null or m.organization_id = $2) order by o.slug`,
          [request.email, id ? toUuid(id) : null],
        )
      const { rows } = await transact(calls, context, id || 'platform', find, { short: true })
      return { members: rows.map(row => memberMessage(row, row.slug)) }
    },

    async getMember(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const member = requireId('mem', request.memberId, 'member_id')
      const { rows } = await transact(calls, context, id, db => readMember(db, id, member))
      return { member: onlyMember(rows) }
    },

    async listMembers(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const { rows } = await transact(calls, context, id, db =>
        db.query<NamedMemberRow>(`${members} and m.organization_id = $1 order by m.email`, [toUuid(id)]),
      )
      return { members: rows.map(row => memberMessage(row, row.slug)) }
    },

    async updateLastLogin(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const member = requireId('mem', request.memberId, 'member_id')
      const at = request.at ? timestampDate(request.at) : new Date(calls.now())
      const { rows } = await transact(calls, context, id, async db => {
        await db.query(
          `update members set last_login_at = greatest(last_login_at, $3) where organization_id = $1 and id = $2`,
          [toUuid(id), toUuid(member), at],
        )
        return readMember(db, id, member)
      })
      return { member: onlyMember(rows) }
    },
  }
}

const readMember = (db: Db, organization: OrganizationId, member: MemberId) =>
  db.query<NamedMemberRow>(`${members} and m.organization_id = $1 and m.id = $2`, [
    toUuid(organization),
    toUuid(member),
  ])

/** Throws a StoreError `not_found`. */
function onlyMember([row]: readonly NamedMemberRow[]) {
  if (!row) throw new StoreError('not_found', 'there is no such member')
  return memberMessage(row, row.slug)
}

function memberWrites(calls: Calls): Part<'updateMemberRole' | 'removeMember'> {
  const targetOf = (request: { organizationId: string; memberId: string; callerRole: number }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    member: requireId('mem', request.memberId, 'member_id'),
    callerRole: parseRole(request.callerRole, 'caller_role'),
  })
  return {
    async updateMemberRole(request, context) {
      const target = targetOf(request)
      const role = parseRole(request.role, 'role')
      return write(calls, context, request, UpdateMemberRoleResponseSchema, async db => {
        const { row, details } = await changeRole(db, target, role)
        const entry = { action: 'member.role_changed', subjectId: target.member, details } as const
        return { answer: { member: memberMessage(row, row.slug) }, entry }
      })
    },

    async removeMember(request, context) {
      const target = targetOf(request)
      return write(calls, context, request, RemoveMemberResponseSchema, async db => {
        const { email, revokedKeys, details } = await removeMember(db, target)
        const entry = { action: 'member.removed', subjectId: target.member, details } as const
        return { answer: { email, revokedKeys }, entry }
      })
    },
  }
}

function invitationCalls(
  calls: Calls,
): Part<
  'createInvitation' | 'listInvitations' | 'findInvitations' | 'revokeInvitation' | 'acceptInvitation'
> {
  const now = () => new Date(calls.now())
  return {
    async createInvitation(request, context) {
      if (request.tokenSha256.length !== 32 || !request.expiresAt || request.invitedBy.length > 320) {
        throw new StoreError('invalid_field', 'token_sha256, expires_at and invited_by are needed', {
          field: 'token_sha256',
        })
      }
      const asked = {
        organization: requireId('org', request.organizationId, 'organization_id'),
        email: requireAddress(request.email),
        role: parseRole(request.role, 'role'),
        callerRole: parseRole(request.callerRole, 'caller_role'),
        tokenSha256: request.tokenSha256,
        invitedBy: request.invitedBy,
        expiresAt: timestampDate(request.expiresAt),
      }
      return write(calls, context, request, CreateInvitationResponseSchema, async db => {
        const invitation = invitationMessage(await invite(db, asked, now()))
        const { email, role } = asked
        const entry = {
          action: 'member.invited',
          subjectId: invitation.id,
          details: { email, role },
        } as const
        return { answer: { invitation }, entry }
      })
    },

    async listInvitations(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const { rows } = await transact(calls, context, id, db =>
        db.query<InvitationRow>(`${openInvitations} and i.organization_id = $2 order by i.email`, [
          now(),
          toUuid(id),
        ]),
      )
      return { invitations: rows.map(invitationMessage) }
    },

    async findInvitations({ by }, context) {
      const [column, value] =
        by.case === 'email'
          ? ['email', requireAddress(by.value)]
          : ['token_sha256', Buffer.from(by.value ?? [])]
      const { rows } = await transact(calls, context, 'platform', db =>
        db.query<InvitationRow>(`${openInvitations} and i.${column} = $2 order by o.slug`, [now(), value]),
      )
      return { invitations: rows.map(invitationMessage) }
    },

    async revokeInvitation(request, context) {
      const asked = {
        organization: requireId('org', request.organizationId, 'organization_id'),
        invitation: requireId('inv', request.invitationId, 'invitation_id'),
        callerRole: parseRole(request.callerRole, 'caller_role'),
      }
      return write(calls, context, request, RevokeInvitationResponseSchema, async db => {
        const { email, role } = await revokeInvitation(db, asked, now())
        const details = { email, role }
        return { answer: {}, entry: { action: 'invitation.revoked', subjectId: asked.invitation, details } }
      })
    },

    async acceptInvitation(request, context) {
      const { organizationId } = request
      const asked = {
        organization: organizationId ? requireId('org', organizationId, 'organization_id') : undefined,
        invitation: requireId('inv', request.invitationId, 'invitation_id'),
        email: requireAddress(request.email),
      }
      return write(calls, context, request, AcceptInvitationResponseSchema, async db => {
        const row = await acceptInvitation(db, asked, now())
        const member = memberMessage(row, row.slug)
        const details = { email: row.email, role: row.role, invitation: asked.invitation }
        return {
          answer: { member },
          entry: {
            action: 'member.joined',
            organization: row.organization_id,
            subjectId: member.id,
            details,
            member: member.id,
          },
        }
      })
    },
  }
}

function identityCalls(calls: Calls): Part<'tieIdentity'> {
  return {
    async tieIdentity({ issuer, subject, verifiedEmail }, context) {
      for (const [field, text] of Object.entries({ issuer, subject })) {
        if (text.length < 1 || text.length > 1_000 || text.includes('\0')) {
          throw new StoreError('invalid_field', `${field}: must have 1 to 1,000 characters`, { field })
        }
      }
      const email = verifiedEmail === '' ? undefined : requireAddress(verifiedEmail)
      return {
        email: await transact(calls, context, 'platform', db => tieIdentity(db, { issuer, subject, email })),
      }
    },
  }
}
