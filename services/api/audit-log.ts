import { ActorKind } from '@fairlead/wire/store/audit'
import { z } from 'zod'
import { operation } from './operation.ts'
import { cursor, defaultPageSize, limit, organizationParams, pageOf, plainText } from './query.ts'
import { presentTimeOf, timeText } from './time.ts'

const entrySchema = z
  .object({
    id: z.string(),
    at: timeText,
    actor: z.object({
      kind: z.enum(['member', 'api_key', 'owner', 'system', 'staff']),
      id: z.string(),
      name: z.string().nullable().meta({ description: 'As it was then.' }),
    }),
    via: z.string().nullable().meta({ description: 'The part that was asked.', example: 'api' }),
    address: z
      .string()
      .nullable()
      .meta({ description: 'Where the request came from: an address, or an IPv6 network of 64 bits.' }),
    agent: z.string().nullable().meta({ description: 'The program that asked, as it names itself.' }),
    requestId: z.string().nullable().meta({ description: '`X-Request-Id` of the answer.' }),
    action: z.string().meta({ description: 'Noun and past verb.', example: 'event.retried' }),
    subjectId: z.string().nullable().meta({ description: 'What it was done to.' }),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditLogEntry' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/audit-log',
  name: 'listAuditLog',
  tag: 'Audit log',
  summary: 'Who changed what, newest first',
  access: 'administer',
  params: organizationParams,
  query: z.strictObject({
    action: plainText(100).optional().meta({ description: 'Only this action.', example: 'event.retried' }),
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of entries.',
  answer: pageOf(entrySchema).meta({ id: 'AuditLogPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const { auditLogs, next } = await store.audit.listAuditLogs(
      {
        organizationId: organization.id,
        action: query.action ?? '',
        cursor: query.cursor ?? '',
        limit: query.limit ?? defaultPageSize,
      },
      { signal },
    )
    return {
      items: auditLogs.map(entry => ({
        id: entry.id,
        at: presentTimeOf(entry.at),
        actor: {
          kind: presentActorKind(entry.actorKind),
          id: entry.actorId,
          name: entry.actorName || null,
        },
        via: entry.via || null,
        address: entry.address || null,
        agent: entry.agent || null,
        requestId: entry.requestId || null,
        action: entry.action,
        subjectId: entry.subjectId || null,
        details: entry.details ?? {},
      })),
      next: next || null,
    }
  },
})

export const auditLogOperations = [list]

function presentActorKind(kind: ActorKind): 'member' | 'api_key' | 'owner' | 'system' | 'staff' {
  switch (kind) {
    case ActorKind.MEMBER:
      return 'member'
    case ActorKind.API_KEY:
      return 'api_key'
    case ActorKind.OWNER:
      return 'owner'
    case ActorKind.STAFF:
      return 'staff'
    default:
      return 'system'
  }
}
