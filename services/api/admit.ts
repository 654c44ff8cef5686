import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { networkOf } from './auth/limits.ts'
import { isInvited, personOf } from './auth/people.ts'
import { isSameOrigin } from './auth/same-origin.ts'
import type { FoundSession } from './auth/sessions/sessions.ts'
import type { SignIn } from './auth/sign-in.ts'
import { looksLikeJwt } from './auth/tokens/jwt.ts'
import { bearerKey } from './authenticate.ts'
import type { ApiKeyCaller, Caller, PersonCaller } from './caller.ts'
import { requireMode } from './mode.ts'
import { isWrite, type Operation } from './operation.ts'
import type { Parts } from './parts.ts'
import { ApiError } from './problem.ts'
import { rateHeaders } from './rate-limit.ts'
import { type NamedOrganization, requireRight } from './rights.ts'
import { requireScope } from './scopes.ts'

/**
 * Before a byte of the body is read:
 *
 *   credential → rate → caller → right → scope → mode
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
  requireMode(caller, operation)
}

/** Of an operation that whoever asks is answered by: requests of one network have the rate of one credential. */
export async function admitAnyone(parts: Parts, response: Response): Promise<void> {
  await takeRate(parts, `network ${networkOf(response.locals.peer)}`, response)
}

/** The same question again, for an answer that lasts; takes nothing from the rate. */
export async function admitAgain(parts: Parts, operation: Operation, request: Request, response: Response) {
  const { authorization } = request.headers
  const { peer } = response.locals
  const bearer = bearerKey(authorization)
  const caller =
    authorization === undefined
      ? (await personBySession(parts, request)).person
      : bearer && looksLikeJwt(bearer)
        ? (await personByToken(parts, bearer)).person
        : await parts.authenticator.authenticate(bearer ?? '', peer)
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
  if (request.headers.authorization !== undefined) {
    const bearer = bearerKey(request.headers.authorization)
    if (!bearer) throw new ApiError('unauthenticated')
    if (looksLikeJwt(bearer)) return await callerByToken(parts, operation, bearer, response)
    return await callerByKey(parts, bearer, response)
  }
  return await callerBySession(parts, operation, request, response)
}

async function callerByKey(parts: Parts, key: string, response: Response): Promise<ApiKeyCaller> {
  // A key that was right lately is held back before anyone is asked about it; another once it has proved right.
  const wasRemembered = parts.authenticator.isRemembered(key)
  if (wasRemembered) await takeRate(parts, key, response)
  const caller = await parts.authenticator.authenticate(key, response.locals.peer)
  if (!wasRemembered) await takeRate(parts, key, response)
  takeShare(parts, caller)
  return caller
}

async function callerByToken(
  parts: Parts,
  operation: Operation,
  token: string,
  response: Response,
): Promise<PersonCaller> {
  const { person, isStale } = await personByToken(parts, token)
  await takeRate(parts, person.sessionId, response)
  if (isStale && isWrite(operation)) throw new ApiError('unavailable', undefined, { retryAfterSeconds: 2 })
  return person
}

async function callerBySession(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<PersonCaller> {
  const { signIn, person, isStale } = await personBySession(parts, request)
  await takeRate(parts, person.sessionId, response)
  if (!isWrite(operation)) return person
  if (!isSameOrigin(request.headers, signIn.publicUrl)) throw new ApiError('cross_site')
  if (isStale) throw new ApiError('unavailable', undefined, { retryAfterSeconds: 2 })
  return person
}

interface FoundPerson {
  readonly person: PersonCaller
  /** Redis is away: good for looking, not for changing. */
  readonly isStale: boolean
}

async function personBySession(parts: Parts, request: Request): Promise<FoundPerson & { signIn: SignIn }> {
  const { signIn } = parts
  const secret = signIn?.cookies.read(request.headers.cookie, 'session')
  if (!signIn || !secret) throw new ApiError('unauthenticated')
  return { signIn, ...(await personBehind(signIn, signIn.sessions.find(secret, Date.now()))) }
}

/** A tool's token: its session is looked up too, so that it ends with it. */
async function personByToken({ signIn }: Parts, token: string): Promise<FoundPerson> {
  const nowMs = Date.now()
  const subject = await signIn?.accessTokens.verify(token, nowMs)
  if (!signIn || !subject) throw new ApiError('unauthenticated')
  return await personBehind(signIn, signIn.sessions.findById(subject.sessionId, nowMs))
}

async function personBehind(signIn: SignIn, found: Promise<FoundSession | undefined>): Promise<FoundPerson> {
  const { sessions, store, staff } = signIn
  const session = await found.catch((cause: unknown) => {
    throw new ApiError('unavailable', undefined, { cause, retryAfterSeconds: 2 })
  })
  if (!session) throw new ApiError('unauthenticated')
  const read = () => personOf(store, staff, session, Date.now())
  let person = await read()
  if (hasNothing(person) && !(await isInvited(store, person.email))) {
    // An invitation may have been accepted between the two looks.
    person = await read()
    if (hasNothing(person)) {
      // Removed from the last organization: whatever the session was good for is gone.
      await sessions.end(session.email, session.id).catch(() => {})
      throw new ApiError('unauthenticated')
    }
  }
  return { person, isStale: session.isStale }
}

const hasNothing = ({ memberships, staff }: Awaited<ReturnType<typeof personOf>>): boolean =>
  memberships.size === 0 && !staff

/** Counts a request of a key by its organization: who makes a hundred keys has not a hundred times the rate. */
function takeShare(parts: Parts, { organizationId }: ApiKeyCaller): void {
  if (!organizationId) return
  const { allowed, retryAfterSeconds } = parts.takeShare(organizationId, Date.now())
  if (allowed) return
  throw new ApiError('rate_limited', 'The keys of this organization together asked too much.', {
    retryAfterSeconds,
  })
}

/** Counts a request by its credential. */
async function takeRate(parts: Parts, credential: string, response: Response): Promise<void> {
  const digest = createHash('sha256').update(credential).digest('base64')
  const verdict = await parts.takeRate(digest, Date.now())
  response.set(rateHeaders(verdict))
  const { allowed, retryAfterSeconds } = verdict
  if (!allowed) throw new ApiError('rate_limited', undefined, { retryAfterSeconds })
}
