import type { IncomingMessage } from 'node:http'
import { noteExemplar } from '@fairlead/daemon/exposition'
import { peerOf } from '@fairlead/daemon/peer'
import { logFields, spanOfEventTrace } from '@fairlead/telemetry/trace-ids'
import type { EventId } from '@fairlead/webhook/id'
import { verifyAt } from '@fairlead/webhook/verify-at'
import { PublishError } from '@fairlead/wire/publish'
import type { BodyLease } from './admission/body-memory.ts'
import type { Permit } from './admission/permits.ts'
import { type Receiver, sourceFields } from './context.ts'
import type { Directory, Source } from './directory.ts'
import { answerHandshake } from './handshake.ts'
import type { Problem, Reply } from './problem.ts'
import { publicUrlsOf } from './public-url.ts'
import { readBody } from './read-body.ts'
import { refuse, refuseBody, refuseEarly, refuseOverloaded, reject } from './refuse.ts'
import { idOf, recordRepeat, storeEvent } from './store-event.ts'
import type { Stored, Verified } from './verified.ts'

/**
 * The way of a webhook through the receiver, top to bottom:
 *
 *   source from memory → rate → permit → body → turn → verify → handshake? → rate
 *     → throttle → event id → accepted before? → publish → 2xx
 *
 * Each way out is one reply. 2xx comes only after JetStream's acknowledgement of this event: for this request, or for
 * the earlier request that this one repeats.
 */

/**
 * Answers one request. A request that can be refused before its body is read is refused at once, without a promise:
 * under overload that costs a fraction of accepting.
 */
export function ingest(request: IncomingMessage, receiver: Receiver): Reply | Promise<Reply> {
  const source = findSource(request.url ?? '', receiver.directory)
  if (!source) return refuseEarly(receiver, undefined, { code: 'unknown_source' })
  // The source's configuration can't be read, which is no fault of the sender's: it is asked to come again.
  if (source === 'unusable')
    return refuseEarly(receiver, undefined, { code: 'unavailable', retryAfterSeconds: 30 })

  const problem = earlyProblem(source, receiver.now())
  if (problem) return refuseEarly(receiver, source, problem)
  const { id } = source.organization
  const startedMs = performance.now()
  const permit = receiver.throttle.hasRoom(id) ? receiver.permits.take(id, startedMs) : undefined
  return permit
    ? readAndAccept(request, source, permit, receiver, startedMs)
    : refuseOverloaded(receiver, source, startedMs)
}

/** The source of `/webhooks/{organization}/{source}`; undefined for any other path. */
function findSource(url: string, directory: Directory): Source | 'unusable' | undefined {
  const prefix = '/webhooks/'
  if (!url.startsWith(prefix)) return undefined
  const slash = url.indexOf('/', prefix.length)
  if (slash < 0) return undefined
  const query = url.indexOf('?', slash)
  return directory.find(url.slice(prefix.length, slash), url.slice(slash + 1, query < 0 ? undefined : query))
}

/** Why the source accepts no request at present; decided before a byte of the body is read. */
function earlyProblem(source: Source, nowMs: number): Problem | undefined {
  const { organization, bucket } = source
  if (!organization.active) return { code: 'organization_inactive' }
  if (organization.quotaExceeded) return { code: 'quota_exceeded', retryAfterSeconds: 3600 }
  return rateProblem(bucket?.waitMs(nowMs) || organization.bucket?.waitMs(nowMs))
}

/** Takes an event from the rates of source and organization. */
function takeFromRates({ bucket, organization }: Source, nowMs: number): Problem | undefined {
  return rateProblem(bucket?.take(nowMs) || organization.bucket?.take(nowMs))
}

function rateProblem(waitMs = 0): Problem | undefined {
  return waitMs > 0 ? { code: 'rate_limited', retryAfterSeconds: waitMs / 1000 } : undefined
}

/**
 * Reads the body and accepts it. Permit and lease are given back here, whatever happens. (`using` would do the same
 * for one more microsecond a request.)
 */
