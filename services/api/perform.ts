import { createHash } from 'node:crypto'
import { TurnError } from '@fairlead/daemon/turns'
import { parseId } from '@fairlead/webhook/id'
import type { Organization } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Request, Response } from 'express'
import { admitAgain } from './admit.ts'
import { bindCursor, type CursorOwner, unbindCursor } from './bound-cursor.ts'
import { actorOf, type Caller } from './caller.ts'
import { DryRun } from './dry-run.ts'
import { modeOfCall } from './mode.ts'
import { type Call, isWrite, keepsAnswer, type OpenCall, type Operation } from './operation.ts'
import type { Parts } from './parts.ts'
import { isKnown, readPrecondition } from './precondition.ts'
import { ApiError } from './problem.ts'
import { refuseTurn } from './read-bodies.ts'
import { canonicalJson, readIdempotencyKey, readRequest, takesInBody } from './request.ts'
import { roleIn } from './rights.ts'
import type { Role } from './role.ts'
import { storeProblem } from './store-problem.ts'
import { type Streamed, sendStream } from './stream.ts'

/**
 * One call, once its caller is admitted (`admit.ts`) and its body was read:
 *
 *   parameters → organization → what it does → answer
 *
 * Throws an ApiError for everything that stops it on the way.
 */
export async function perform(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  if (isWrite(operation)) return await carryOut(parts, operation, request, response)
  const signal = operation.streams
    ? AbortSignal.any([untilGone(response), parts.stopping])
    : untilGone(response)
  const body = await callOf(parts, operation, request, response, signal)
  if (operation.streams) await sendStream(response, body as Streamed, signal)
  else answer(parts, operation, response, body)
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
    answer(parts, operation, response, await begun)
  } finally {
    parts.underWay.delete(begun)
  }
}

