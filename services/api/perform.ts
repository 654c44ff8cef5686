import { createHash } from 'node:crypto'
import type { Log } from '@fairlead/daemon/log'
import type { TrustedProxies } from '@fairlead/daemon/peer'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { Organization } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Request, Response } from 'express'
import { type Authenticator, bearerKey, type Caller, requireAccess } from './authenticate.ts'
import { bindCursor, type CursorOwner, unbindCursor } from './bound-cursor.ts'
import type { ApiMetrics } from './metrics.ts'
import { type Call, isWrite, type Operation } from './operation.ts'
import { ApiError } from './problem.ts'
import type { RateVerdict } from './rate-limit.ts'
import type { RefusalLog } from './refusal-log.ts'
import { canonicalJson, readIdempotencyKey, readRequest, takesInBody } from './request.ts'
import { storeProblem } from './store-problem.ts'

export interface Parts {
  readonly store: StoreClient
  /** Scheme, host and port as providers see them. */
  readonly publicUrl: string | undefined
  readonly log: Log
  readonly metrics: ApiMetrics
  readonly trusted: TrustedProxies
  readonly authenticator: Authenticator
  readonly refusals: RefusalLog
  /** Writes that were begun; a process that stops waits for them, also where their clients have gone. */
  readonly underWay: Set<Promise<unknown>>
  readonly takeRate: (key: string, nowMs: number) => RateVerdict
}

/**
 * One call, from its request to its answer:
 *
 *   admit: key → rate → caller → role       (before a byte of the body is read)
 *   perform: parameters → organization → what it does → answer
 *
 * Throws an ApiError for everything that stops it on the way.
 */
export async function admit(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const key = bearerKey(request.headers.authorization)
  if (!key) throw new ApiError('unauthenticated')
  // A key that was right lately is held back before anyone is asked about it; another once it has proved right.
  const wasRemembered = parts.authenticator.isRemembered(key)
  if (wasRemembered) takeRate(parts, key, response)
  const caller = await parts.authenticator.authenticate(key, response.locals.peer)
  if (!wasRemembered) takeRate(parts, key, response)
  response.locals.caller = caller
  requireAccess(caller, operation.access)
}

/** After `admit`, and after the body was read. */
export async function perform(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  if (isWrite(operation)) return await carryOut(parts, operation, request, response)
  answer(operation, response, await callOf(parts, operation, request, response, untilGone(response)))
}

/**
 * A write, once begun, is carried out whether its client waits or not; a process that stops waits for it. Its entry in the
 * audit log is written in the store's transaction.
 */
async function carryOut(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const { signal } = new AbortController()
  const begun = callOf(parts, operation, request, response, signal)
  parts.underWay.add(begun)
  try {
    answer(operation, response, await begun)
  } finally {
    parts.underWay.delete(begun)
  }
}

async function callOf(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
  signal: AbortSignal,
): Promise<unknown> {
  const { store } = parts
  const caller: Caller = response.locals.caller
  const asked = readRequest(operation, request)
  const change = changeOf(operation, caller, request, response)
  const organization = await findOrganization(store, caller, asked.params, signal)
  const list = {
    operation: operation.name,
    organizationId: organization?.id ?? '',
    query: request.query as Record<string, unknown>,
  }
  const call: Call = {
    store,
    caller,
    ...asked,
    query: withStoreCursor(asked.query, list),
    get organization() {
      if (!organization) throw new TypeError(`${operation.name} has no organization in its path`)
      return organization
    },
    publicUrl: parts.publicUrl,
    signal,
    change,
    write: {
      onHeader: headers => {
        if (headers.get('fairlead-replayed')) response.set('idempotent-replayed', 'true')
      },
    },
  }
  const body = await operation.handle(call).catch(error => {
    throw storeProblem(error, field => takesInBody(operation, field))
  })
  return withBoundCursor(body, list)
}

function withStoreCursor(query: unknown, list: CursorOwner): unknown {
  const { cursor } = query as { cursor?: string }
  return cursor === undefined ? query : { ...(query as object), cursor: unbindCursor(cursor, list) }
}

function withBoundCursor(body: unknown, list: CursorOwner): unknown {
  const { next } = (body ?? {}) as { next?: unknown }
  return typeof next === 'string' ? { ...(body as object), next: bindCursor(next, list) } : body
}

function answer(operation: Operation, response: Response, body: unknown): void {
  // The client has gone: nobody reads it, and a repeat with the same Idempotency-Key gets it.
  if (response.destroyed) return
  response.status(operation.status)
  if (operation.status === 204) response.end()
  else response.json(body)
}

/** Who asks, how and from where, and for what: all that the store writes down of a change. */
function changeOf(
  operation: Operation,
  caller: Caller,
  request: Request,
  response: Response,
): Call['change'] {
  const idempotencyKey = isWrite(operation) && readIdempotencyKey(request.get('idempotency-key'))
  // The body as JSON has it: a parsed one may hold what JSON can't (a time's seconds are a BigInt).
  const asked = [operation.name, request.path, canonicalJson(request.body)]
  return {
    actorKind: ActorKind.API_KEY,
    actorId: caller.keyId,
    actorName: caller.keyName,
    via: 'api',
    address: response.locals.peer,
    agent: request.get('user-agent') ?? '',
    requestId: response.locals.requestId,
    ...(idempotencyKey && {
      idempotencyKey,
      requestSha256: createHash('sha256').update(JSON.stringify(asked)).digest(),
    }),
  }
}

/** Counts a request by its key. */
function takeRate(parts: Parts, key: string, response: Response): void {
  const digest = createHash('sha256').update(key).digest('base64')
  const { allowed, remaining, retryAfterSeconds } = parts.takeRate(digest, Date.now())
  response.set('ratelimit-remaining', String(remaining))
  if (!allowed) throw new ApiError('rate_limited', undefined, { retryAfterSeconds })
}

/**
 * The organization that a path names, if the caller may see it; undefined where the path names none. Throws an
 * ApiError `not_found`, the same whether there is none or it is somebody else's.
 */
async function findOrganization(
  store: StoreClient,
  caller: Caller,
  params: unknown,
  signal: AbortSignal,
): Promise<Organization | undefined> {
  const { slug } = params as { slug?: string }
  if (slug === undefined) return undefined
  const { organization } = await store.organizations
    .getOrganization({ by: { case: 'slug', value: slug } }, { signal })
    .catch(error => {
      throw storeProblem(error)
    })
  if (!organization || (caller.organizationId && caller.organizationId !== organization.id)) {
    throw new ApiError('not_found')
  }
  return organization
}

/** Aborts when the client goes away before it was answered. */
function untilGone(response: Response): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'))
  })
  return gone.signal
}
