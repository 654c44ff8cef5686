import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { personOf } from './auth/people.ts'
import { isSameOrigin } from './auth/same-origin.ts'
import type { SignIn } from './auth/sign-in.ts'
import { bearerKey } from './authenticate.ts'
import type { ApiKeyCaller, Caller, PersonCaller } from './caller.ts'
import { isWrite, type Operation } from './operation.ts'
import type { Parts } from './parts.ts'
import { ApiError } from './problem.ts'
import { type NamedOrganization, requireRight } from './rights.ts'
import { requireScope } from './scopes.ts'

/**
 * Before a byte of the body is read:
 *
 *   credential → rate → caller → right → scope
 *
 * A request has one credential: with an Authorization header no cookie counts. Throws an ApiError for whatever stops it.
 */
export async function admit(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const caller = await callerOf(parts, operation, request, response)
  response.locals.caller = caller
  requireRight(caller, {
    right: operation.access,
    organization: namedOrganization(request),
    writes: isWrite(operation),
  })
  requireScope(caller, operation)
}

/** The same question again, for an answer that lasts; takes nothing from the rate. */
export async function admitAgain(parts: Parts, operation: Operation, request: Request, response: Response) {
  const { authorization } = request.headers
  const { peer } = response.locals
  const key = bearerKey(authorization)
  const caller =
    authorization === undefined
      ? (await personBySession(parts, request)).person
      : await parts.authenticator.authenticate(key ?? '', peer)
  requireRight(caller, {
    right: operation.access,
    organization: namedOrganization(request),
    writes: isWrite(operation),
  })
  requireScope(caller, operation)
}

const namedOrganization = (request: Request): NamedOrganization | undefined => {
  const { slug } = request.params
  return typeof slug === 'string' ? { slug } : undefined
}

async function callerOf(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<Caller> {
  if (request.headers.authorization !== undefined) return await callerByBearer(parts, request, response)
  return await callerBySession(parts, operation, request, response)
}

async function callerByBearer(parts: Parts, request: Request, response: Response): Promise<ApiKeyCaller> {
  const key = bearerKey(request.headers.authorization)
  if (!key) throw new ApiError('unauthenticated')
  // A key that was right lately is held back before anyone is asked about it; another once it has proved right.
  const wasRemembered = parts.authenticator.isRemembered(key)
  if (wasRemembered) takeRate(parts, key, response)
  const caller = await parts.authenticator.authenticate(key, response.locals.peer)
  if (!wasRemembered) takeRate(parts, key, response)
  return caller
}

async function callerBySession(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<PersonCaller> {
  const { signIn, person, isStale } = await personBySession(parts, request)
  takeRate(parts, person.sessionId, response)
  if (!isWrite(operation)) return person
  if (!isSameOrigin(request.headers, signIn.publicUrl)) throw new ApiError('cross_site')
  if (isStale) throw new ApiError('unavailable', undefined, { retryAfterSeconds: 2 })
  return person
}

async function personBySession(
  parts: Parts,
  request: Request,
): Promise<{ signIn: SignIn; person: PersonCaller; isStale: boolean }> {
  const { signIn, store } = parts
  const secret = signIn?.cookies.read(request.headers.cookie, 'session')
  if (!signIn || !secret) throw new ApiError('unauthenticated')
  const nowMs = Date.now()
  const session = await signIn.sessions.find(secret, nowMs).catch((cause: unknown) => {
    throw new ApiError('unavailable', undefined, { cause, retryAfterSeconds: 2 })
  })
  if (!session) throw new ApiError('unauthenticated')
  return { signIn, isStale: session.isStale, person: await personOf(store, signIn.staff, session, nowMs) }
}

/** Counts a request by its credential. */
function takeRate(parts: Parts, credential: string, response: Response): void {
  const digest = createHash('sha256').update(credential).digest('base64')
  const { allowed, remaining, retryAfterSeconds } = parts.takeRate(digest, Date.now())
  response.set('ratelimit-remaining', String(remaining))
  if (!allowed) throw new ApiError('rate_limited', undefined, { retryAfterSeconds })
}
