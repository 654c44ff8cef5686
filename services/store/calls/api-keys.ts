import { createHash, randomBytes } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, newId, parseId, toUuid } from '@fairlead/webhook/id'
import { apiKeyText, modeOfApiKey, shownApiKey } from '@fairlead/wire/api-key'
import { isMode, type Mode } from '@fairlead/wire/mode'
import {
  type ApiKeyService,
  type CreateApiKeyRequest,
  CreateApiKeyResponseSchema,
  RevokeApiKeyResponseSchema,
  RotateApiKeyResponseSchema,
} from '@fairlead/wire/store/api_key'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { Change } from '@fairlead/wire/store/change'
import { isOf } from '../audit.ts'
import { roleOrDeveloper } from '../organizations/desired.ts'
import { apiKeyMessage } from '../organizations/messages.ts'
import type { ApiKeyRow } from '../organizations/rows.ts'
import { requireId } from '../parse-request.ts'
import { type Db, inScope } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, scopeOf, transact } from './calls.ts'
import { write } from './write.ts'

const mostScopes = 50
/** Keys of an organization, or of the platform, that are not revoked. */
const mostKeys = 1_000
const maxOverlapSeconds = 30 * 86_400
/** Uses within so long are one. */
const useMs = 60_000
/** Keys whose last note is remembered. */
const mostNoted = 10_000