/** An operation that whoever asks is answered by: parameters → what it does → answer. Once begun, it is carried out. */
export async function performOpen(
  parts: Parts,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const { query, body } = readRequest(operation, request)
  const { peer, requestId } = response.locals
  const from = { peer, requestId, agent: (request.get('user-agent') ?? '').slice(0, 300) }
  const call: OpenCall = { store: parts.store, signIn: parts.signIn, query, body, from }
  const handle = operation.handle as (call: unknown) => Promise<unknown>
  const begun = handle(call).catch(error => {
    throw storeProblem(error, field => takesInBody(operation, field))
  })
  parts.underWay.add(begun)
  try {
    answer(parts, operation, response, await begun)
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
  const caller: Caller = response.locals.caller
  const asked = readRequest(operation, request)
  const store = parts.store.inMode(modeOfCall(caller, operation, asked))
  const change = changeOf(operation, caller, request, response)
  const organization = await findOrganization(store, caller, operation, asked.params, signal).catch(error => {
    const mayBeRepeat = operation.endsOrganization && change.idempotencyKey
    if (mayBeRepeat && error instanceof ApiError && error.code === 'not_found') return undefined
    throw error
  })
  const precondition = readPrecondition(operation, request)
  const list = {
    operation: operation.name,
    organizationId: organization?.found.id ?? '',
    query: request.query as Record<string, unknown>,
  }
  let wasRepeat = false
  const call: Call = {
    store,
    caller,
    signIn: parts.signIn,
    ...asked,
    query: withStoreCursor(asked.query, list),
    get organization() {
      if (!organization) throw new TypeError(`${operation.name} has no organization in its path`)
      return organization.found
    },
    organizationIfThere: organization?.found,
    get role() {
      if (!organization) throw new TypeError(`${operation.name} has no organization in its path`)
      return organization.role
    },
    reauthorize: () => admitAgain(parts, operation, request, response),
    publicUrl: parts.publicUrl,
    stripeConnect: parts.stripeConnect,
    simulatorReceiverUrl: parts.simulatorReceiverUrl,
    signal,
    precondition,
    change,
    bindCursor: cursor => bindCursor(cursor, list),
    lastEventId: request.get('last-event-id'),
    takeStream: () => parts.streams.take(organization?.found.id ?? ''),
    takeExport: () => parts.streams.takeExport(organization?.found.id ?? ''),
    takeBodies: () => takeBodies(parts, organization?.found.id ?? '', response, signal),
    takeExplanation: () => parts.explanations.take(organization?.found.id ?? '').catch(orNoTurn),
    write: {
      onHeader: headers => {
        if (!headers.get('fairlead-replayed')) return
        wasRepeat = true
        response.set('idempotent-replayed', 'true')
      },
    },
    wasRepeat: () => wasRepeat,
  }
  const body = await operation.handle(call).catch(error => {
    throw sayWhatIsMissing(
      request,
      storeProblem(error, field => takesInBody(operation, field)),
    )
  })
  return withBoundCursor(body, list)
}

/** Bytes of the largest body. */
const mostBodyBytes = 8 * 1024 ** 2

/**
 * Waits for a turn to read bodies. What would not be answered is not read: to read it costs more than to refuse it. Rejects with an
 * ApiError `rate_limited` or `unavailable`.
 */
async function takeBodies(
  { bodies, unsent }: Parts,
  organization: string,
  response: Response,
  signal: AbortSignal,
): Promise<Disposable> {
  const turn = await bodies.take(organization, signal).catch(refuseTurn)
  try {
    unsent.requireRoom(holderOf(response), mostBodyBytes)
  } catch (error) {
    turn[Symbol.dispose]()
    throw error
  }
  return turn
}

/** Who waits, waits for others: that is no reason to refuse the rest of an answer. */
function orNoTurn(error: unknown): undefined {
  if (!(error instanceof TurnError)) throw error
}

function withStoreCursor(query: unknown, list: CursorOwner): unknown {
  const { cursor } = query as { cursor?: string }
  return cursor === undefined ? query : { ...(query as object), cursor: unbindCursor(cursor, list) }
}

function withBoundCursor(body: unknown, list: CursorOwner): unknown {
  const { next } = (body ?? {}) as { next?: unknown }
  return typeof next === 'string' ? { ...(body as object), next: bindCursor(next, list) } : body
}

function answer({ unsent }: Parts, operation: Operation, response: Response, body: unknown): void {
  // The client has gone: nobody reads it, and a repeat with the same Idempotency-Key gets it.
  if (response.destroyed) return
  if (body instanceof DryRun) {
    response.status(200).json(body.body)
    return
  }
  const { etag } = (operation.versioned && body ? body : {}) as { etag?: string }
  if (etag) response.set('etag', `"${etag}"`)
  if (etag && operation.method === 'get' && isKnown(response.req.get('if-none-match'), etag)) {
    response.status(304).end()
    return
  }
  if (operation.status === 204) {
    response.status(204).end()
    return
  }
  const text = JSON.stringify(body)
  const [holder, bytes] = [holderOf(response), Buffer.byteLength(text)]
  // What was carried out is answered.
  if (!isWrite(operation)) unsent.requireRoom(holder, bytes)
  unsent.count(holder, bytes, response)
  response.status(operation.status).type('application/json').send(text)
}

/** Whose memory an answer is: the organization of the path, else the key or session that asked. */
function holderOf({ locals: { organization, caller } }: Response): string {
  if (organization) return organization
  return caller?.kind === 'api-key' ? caller.keyId : (caller?.sessionId ?? '')
}

/** Of a PUT that says nothing of what it has seen, something that is there already asks for just that. */
function sayWhatIsMissing(request: Request, error: ApiError): ApiError {
  const isBare = request.get('if-match') === undefined && request.get('if-none-match') === undefined
  if (error.code !== 'precondition_failed' || !isBare) return error
  return new ApiError('precondition_required', undefined, { cause: error, facts: error.facts })
}

/** Who asks, how and from where, and for what: all that the store writes down of a change. */
function changeOf(
  operation: Operation,
  caller: Caller,
  request: Request,
  response: Response,
): Call['change'] {
  const idempotencyKey = keepsAnswer(operation) && readIdempotencyKey(request.get('idempotency-key'))
  // The body as JSON has it: a parsed one may hold what JSON can't (a time's seconds are a BigInt).
  const asked = [operation.name, request.path, canonicalJson(request.body)]
  return {
    ...actorOf(caller, slugOf(request)),
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

/**
 * The organization that a path names, if the caller may see it; undefined where the path names none. Throws an
 * ApiError `not_found`, the same whether there is none or it is somebody else's.
 */
async function findOrganization(
  store: StoreClient,
  caller: Caller,
  operation: Operation,
  params: unknown,
  signal: AbortSignal,
): Promise<{ readonly found: Organization; readonly role: Role } | undefined> {
  const { slug } = params as { slug?: string }
  if (slug === undefined && !operation.ofOwnOrganization) return undefined
  const by =
    slug === undefined
      ? ({ case: 'id', value: ownOrganization(caller) } as const)
      : ({ case: 'slug', value: slug } as const)
  const { organization } = await store.organizations.getOrganization({ by }, { signal }).catch(error => {
    throw storeProblem(error)
  })
  const id = organization && parseId('org', organization.id)
  const role = id && roleIn(caller, { id })
  if (!organization || !role) throw new ApiError('not_found')
  return { found: organization, role }
}

/** Throws an ApiError `forbidden`. */
function ownOrganization(caller: Caller): string {
  if (caller.kind === 'api-key' && caller.organizationId) return caller.organizationId
  throw new ApiError(
    'forbidden',
    'This path is for keys of one organization. Others name it: /api/v1/organizations/{slug}/billing/….',
  )
}

function slugOf({ params }: Request): string | undefined {
  return typeof params.slug === 'string' ? params.slug : undefined
}

/** Why work for a client was broken off: it went away. */
export class ClientGone extends Error {
  readonly code = 'client_gone'
}

/** Aborts when the client goes away before it was answered. */
function untilGone(response: Response): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new ClientGone('the client went away'))
  })
  return gone.signal
}
