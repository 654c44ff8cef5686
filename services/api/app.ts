import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Code, ConnectError } from '@connectrpc/connect'
import { framingFault } from '@fairlead/daemon/framing'
import { peerOf } from '@fairlead/daemon/peer'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import helmet from 'helmet'
import { admit, admitAnyone } from './admit.ts'
import { serveAuth } from './auth/serve.ts'
import { readJsonBody } from './body.ts'
import type { Caller } from './caller.ts'
import { serveConsole } from './console.ts'
import { allowOrigins } from './cors.ts'
import { deprecationHeaders } from './deprecation.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import type { Parts } from './parts.ts'
import { ClientGone, perform, performOpen } from './perform.ts'
import { ApiError, type ProblemCode, problemOf } from './problem.ts'
import { openRateLimiter } from './rate-limit.ts'
import { serveReference } from './reference/serve-reference.ts'
import { readQuery, traceIdOf } from './request.ts'
import { serveConnectCallback } from './stripe-connect/serve-callback.ts'

/** The whole HTTP surface: console and documentation in the open, everything else behind a key or a session. */
export function buildApp(parts: Parts, declared: readonly Operation[] = operations): Express {
  const served = declared.filter(operation => isServed(parts, operation))
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.set('query parser', readQuery)
  app.use(trace(parts))
  app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: nothingAllowed } }))
  app.use(refuseFraming)
  if (parts.corsOrigins.length > 0) app.use(['/api/v1', '/openapi.json'], allowOrigins(parts.corsOrigins))
  serveReference(app, served)
  if (parts.consoleFolder) serveConsole(app, parts.consoleFolder)
  for (const operation of served) serve(app, parts, operation)
  for (const [path, methods] of methodsByPath(served)) app.all(path, refuseMethod(methods))
  app.use('/auth', serveAuth(parts.signIn))
  const { signIn, stripeConnect } = parts
  if (signIn && stripeConnect) serveConnectCallback(app, signIn, stripeConnect)
  if (signIn) {
    app.get('/.well-known/jwks.json', async (_request, response) => {
      response.set('cache-control', 'public, max-age=300').json(await signIn.accessTokens.jwks())
    })
  }
  if (parts.signIn) app.get('/', (_request, response) => response.redirect(303, '/auth/account'))
  app.use(() => {
    throw new ApiError('not_found')
  })
  app.use(answerProblem(parts))
  return app
}

/** Whether this installation has what an operation is part of. */
function isServed({ signIn, stripeConnect }: Parts, { partOf }: Operation): boolean {
  switch (partOf) {
    case undefined:
      return true
    case 'tenant-accounts':
      return signIn?.tenants !== undefined
    case 'stripe-connect':
      return stripeConnect !== undefined
    default:
      return partOf satisfies never
  }
}

/** What a page from here may load: nothing. */
const nothingAllowed = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}

/** Whoever reads such a request in another way than we do must not send another on this connection. */
const refuseFraming: RequestHandler = (request, response, next) => {
  const fault = framingFault(request)
  if (!fault) return next()
  response.set('connection', 'close')
  throw new ApiError(fault)
}

function serve(app: Express, parts: Parts, operation: Operation): void {
  const enter: RequestHandler = async (request, response, next) => {
    response.locals.operation = operation.name
    // Express takes the parameters back where a request fails.
    response.locals.organization = request.params.slug
    response.set('cache-control', 'no-store').set(deprecationHeaders(operation))
    if (operation.open) await admitAnyone(parts, response)
    else {
      await admit(parts, operation, request, response)
      // A stranger names no trace.
      parts.traces?.begin(operation, request, response)
    }
    next()
  }
  const read = operation.body ? readJsonBody(operation.maxBodyBytes) : []
  const carryOut = operation.open ? performOpen : perform
  const work = (request: Request, response: Response) => carryOut(parts, operation, request, response)
  app[operation.method](expressPath(operation.path), enter, ...read, (request, response) =>
    parts.traces ? parts.traces.under(response, () => work(request, response)) : work(request, response),
  )
}

