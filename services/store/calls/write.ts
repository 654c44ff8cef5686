import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { HandlerContext } from '@connectrpc/connect'
import { fromUuid } from '@fairlead/webhook/id'
import { sealContext } from '@fairlead/wire/seal'
import type { Change } from '@fairlead/wire/store/change'
import { type AuditEntry, isOf, writeAudit } from '../audit.ts'
import type { Db, Scope } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, scopeOf, transact } from './calls.ts'

/** How long an answer is kept for repeats of its request. */
const keptMs = 24 * 3_600_000

/** The header that marks a kept answer. */
const replayedHeader = 'fairlead-replayed'

/** The result of a change: its answer, and its entry in the audit log; no entry where nothing changed. */
export interface Written<Answer extends DescMessage> {
  readonly answer: MessageInitShape<Answer>
  readonly entry?: AuditEntry | undefined
}

/**
 * A call that changes something, in one transaction: claim of the idempotency key, change, entry in the audit log, answer
 * for repeats. If the store is killed on the way, nothing of it was done, except what `work` tells NATS: each of those
 * messages is safe to repeat. Throws a StoreError `idempotency_in_progress` or `idempotency_key_reused`.
 *
 * @param request whose organization is empty for the platform
 * @param schema of the answer, which is kept as bytes
 */
export async function write<Answer extends DescMessage>(
  calls: Calls,
  context: HandlerContext,
  request: {
    readonly organizationId: string
    readonly change?: Change | undefined
    /** Everything is done, answered, and undone. */
    readonly dryRun?: boolean
  },
  schema: Answer,
  work: (db: Db) => Promise<Written<Answer>>,
): Promise<MessageInitShape<Answer>> {
  const { scope, organization } = scopeOf(request.organizationId)
  const { change } = request
  if (request.dryRun) return await rehearse(calls, context, scope, work)
  return await transact(calls, context, scope, async db => {
    const claim = change?.idempotencyKey ? await takeClaim(calls, db, organization, change) : undefined
    if (claim?.kept !== undefined) return readKept(claim.kept, context, schema)
    if (change?.repeatOnly) throw new StoreError('not_found', 'no answer is kept')
    const { answer, entry } = await work(db)
    if (entry) await writeAudit(db, organization, change, entry, calls.now())
    await claim?.keep(toBinary(schema, create(schema, answer)))
    return answer
  })
}

/**
 * The answer that is kept for this change; undefined where there is none. For calls that work before their transaction: a repeat
 * makes none of that work. Throws as `write` does.
 */
export async function keptAnswer<Answer extends DescMessage>(
  calls: Calls,
  context: HandlerContext,
  request: {
    readonly organizationId: string
    readonly change?: Change | undefined
    readonly dryRun?: boolean
  },
  schema: Answer,
): Promise<MessageInitShape<Answer> | undefined> {
  const { scope, organization } = scopeOf(request.organizationId)
  const { change } = request
  if (request.dryRun || !change?.idempotencyKey) return undefined
  return await transact(calls, context, scope, async db => {
    const { kept } = await takeClaim(calls, db, organization, change)
    if (kept !== undefined) return readKept(kept, context, schema)
    if (change.repeatOnly) throw new StoreError('not_found', 'no answer is kept')
    return undefined
  })
}

function readKept<Answer extends DescMessage>(
  kept: string,
  context: HandlerContext,
  schema: Answer,
): MessageInitShape<Answer> {
  context.responseHeader.set(replayedHeader, 'true')
  return fromBinary(schema, Buffer.from(kept, 'base64')) as MessageInitShape<Answer>
}

/** Does the work in a transaction that is rolled back: what it answers with is what the work itself would do. */
async function rehearse<Answer extends DescMessage>(
  calls: Calls,
  context: HandlerContext,
  scope: Scope,
  work: (db: Db) => Promise<Written<Answer>>,
): Promise<MessageInitShape<Answer>> {
  const undo = new Error('rehearsed')
  let written: Written<Answer> | undefined
  await transact(calls, context, scope, async db => {
    written = await work(db)
    throw undo
  }).catch((error: unknown) => {
    if (error !== undo) throw error
  })
  if (!written) throw new TypeError('nothing was rehearsed')
  return written.answer
}

interface Claim {
  /** The answer of the first call, in base64. An empty answer, such as a deletion's, is no characters. */
  readonly kept?: string
  keep(answer: Uint8Array): Promise<unknown>
}

/**
 * Claims an idempotency key until the transaction ends. The lock is Postgres' own: it ends with the connection, so a
 * store that is killed leaves no claim behind.
 */
async function takeClaim(calls: Calls, db: Db, organization: string | null, change: Change): Promise<Claim> {
  const { actorId, idempotencyKey: key } = change
  refuseMalformed(change)
  const named = [organization, actorId, key] as const
  const { rows: locked } = await db.query<{ taken: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken',
    [JSON.stringify(['idempotency', ...named])],
  )
  if (!locked[0]!.taken) {
    throw new StoreError('idempotency_in_progress', 'a call with this idempotency key is under way')
  }
  const { rows } = await db.query<{ request_sha256: Buffer; sealed: string }>(
    `select request_sha256, sealed from idempotency_keys
     where ${isOf(organization)} and actor_id = $2 and key = $3 and expires_at > $4`,
    [...named, new Date(calls.now())],
  )
  const [row] = rows
  const context = sealContext.idempotentAnswer(organization ? fromUuid('org', organization) : '')
  if (row && !row.request_sha256.equals(change.requestSha256)) {
    throw new StoreError('idempotency_key_reused', 'this idempotency key came with another request')
  }
  return {
    ...(row && { kept: calls.keyring.open(row.sealed, context) }),
    keep: answer =>
      db.query(
        `insert into idempotency_keys (organization_id, actor_id, key, request_sha256, sealed, expires_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (organization_id, actor_id, key) do update
           set request_sha256 = excluded.request_sha256, sealed = excluded.sealed, expires_at = excluded.expires_at`,
        [
          ...named,
          Buffer.from(change.requestSha256),
          calls.keyring.seal(Buffer.from(answer).toString('base64'), context),
          new Date(calls.now() + keptMs),
        ],
      ),
  }
}

function refuseMalformed({ idempotencyKey, actorId, requestSha256 }: Change): void {
  if (idempotencyKey.length > 255 || idempotencyKey.includes('\0')) {
    throw new StoreError('invalid_field', 'change.idempotency_key: must have at most 255 characters', {
      field: 'change.idempotency_key',
    })
  }
  if (!actorId) {
    throw new StoreError('invalid_field', 'change.actor_id: is missing', { field: 'change.actor_id' })
  }
  if (requestSha256.length !== 32) {
    throw new StoreError('invalid_field', 'change.request_sha256: must have 32 bytes', {
      field: 'change.request_sha256',
    })
  }
}
