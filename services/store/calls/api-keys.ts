import { createHash, randomBytes } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, newId, toUuid } from '@fairlead/webhook/id'
import { apiKeyText, shownApiKey } from '@fairlead/wire/api-key'
import {
  type ApiKeyService,
  CreateApiKeyResponseSchema,
  RevokeApiKeyResponseSchema,
} from '@fairlead/wire/store/api_key'
import { roleOrDeveloper } from '../organizations/desired.ts'
import { apiKeyMessage } from '../organizations/messages.ts'
import type { ApiKeyRow } from '../organizations/rows.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, scopeOf, transact } from './calls.ts'
import { write } from './write.ts'

export function apiKeyCalls(calls: Calls): ServiceImpl<typeof ApiKeyService> {
  return {
    async createApiKey(request, context) {
      const { organization } = scopeOf(request.organizationId)
      if (request.name.length < 1 || request.name.length > 100) {
        throw new StoreError('invalid_field', 'name: must have 1 to 100 characters', { field: 'name' })
      }
      if (request.expiresAt && timestampDate(request.expiresAt).getTime() <= calls.now()) {
        throw new StoreError('invalid_field', 'expires_at: must be in the future', { field: 'expires_at' })
      }
      const key = apiKeyText('sk_live_fl_', randomBytes(32))
      return write(calls, context, request, CreateApiKeyResponseSchema, async db => {
        if (organization) await requireOrganization(db, organization)
        const { rows } = await db.query<ApiKeyRow>(
          `insert into api_keys (organization_id, id, name, prefix, sha256, role, managed_by, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, 'tenant', $7, $8)
           on conflict (organization_id, name) where revoked_at is null do nothing returning *`,
          [
            organization,
            toUuid(newId('key', calls.now())),
            request.name,
            shownApiKey(key),
            createHash('sha256').update(key).digest(),
            roleOrDeveloper.parse(request.role),
            new Date(calls.now()),
            request.expiresAt ? timestampDate(request.expiresAt) : null,
          ],
        )
        const [row] = rows
        if (!row) {
          throw new StoreError('name_taken', `there is a key named ${request.name}`, { field: 'name' })
        }
        const { name, role, expires_at } = row
        return {
          answer: { apiKey: apiKeyMessage(row), key },
          entry: {
            action: 'api_key.created',
            subjectId: fromUuid('key', row.id),
            details: { name, role, ...(expires_at && { expiresAt: expires_at.toISOString() }) },
          },
        }
      })
    },

    async authenticateApiKey(request, context) {
      const rows = await transact(calls, context, 'platform', async db => {
        const found = await db.query<ApiKeyRow>(
          `select k.* from api_keys k left join organizations o on o.id = k.organization_id
           where k.sha256 = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
             and o.deleted_at is null`,
          [Buffer.from(request.sha256)],
        )
        // To the minute, so that a busy key isn't a write for each request.
        await db.query(
          `update api_keys set last_used_at = now()
           where sha256 = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
          [Buffer.from(request.sha256)],
        )
        return found.rows
      })
      const [row] = rows
      if (!row) throw new StoreError('api_key_unknown', 'the key is unknown, revoked or expired')
      return { apiKey: apiKeyMessage(row) }
    },

    async listApiKeys(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const { rows } = await transact(calls, context, scope, db =>
        db.query<ApiKeyRow>(
          `select * from api_keys where organization_id is not distinct from $1 and revoked_at is null
           order by created_at desc, id desc`,
          [organization],
        ),
      )
      return { apiKeys: rows.map(apiKeyMessage) }
    },

    async revokeApiKey(request, context) {
      const { organization } = scopeOf(request.organizationId)
      const id = requireId('key', request.apiKeyId, 'api_key_id')
      return write(calls, context, request, RevokeApiKeyResponseSchema, async db => {
        const { rowCount } = await db.query(
          `update api_keys set revoked_at = coalesce(revoked_at, now())
           where organization_id is not distinct from $1 and id = $2`,
          [organization, toUuid(id)],
        )
        if (!rowCount) throw new StoreError('not_found', 'there is no such key')
        return { answer: {}, entry: { action: 'api_key.revoked', subjectId: id } }
      })
    },
  }
}

async function requireOrganization(db: Db, organization: string): Promise<void> {
  const { rowCount } = await db.query('select from organizations where id = $1 and deleted_at is null', [
    organization,
  ])
  if (!rowCount) throw new StoreError('not_found', 'there is no such organization')
}