async function readAndAccept(
  request: IncomingMessage,
  source: Source,
  permit: Permit,
  receiver: Receiver,
  startedMs: number,
): Promise<Reply> {
  const { limits, bodies, publicUrls } = receiver
  let lease: BodyLease | undefined
  try {
    const peer = peerOf(request.socket.remoteAddress, request.headers['x-forwarded-for'], publicUrls.trusted)
    const read = await readBody(request, limits.maxBodyBytes, tooSlow => {
      lease = bodies.lease(source.organization.id, peer, tooSlow)
      return lease
    })
    if (read.kind !== 'read') return refuseBody(read, source, receiver, startedMs)
    if (!permit.work()) return refuseOverloaded(receiver, source, startedMs)
    const { body } = read
    return await receiver.turns.take(source.organization.id, () =>
      accept(request, source, body, receiver, startedMs),
    )
  } finally {
    lease?.[Symbol.dispose]()
    permit[Symbol.dispose]()
  }
}

/** Verifies a request, stores its event, and answers. */
async function accept(
  request: IncomingMessage,
  source: Source,
  body: Uint8Array,
  receiver: Receiver,
  startedMs: number,
): Promise<Reply> {
  const receivedAt = receiver.now()
  const { received, verdict, tried } = await verifyAt(
    source.scheme,
    { method: request.method ?? 'POST', headers: request.headers, body },
    publicUrlsOf(request, source.config.options.publicUrl, receiver.publicUrls),
    receivedAt,
  )

  const handshake = source.scheme.handshake(received, verdict.kind === 'valid', receivedAt)
  if (handshake) return answerHandshake(request, source, body, handshake, receiver)
  // Where nothing is signed, a crawler's GET would be as valid as an event.
  if (source.scheme.unsigned && received.method !== 'POST') {
    return refuse(receiver, source, { code: 'method_not_allowed' }, startedMs)
  }
  if (verdict.kind === 'invalid')
    return reject(request, source, body, { verdict, tried, startedMs }, receiver)

  // Only requests that verify take from the rates, so that strangers can't use them up.
  const limited = takeFromRates(source, receivedAt)
  if (limited) return refuseEarly(receiver, source, limited)
  const pause = receiver.throttle.wait(source.organization.id)
  if (pause) await pause

  if (verdict.secret !== undefined) {
    const position = verdict.secret + 1
    receiver.metrics.secretsMatched.inc({ provider: source.config.provider, position })
  }
  const identity = source.scheme.identify(received)
  const ids = idOf(source, identity, body, receivedAt)
  const event: Verified = { request, source, body, received, receivedAt, verdict, identity, ...ids }
  try {
    const stored = await storeEvent(event, receiver)
    record(event, stored, tried.at(-1), startedMs, receiver)
    return acceptedReply(source, ids.id, stored.knownBy !== undefined)
  } catch (error) {
    if (!(error instanceof PublishError)) throw error
    return refuse(receiver, source, { code: 'unavailable', retryAfterSeconds: 5 }, startedMs, error.code)
  }
}

/**
 * Metrics, spans and log line of an accepted event.
 * @param publicUrl the URL over which the signature matched, where the provider signs it
 * @param startedMs of `performance.now()`, at the request line
 */
function record(
  event: Verified,
  stored: Stored,
  publicUrl: string | undefined,
  startedMs: number,
  receiver: Receiver,
): void {
  const durationMs = performance.now() - startedMs
  const { source, body, id, traceId, identity } = event
  const { seq, knownBy, differs } = stored
  const { metrics, log, traces } = receiver
  const { provider } = source.config
  const duplicate = knownBy !== undefined
  metrics.accepted.inc({ provider, duplicate: duplicate ? 'true' : 'false' })
  if (knownBy) {
    metrics.suppressed.inc({ provider, by: knownBy })
    recordRepeat(event, differs, receiver)
  }
  metrics.acceptSeconds.observe(durationMs / 1000)
  metrics.answeredWell(durationMs)
  const isTraced = traces?.accepted(event, stored, startedMs, durationMs) ?? false
  if (isTraced) noteExemplar(metrics.acceptSeconds, durationMs / 1000, traceId, receiver.now())
  log.info(
    {
      ...logFields(spanOfEventTrace(traceId, 'receive'), isTraced),
      event: id,
      ...sourceFields(source),
      type: identity.eventType,
      types: identity.eventTypes,
      seq,
      duplicate,
      knownBy,
      ...(differs && { differs }),
      bytes: body.length,
      durationMs,
      publicUrl,
    },
    'event.accepted',
  )
}

/** Most providers want any 2xx. Some want an exact one (Discord 204, Xero an empty body), which the scheme knows. */
function acceptedReply({ scheme }: Source, id: EventId, duplicate: boolean): Reply {
  return (
    scheme.accepted ?? {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"id":"${id}","duplicate":${duplicate}}`,
    }
  )
}
