import { create, type JsonObject } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid } from '@fairlead/webhook/id'
import { type AuditEnd, AuditLogSchema, type AuditService } from '@fairlead/wire/store/audit'
import { actorKindOf, actorKinds, insertAudit, isOf, verifyAudit } from '../audit.ts'
import type { ChainEnd } from '../audit-chain.ts'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, scopeOf, transact } from './calls.ts'

interface AuditRow {
  organization_id: string | null
  id: string
  at: Date
  actor_kind: keyof typeof actorKinds
  actor_id: string
  action: string
  subject_id: string
  details: JsonObject
  actor_name: string
  via: string
  address: string
  agent: string
  request_id: string
}

export function auditCalls(calls: Calls): ServiceImpl<typeof AuditService> {
  return {
    async createAuditLog(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const actorKind = actorKindOf(request.actorKind)
      if (!/^[a-z_]+\.[a-z_]+$/.test(request.action) || request.action.length > 100) {
        throw new StoreError('invalid_field', 'action: must be a noun and a past verb', { field: 'action' })
      }
      const row = await transact(calls, context, scope, db =>
        insertAudit<AuditRow>(db, {
          organization,
          at: new Date(calls.now()),
          actorKind,
          actorId: request.actorId,
          action: request.action,
          subjectId: request.subjectId,
          details: request.details ?? {},
        }),
      )
      return { auditLog: auditMessage(row!) }
    },

    async listAuditLogs(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const limit = pageSize(request.limit, 50, 500)
      const [at = null, id = null] = decodeCursor(request.cursor, 'time', 'uuid')
      const { rows } = await transact(calls, context, scope, db =>
        db.query<AuditRow>(
          `select * from audit_logs where ${isOf(organization)} and ($2 = '' or action = $2)
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

    async verifyAuditLog(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const noted = request.noted && readEnd(request.noted)
      // One snapshot: an entry that is added meanwhile is no fault.
      const { entries, faults, end } = await transact(calls, context, scope, async db => {
        await db.query('set transaction isolation level repeatable read')
        return await verifyAudit(db, organization, noted)
      })
      return {
        entries: BigInt(entries),
        faults: faults.map(({ kind, seq, id = '' }) => ({ kind, seq: BigInt(seq), id })),
        end: { seq: BigInt(end.seq), sha256: new Uint8Array(end.sha256) },
      }
    },
  }
}

/** Throws a StoreError `invalid_field`. */
function readEnd({ seq, sha256 }: AuditEnd): ChainEnd {
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new StoreError('invalid_field', 'noted.seq: is no place in a log', { field: 'noted.seq' })
  }
  if (seq > 0n && sha256.length !== 32) {
    throw new StoreError('invalid_field', 'noted.sha256: must have 32 bytes', { field: 'noted.sha256' })
  }
  return { seq: Number(seq), sha256 }
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
    actorName: row.actor_name,
    via: row.via,
    address: row.address,
    agent: row.agent,
    requestId: row.request_id,
  })
}
