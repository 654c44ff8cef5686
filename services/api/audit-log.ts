import { ActorKind, type AuditLog } from '@fairlead/wire/store/audit'
import { z } from 'zod'
import { type Call, operation } from './operation.ts'
import { cursor, defaultPageSize, limit, noParams, organizationParams, pageOf, plainText } from './query.ts'
import { presentTimeOf, timeText } from './time.ts'
import { verifyAuditLog, verifyPlatformAuditLog } from './verify-audit-log.ts'

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

const listQuery = z.strictObject({
  action: plainText(100).optional().meta({ description: 'Only this action.', example: 'event.retried' }),
  cursor,
  limit,
})

const page = pageOf(entrySchema).meta({ id: 'AuditLogPage' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/audit-log',
  name: 'listAuditLog',
  tag: 'Audit log',
  summary: 'Who changed what, newest first',
  access: 'administer',
  params: organizationParams,
  query: listQuery,
  status: 200,
  answerDescription: 'A page of entries.',
  answer: page,
  problems: ['cursor_invalid'],
  handle: async call => await listEntries(call, call.organization.id),
})

const listPlatform = operation({
  method: 'get',
  path: '/api/v1/audit-log',
  name: 'listPlatformAuditLog',
  tag: 'Audit log',
  summary: 'Who changed what of the platform itself, newest first',
  description: 'Changes of an organization stand in the log of that organization, whoever made them.',
  access: 'platform-read',
  params: noParams,
  query: listQuery,
  status: 200,
  answerDescription: 'A page of entries.',
  answer: page,
  problems: ['cursor_invalid'],
  handle: async call => await listEntries(call, ''),
})

async function listEntries(
  { store, query, signal }: Call<unknown, z.output<typeof listQuery>>,
  organizationId: string,
): Promise<z.input<typeof page>> {
  const { auditLogs, next } = await store.audit.listAuditLogs(
    {
      organizationId,
      action: query.action ?? '',
      cursor: query.cursor ?? '',
      limit: query.limit ?? defaultPageSize,
    },
    { signal },
  )
  return { items: auditLogs.map(presentEntry), next: next || null }
}

function presentEntry(entry: AuditLog): z.input<typeof entrySchema> {
  return {
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
  }
}

export const auditLogOperations = [list, verifyAuditLog, listPlatform, verifyPlatformAuditLog]

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
