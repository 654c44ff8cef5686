import { randomUUID } from 'node:crypto'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid } from '@fairlead/webhook/id'
import { ActorKind, AuditLogSchema, type AuditService } from '@fairlead/wire/store/audit'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import { StoreError } from '../store-error.ts'
import { scopeOf } from './api-keys.ts'
import { type Calls, transact } from './calls.ts'

interface AuditRow {
  organization_id: string | null
  id: string
  at: Date
  actor_kind: keyof typeof actorKinds
  actor_id: string
  action: string
  subject_id: string
  details: JsonObject
}

const actorKinds = {
  member: ActorKind.MEMBER,
  api_key: ActorKind.API_KEY,
  owner: ActorKind.OWNER,
  system: ActorKind.SYSTEM,
} as const

export function auditCalls(calls: Calls): ServiceImpl<typeof AuditService> {
  return {
    async createAuditLog(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const [actorKind] = Object.entries(actorKinds).find(([, kind]) => kind === request.actorKind) ?? []
      if (!actorKind) throw new StoreError('invalid_field', 'actor_kind: is missing', { field: 'actor_kind' })
      if (!/^[a-z_]+\.[a-z_]+$/.test(request.action) || request.action.length > 100) {
        throw new StoreError('invalid_field', 'action: must be a noun and a past verb', { field: 'action' })
      }
      const { rows } = await transact(calls, context, scope, db =>
        db.query<AuditRow>(
          `insert into audit_logs (organization_id, id, at, actor_kind, actor_id, action, subject_id, details)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
          [
            organization,
            randomUUID(),
            new Date(calls.now()),
            actorKind,
            request.actorId.slice(0, 512),
            request.action,
            request.subjectId,
            request.details ?? {},
          ],
        ),
      )
      return { auditLog: auditMessage(rows[0]!) }
    },

    async listAuditLogs(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const limit = pageSize(request.limit, 50, 500)
      const [at = null, id = null] = decodeCursor(request.cursor, 'time', 'uuid')
      const { rows } = await transact(calls, context, scope, db =>
        db.query<AuditRow>(
          `select * from audit_logs where organization_id is not distinct from $1 and ($2 = '' or action = $2)
             and ($3::timestamptz is null or (at, id) < ($3, $4::uuid))
           order by at desc, id desc limit $5`,
          [organization, request.action, at, id, limit + 1],
        ),
      )
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return {
        auditLogs: page.map(auditMessage),
        next: rows.length > limit && last ? encodeCursor(last.at.toISOString(), last.id) : '',
      }
    },
  }
}

function auditMessage(row: AuditRow) {
  return create(AuditLogSchema, {
    id: row.id,
    organizationId: row.organization_id ? fromUuid('org', row.organization_id) : '',
    at: timestampFromDate(row.at),
    actorKind: actorKinds[row.actor_kind],
    actorId: row.actor_id,
    action: row.action,
    subjectId: row.subject_id,
    details: row.details,
  })
}