export function apiKeyCalls(calls: Calls): ServiceImpl<typeof ApiKeyService> {
  const noted = new Map<string, number>()
  return {
    async createApiKey(request, context) {
      const { organization } = scopeOf(request.organizationId)
      requireCreatable(request, calls.now())
      const key = newKey(readKeyMode(request))
      return write(calls, context, request, CreateApiKeyResponseSchema, async db => {
        if (organization) await requireOrganization(db, organization)
        await requireRoomForKey(db, organization)
        const { rows } = await db.query<ApiKeyRow>(
          `insert into api_keys (organization_id, id, name, prefix, sha256, role, scopes, managed_by, created_at, expires_at, made_by)
           values ($1, $2, $3, $4, $5, $6, $7, 'tenant', $8, $9, $10)
           on conflict (organization_id, name) where revoked_at is null do nothing returning *`,
          [
            organization,
            toUuid(newId('key', calls.now())),
            request.name,
            shownApiKey(key),
            digestOf(key),
            roleOrDeveloper.parse(request.role),
            [...new Set(request.scopes)].sort(),
            new Date(calls.now()),
            request.expiresAt ? timestampDate(request.expiresAt) : null,
            makerOf(request.change),
          ],
        )
        const [row] = rows
        if (!row) {
          throw new StoreError('name_taken', `there is a key named ${request.name}`, { field: 'name' })
        }
        const { name, prefix, role, scopes, expires_at } = row
        const expires = expires_at && { expiresAt: expires_at.toISOString() }
        return {
          answer: { apiKey: apiKeyMessage(row, calls.now()), key },
          entry: {
            action: 'api_key.created',
            subjectId: fromUuid('key', row.id),
            details: { name, prefix, role, ...(scopes.length > 0 && { scopes }), ...expires },
          },
        }
      })
    },

    async authenticateApiKey(request, context) {
      const sha256 = Buffer.from(request.sha256)
      const find = (db: Db) =>
        db.query<ApiKeyRow>(
          `select k.* from api_keys k left join organizations o on o.id = k.organization_id
           where (k.sha256 = $1 or k.previous_sha256 = $1 and k.previous_until > now())
             and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and o.deleted_at is null`,
          [sha256],
        )
      const { rows } = await transact(calls, context, 'platform', find, { short: true })
      const [row] = rows
      if (!row) throw new StoreError('api_key_unknown', 'the key is unknown, revoked or expired')
      noteUse(calls, noted, row, sha256, request.address)
      return { apiKey: apiKeyMessage(row, calls.now()) }
    },

    async listApiKeys(request, context) {
      const { scope, organization } = scopeOf(request.organizationId)
      const { rows } = await transact(calls, context, scope, db =>
        db.query<ApiKeyRow>(
          `select * from api_keys where ${isOf(organization)} and revoked_at is null
           order by created_at desc, id desc`,
          [organization],
        ),
      )
      return { apiKeys: rows.map(row => apiKeyMessage(row, calls.now())) }
    },

    async rotateApiKey(request, context) {
      const { organization } = scopeOf(request.organizationId)
      const id = requireId('key', request.apiKeyId, 'api_key_id')
      const { overlapSeconds } = request
      if (overlapSeconds > maxOverlapSeconds) {
        const field = 'overlap_seconds'
        throw new StoreError('invalid_field', `${field}: must be 0 to ${maxOverlapSeconds}`, { field })
      }
      return write(calls, context, request, RotateApiKeyResponseSchema, async db => {
        const before = await lockKey(db, organization, toUuid(id))
        const key = newKey(modeOfApiKey(before.prefix))
        const until = overlapSeconds > 0 ? new Date(calls.now() + overlapSeconds * 1_000) : null
        const { rows } = await db.query<ApiKeyRow>(
          `update api_keys set prefix = $2, sha256 = $3, last_used_at = null, last_used_from = '',
             previous_sha256 = case when $4::timestamptz is null then null else sha256 end,
             previous_prefix = case when $4::timestamptz is null then null else prefix end,
             previous_until = $4, previous_last_used_at = null
           where id = $1 returning *`,
          [toUuid(id), shownApiKey(key), digestOf(key), until],
        )
        const [row] = rows as [ApiKeyRow]
        return {
          answer: { apiKey: apiKeyMessage(row, calls.now()), key },
          entry: {
            action: 'api_key.rotated',
            subjectId: id,
            details: {
              name: row.name,
              before: { prefix: before.prefix, ...(until && { goodUntil: until.toISOString() }) },
              after: { prefix: row.prefix },
            },
          },
        }
      })
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

const newKey = (mode: Mode): string => apiKeyText(`sk_${mode}_fl_`, randomBytes(32))
const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest()

/** Throws a StoreError `invalid_field`. */
function readKeyMode({ mode, organizationId }: CreateApiKeyRequest): Mode {
  if (mode === '' || mode === 'live') return 'live'
  if (isMode(mode) && organizationId) return mode
  const fault = organizationId ? 'must be live or test' : 'a key of the platform is live'
  throw new StoreError('invalid_field', `mode: ${fault}`, { field: 'mode' })
}

/** Throws a StoreError `invalid_field`. */
function requireCreatable({ name, scopes, expiresAt }: CreateApiKeyRequest, nowMs: number): void {
  const refuse = (field: string, fault: string) => {
    throw new StoreError('invalid_field', `${field}: ${fault}`, { field })
  }
  if (name.length < 1 || name.length > 100) refuse('name', 'must have 1 to 100 characters')
  if (expiresAt && timestampDate(expiresAt).getTime() <= nowMs) refuse('expires_at', 'must be in the future')
  if (scopes.length > mostScopes) refuse('scopes', `must be at most ${mostScopes}`)
  if (!scopes.every(scope => /^[a-z_]{1,30}:[a-z_]{1,30}$/.test(scope))) {
    refuse('scopes', 'must be such as events:read')
  }
}

/** Throws a StoreError `not_found` or `managed_by_owner`. */
async function lockKey(db: Db, organization: string | null, id: string): Promise<ApiKeyRow> {
  const { rows } = await db.query<ApiKeyRow>(
    `select * from api_keys where organization_id is not distinct from $1 and id = $2 and revoked_at is null
       and (expires_at is null or expires_at > now()) for update`,
    [organization, id],
  )
  const [row] = rows
  if (!row) throw new StoreError('not_found', 'there is no such key')
  if (row.managed_by === 'owner') {
    throw new StoreError('managed_by_owner', "the organization's owner declares this key: change it there")
  }
  return row
}

/**
 * Throws a StoreError `limit_reached`: all keys are listed at once, those that have expired too. Where there is no room, the expired ones that
 * no owner declares make it: they leave the list. Of keys made at one time a few may be one too many.
 */
async function requireRoomForKey(db: Db, organization: string | null): Promise<void> {
  const { rowCount } = await db.query(
    `select from api_keys where ${isOf(organization)} and revoked_at is null limit $2`,
    [organization, mostKeys],
  )
  if ((rowCount ?? 0) < mostKeys) return
  const expired = await db.query(
    `update api_keys set revoked_at = expires_at
     where ${isOf(organization)} and revoked_at is null and expires_at <= now() and managed_by = 'tenant'`,
    [organization],
  )
  if (expired.rowCount) return
  throw new StoreError('limit_reached', `there are at most ${mostKeys} API keys: revoke one first`)
}

/**
 * Notes a use, once a minute at most, after the call was answered and in a transaction of its own: a row that is locked, or a
 * Postgres that takes no writes, keeps nobody's call.
 *
 * @param noted when this process last noted a use, by digest and by whether it was the text of before a rotation
 */
function noteUse(
  { pool, log, now }: Calls,
  noted: Map<string, number>,
  row: ApiKeyRow,
  sha256: Buffer,
  address: string,
): void {
  const isPrevious = !row.sha256.equals(sha256)
  const lastUsedAt = isPrevious ? row.previous_last_used_at : row.last_used_at
  const name = `${sha256.toString('base64')} ${isPrevious}`
  if (now() - Math.max(lastUsedAt?.getTime() ?? 0, noted.get(name) ?? 0) < useMs) return
  noted.delete(name)
  noted.set(name, now())
  if (noted.size > mostNoted) noted.delete(noted.keys().next().value!)
  const column = isPrevious ? 'previous_last_used_at' : 'last_used_at'
  void inScope(pool, 'platform', db =>
    db.query(
      `update api_keys set ${column} = now()${isPrevious ? '' : ', last_used_from = $2'}
       where id = (select id from api_keys where id = $1 and (${column} is null or ${column} < now() - interval '1 minute')
         for update skip locked)`,
      isPrevious ? [row.id] : [row.id, address.replaceAll('\0', '').slice(0, 100)],
    ),
  ).catch((err: unknown) => log.debug({ err, keyId: fromUuid('key', row.id) }, 'api_key.use_unnoted'))
}

/** The member who asks, as a UUID; null: a key, staff or the platform. */
function makerOf(change: Change | undefined): string | null {
  const member = change?.actorKind === ActorKind.MEMBER ? parseId('mem', change.actorId) : undefined
  return member ? toUuid(member) : null
}

async function requireOrganization(db: Db, organization: string): Promise<void> {
  const { rowCount } = await db.query('select from organizations where id = $1 and deleted_at is null', [
    organization,
  ])
  if (!rowCount) throw new StoreError('not_found', 'there is no such organization')
}