/** One line and one measurement for each answer. */
function trace({ log, metrics, trusted, refusals, traces }: Parts): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    response.locals.traceId = traceIdOf(request.get('traceparent')) ?? randomBytes(16).toString('hex')
    response.locals.requestId = `req_${randomBytes(16).toString('hex')}`
    response.locals.peer = peerOf(request.socket.remoteAddress, request.headers['x-forwarded-for'], trusted)
    response.set('x-request-id', response.locals.requestId)
    response.once('close', () => {
      const durationMs = performance.now() - startedAt
      const { operation = 'none', caller, code, traceId, requestId, peer, organization } = response.locals
      const status = response.writableFinished ? response.statusCode : 499
      metrics.answerSeconds.observe({ operation, status: String(status) }, durationMs / 1000)
      traces?.ended(request, response, { status, durationMs })
      const line = {
        trace_id: traceId,
        requestId,
        peer,
        method: request.method,
        operation,
        status,
        code,
        durationMs: Math.round(durationMs),
        ...(caller && credentialOf(caller)),
        organization,
      }
      if (!caller && (status === 401 || status === 429)) refusals.take(line, Date.now())
      else log.info(line, 'request.answered')
    })
    next()
  }
}

/** Which key or session asked, for the log: never its text. */
function credentialOf(caller: Caller) {
  switch (caller.kind) {
    case 'api-key':
      return { keyId: caller.keyId }
    case 'person':
      return { sessionId: caller.sessionId }
    default:
      return caller satisfies never
  }
}

/** Answers to a peer whose requests were admitted to nothing: so many a second leave at once, and twice as many after a rest. */
const promptRefusals = { perSecond: 20 }
/** Later answers wait, ms: a client that floods with guesses is as slow as its connections are few, and costs little meanwhile. */
const lateRefusalMs = 250

function answerProblem({ log, metrics }: Parts): ErrorRequestHandler {
  const takePrompt = openRateLimiter(promptRefusals)
  return async (thrown, _request, response, _next) => {
    const error = thrown instanceof ApiError ? thrown : fromExpress(thrown)
    const { traceId } = response.locals
    // A client that leaves is no fault, and would otherwise write lines about faults.
    if (response.destroyed && isBrokenOff(error.cause)) return
    if (error.code === 'internal')
      log.error({ err: error.cause ?? error, trace_id: traceId }, 'request.failed')
    if (error.code === 'unavailable') log.warn({ err: error.cause, trace_id: traceId }, 'request.failed')
    if (response.headersSent) {
      response.destroy()
      return
    }
    const { caller, peer } = response.locals
    response.locals.code = error.code
    metrics.refused.inc({ code: error.code })
    if (!caller && !takePrompt(peer, Date.now()).allowed) await delay(lateRefusalMs)
    sendProblem(response, error)
  }
}

/** A call of the store was cancelled, or never made, because nobody waits for it. */
const isBrokenOff = (cause: unknown): boolean =>
  cause instanceof ClientGone || (cause instanceof ConnectError && cause.code === Code.Canceled)

function sendProblem(response: Response, error: ApiError): void {
  const { requestId, traceId } = response.locals
  const problem = problemOf(error, { requestId, traceId })
  response.status(problem.status).set('cache-control', 'no-store')
  if (error.code === 'unauthenticated') response.set('www-authenticate', 'Bearer realm="fairlead"')
  if (error.retryAfterSeconds) response.set('retry-after', String(error.retryAfterSeconds))
  response.type('application/problem+json').send(JSON.stringify(problem))
}

/** Types of body-parser's errors (https://www.npmjs.com/package/body-parser#errors) to our own words. */
const codeOfBodyError: Readonly<Record<string, ProblemCode>> = {
  'entity.parse.failed': 'body_unreadable',
  'entity.too.large': 'too_large',
  'encoding.unsupported': 'media_type_unsupported',
  'charset.unsupported': 'media_type_unsupported',
  'request.size.invalid': 'body_unreadable',
  'request.aborted': 'body_unreadable',
}

/** Express itself throws for a path that isn't percent-encoded right, and for bodies it can't read. */
function fromExpress(thrown: unknown): ApiError {
  if (thrown instanceof URIError) return new ApiError('not_found', undefined, { cause: thrown })
  const type = thrown instanceof Error && 'type' in thrown ? String(thrown.type) : ''
  const code = codeOfBodyError[type]
  return new ApiError(code ?? 'internal', undefined, { cause: thrown })
}

function methodsByPath(served: readonly Operation[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of served) {
    const known = methods.get(expressPath(path)) ?? []
    known.push(method.toUpperCase(), ...(method === 'get' ? ['HEAD'] : []))
    methods.set(expressPath(path), known)
  }
  return methods
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  return (_request, response) => {
    response.set('allow', methods.join(', '))
    throw new ApiError('method_not_allowed')
  }
}

/** `{name}` as OpenAPI writes it is `:name` to Express. */
function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
