import { createHash } from 'node:crypto'
import type { Log } from '@fairlead/daemon/log'
import type { Organization } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Request, Response } from 'express'
import { writeAudit } from './audit.ts'
import { authenticate, bearerKey, type Caller, requireAccess } from './authenticate.ts'
import { canonicalJson, type Idempotency } from './idempotency.ts'
import type { ApiMetrics } from './metrics.ts'
import type { Call, Operation } from './operation.ts'
import { ApiError } from './problem.ts'
import type { RateVerdict } from './rate-limit.ts'
import { readIdempotencyKey, readRequest, takesInBody } from './request.ts'
import { storeProblem } from './store-problem.ts'

export interface Parts {
  readonly store: StoreClient
  /** Scheme, host and port as providers see them. */
  readonly publicUrl: string | undefined
  readonly log: Log
  readonly metrics: ApiMetrics
  readonly idempotency: Idempotency
  readonly takeRate: (key: string, nowMs: number) => RateVerdict
}

/**
 * One call, from its request to its answer:
 *
 *   admit: key → rate → caller → role       (before a byte of the body is read)
 *   perform: parameters → organization → what it does → audit log → answer
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
  takeRate(parts, key, response)
  const caller = await authenticate(parts.store, key, untilGone(response))
  requireAccess(caller, operation.access)
  response.locals.caller = caller
}

/** After `admit`, and after the body was read. */
export async function perform(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const { store } = parts
  const signal = untilGone(response)
  const caller: Caller = response.locals.caller
  const asked = readRequest(operation, request)
  const organization = await findOrganization(store, caller, asked.params, signal)
  const call: Call = {
    store,
    caller,
    ...asked,
    get organization() {
      if (!organization) throw new TypeError(`${operation.name} has no organization in its path`)
      return organization
    },
    publicUrl: parts.publicUrl,
    signal,
  }
  const answer = await performOnce(parts, operation, request, call)
  response.status(operation.status)
  if (operation.status === 204) response.end()
  else response.json(answer)
}

/** With an Idempotency-Key, where the operation knows what that is, at most once for each. */
async function performOnce(
  parts: Parts,
  operation: Operation,
  request: Request,
  call: Call,
): Promise<unknown> {
  const make = () => performAudited(parts, operation, call)
  const repeatKey = operation.repeatable && readIdempotencyKey(request.get('idempotency-key'))
  if (!repeatKey) return await make()
  // The body as JSON has it: a parsed one may hold what JSON can't (a time's seconds are a BigInt).
  const asked = [operation.name, request.path, canonicalJson(request.body)]
  return await parts.idempotency.once(`${call.caller.keyId} ${repeatKey}`, asked, Date.now(), make)
}

async function performAudited(parts: Parts, operation: Operation, call: Call): Promise<unknown> {
  const answer = await operation.handle(call).catch(error => {
    throw storeProblem(error, field => takesInBody(operation, field))
  })
  const entry = operation.audit?.(call, answer)
  if (entry) await writeAudit(parts, call, entry)
  return answer
}

/** Counts a request before anybody is asked about its key, so that wrong keys are held back like right ones. */
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
