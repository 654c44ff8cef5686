import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import type { MemberService } from '@fairlead/wire/store/member'
import { memberMessage } from '../organizations/messages.ts'
import type { MemberRow } from '../organizations/rows.ts'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'

type NamedMemberRow = MemberRow & { slug: string }

const members = `
  select m.*, o.slug from members m join organizations o on o.id = m.organization_id
  where o.deleted_at is null`

export function memberCalls(calls: Calls): ServiceImpl<typeof MemberService> {
  return {
    async getMemberByEmail(request, context) {
      const id = request.organizationId && requireId('org', request.organizationId, 'organization_id')
      // An address may be in any organization.
      const rows = await transact(calls, context, id || 'platform', async db => {
        const found = await db.query<NamedMemberRow>(
          `${members} and m.email = lower($1) and ($2::uuid is null or m.organization_id = $2) order by o.slug`,
          [request.email, id ? toUuid(id) : null],
        )
        return found.rows
      })
      return { members: rows.map(row => memberMessage(row, row.slug)) }
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
        return db.query<NamedMemberRow>(`${members} and m.organization_id = $1 and m.id = $2`, [
          toUuid(id),
          toUuid(member),
        ])
      })
      const [row] = rows
      if (!row) throw new StoreError('not_found', 'there is no such member')
      return { member: memberMessage(row, row.slug) }
    },
  }
}
