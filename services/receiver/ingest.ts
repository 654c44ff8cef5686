import type { IncomingMessage } from 'node:http'
import { peerOf } from '@fairlead/daemon/peer'
import { type EventId, eventId, newId } from '@fairlead/webhook/id'
import type { Handshake, Identity, InvalidVerdict, RejectionReason, Verdict } from '@fairlead/webhook/scheme'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { PublishError, type Publisher } from '@fairlead/wire/publish'
import type { BodyLease, BodyMemory } from './admission/body-memory.ts'
import type { Permit, Permits } from './admission/permits.ts'
import type { RefusalLog } from './admission/refusal-log.ts'
import type { Throttle } from './admission/throttle.ts'
import type { Confirmations } from './confirm.ts'
import type { Directory, Source } from './directory.ts'
import type { ReceiverMetrics } from './metrics.ts'
import { codeOfRejection, type Problem, type ProblemCode, problemReply, type Reply } from './problem.ts'
import { type PublicUrls, publicUrlsOf, verifyAt } from './public-url.ts'
import { type BodyRead, readBody } from './read-body.ts'
import type { RejectionLog } from './rejection-log.ts'
import type { Repeats } from './repeats.ts'
import { bodyDigest } from './seen/body-digest.ts'
import type { Seen } from './seen/seen.ts'

/**
 * The way of a webhook through the receiver, top to bottom:
 *
 *   source from memory → rate → permit → body → verify → handshake? → rate
 *     → throttle → event id → accepted before? → publish → 2xx
 *
 * Each way out is one reply. 2xx comes after JetStream's acknowledgement and never before: of this request, or of the
 * one that it repeats.
 */

export interface Receiver {
  readonly directory: Directory
  readonly publisher: Publisher
  readonly seen: Seen
  readonly rejections: RejectionLog
  readonly repeats: Pick<Repeats, 'note'>
  /** Whether the event of this sequence in EVENTS has this body; true where it can't be told. */
  isBodyOf(seq: number, body: Uint8Array): Promise<boolean>
  readonly metrics: ReceiverMetrics
  readonly log: IngestLog
  readonly bodies: BodyMemory
  readonly permits: Permits
  readonly throttle: Throttle
  readonly refusals: RefusalLog
  readonly limits: {
    /** Bytes of one body. */
    readonly maxBodyBytes: number
  }
  readonly publicUrls: PublicUrls
  readonly confirmations: Pick<Confirmations, 'confirm'>
  now(): number
}

/** One wide line for each fate; of refusals only the first few, the others are counted. */
export interface IngestLog {
  info(fields: object, message: 'event.accepted' | 'handshake.answered'): void
  warn(fields: object, message: 'request.refused' | 'requests.refused' | 'secret.offered'): void
}

/**
 * Answers one request. What can be refused before the body is read is refused at once, without a promise: under
 * overload that costs a fraction of accepting.
 */
export function ingest(request: IncomingMessage, receiver: Receiver): Reply | Promise<Reply> {
  const source = findSource(request.url ?? '', receiver.directory)
  if (!source) return turnAway(receiver, undefined, { code: 'unknown_source' })
  // Ours to mend, not the sender's: it is asked to come again.
  if (source === 'unusable')
    return turnAway(receiver, undefined, { code: 'unavailable', retryAfterSeconds: 30 })

  const barred = bar(source, receiver.now())
  if (barred) return turnAway(receiver, source, barred)
  const { id } = source.organization
  const startedMs = performance.now()
  const permit = receiver.throttle.hasRoom(id) ? receiver.permits.take(id, startedMs) : undefined
  return permit ? comeIn(request, source, permit, receiver, startedMs) : shed(receiver, source)
}

/**
 * Reads the body and ingests it. Permit and lease end here, whatever happens. (`using` would say the same for one
 * more microsecond a request.)
 */
async function comeIn(
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
    if (read.kind !== 'read') return refuseBody(read, source, receiver)
    if (!permit.work()) return shed(receiver, source)
    return await accept(request, source, read.body, receiver, startedMs)
  } finally {
    lease?.[Symbol.dispose]()
    permit[Symbol.dispose]()
  }
}

function refuseBody(read: Exclude<BodyRead, { kind: 'read' }>, source: Source, receiver: Receiver): Reply {
  switch (read.kind) {
    case 'too_large':
      return refuse(receiver, source, tooLarge(receiver.limits.maxBodyBytes))
    case 'too_slow':
      return refuse(receiver, source, { code: 'too_slow' })
    case 'no_room':
      return shed(receiver, source)
    case 'aborted':
      return refuse(receiver, source, { code: 'unavailable', detail: 'the request broke off' }, 'aborted')
    default:
      return read satisfies never
  }
}

const tooMuch: Problem = {
  code: 'unavailable',
  detail: 'too much is being received',
  retryAfterSeconds: 1,
}
const tooMuchReply = problemReply(tooMuch)

/** Too much comes: the same answer to all of them, made once. */
function shed(receiver: Receiver, source: Source): Reply {
  receiver.refusals.count(source, tooMuch.code, 'overloaded')
  return tooMuchReply
}

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
  if (handshake) return shakeHands(request, source, body, handshake, receiver)
  // Where nothing is signed, a crawler's GET would be as valid as an event.
  if (source.scheme.unsigned && received.method !== 'POST') {
    return refuse(receiver, source, { code: 'method_not_allowed' })
  }
  if (verdict.kind === 'invalid') return reject(request, source, body, withTried(verdict, tried), receiver)

  // Only what verifies takes from the rates: strangers can't use them up.
  const limited = takeFromRates(source, receivedAt)
  if (limited) return turnAway(receiver, source, limited)
  const turn = receiver.throttle.wait(source.organization.id)
  if (turn) await turn

  if (verdict.secret !== undefined) {
    receiver.metrics.secretsMatched.inc({ provider: source.config.provider, position: verdict.secret + 1 })
  }
  const identity = source.scheme.identify(received)
  const id = idOf(source, identity, body, receivedAt)
  const meta = encodeEventMeta({
    id,
    organization: source.organization.id,
    source: source.config.name,
    sourceId: source.config.id,
    provider: source.config.provider,
    revision: source.organization.revision,
    type: identity.eventType ?? '',
    types: identity.eventTypes,
    receivedAt,
    method: received.method,
    url: request.url ?? '',
    headers: request.rawHeaders,
    size: body.length,
    secret: verdict.secret === undefined ? undefined : source.config.secrets[verdict.secret]?.id,
  })

  try {
    // Without a deliveryId an event is one only while JetStream's window lasts, if at all.
    const lasting = source.config.deduplicate && identity.deliveryId !== undefined
    const { seq, knownBy, differs } = await publishOnce(
      source.eventSubject,
      id,
      body,
      meta,
      lasting,
      receiver,
    )
    const duplicate = knownBy !== undefined
    const { provider } = source.config
    const durationMs = performance.now() - startedMs
    receiver.metrics.accepted.inc({ provider, duplicate: duplicate ? 'true' : 'false' })
    if (knownBy) {
      receiver.metrics.suppressed.inc({ provider, by: knownBy })
      noteRepeat(request, source, body, differs, { id, receivedAt, identity, verdict }, receiver)
    }
    receiver.metrics.acceptSeconds.observe(durationMs / 1000)
    receiver.log.info(
      {
        event: id,
        ...whose(source),
        type: identity.eventType,
        types: identity.eventTypes,
        seq,
        duplicate,
        knownBy,
        ...(differs && { differs }),
        bytes: body.length,
        durationMs,
        // The public URL that was right, where the provider signs it.
        publicUrl: tried.at(-1),
      },
      'event.accepted',
    )
    return accepted(source, id, duplicate)
  } catch (error) {
    if (!(error instanceof PublishError)) throw error
    return refuse(receiver, source, { code: 'unavailable', retryAfterSeconds: 5 }, error.code)
  }
}

interface Published {
  /** In EVENTS; undefined where only Redis was asked. */
  readonly seq: number | undefined
  /** Who knew that the event was accepted before. */
  readonly knownBy: 'jetstream' | 'redis' | undefined
  /** Its body is another one than the event's that was accepted before. */
  readonly differs: boolean
}

/**
 * Publishes an event that wasn't accepted before.
 * @param lasting whether its id is looked for beyond JetStream's window
 * @throws PublishError
 */
async function publishOnce(
  subject: string,
  id: EventId,
  body: Uint8Array,
  meta: string,
  lasting: boolean,
  { seen, publisher, throttle, now, isBodyOf }: Receiver,
): Promise<Published> {
  const digest = lasting ? bodyDigest(body) : 0
  const known = lasting ? await seen.check(id, digest) : 'new'
  if (known === 'accepted' || known === 'differs') {
    return { seq: undefined, knownBy: 'redis', differs: known === 'differs' }
  }
  const { duplicate, seq } = await publisher.publish(subject, body, {
    'Nats-Msg-Id': id,
    [eventHeader]: meta,
  })
  // Without an id of the provider's, the id is the body's: a repeat has the same one.
  const differs = duplicate && lasting && !(await isBodyOf(seq, body))
  // The digest is the first one's.
  if (lasting) seen.keep(id, now(), differs ? 0 : digest)
  if (!duplicate) throttle.stored()
  return { seq, knownBy: duplicate ? 'jetstream' : undefined, differs }
}

interface Swallowed {
  readonly id: EventId
  readonly receivedAt: number
  readonly identity: Identity
  readonly verdict: Extract<Verdict, { kind: 'valid' }>
}

/** What is not delivered is told: in the log, and where its body differs whole, for a member to take it in. */
function noteRepeat(
  request: IncomingMessage,
  source: Source,
  body: Uint8Array,
  differs: boolean,
  { id, receivedAt, identity, verdict }: Swallowed,
  { repeats, rejections }: Receiver,
): void {
  const { organization, config } = source
  repeats.note({
    organization: organization.id,
    sourceId: config.id,
    event: id,
    differs,
    atMs: receivedAt,
  })
  if (!differs) return
  rejections.addRepeat(source, request, body, {
    event: id,
    sourceId: config.id,
    revision: organization.revision,
    type: identity.eventType ?? '',
    types: identity.eventTypes && [...identity.eventTypes],
    secret: verdict.secret === undefined ? undefined : config.secrets[verdict.secret]?.id,
  })
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

/** Why this source takes nothing now, whatever comes: decided before a byte of the body is read. */
function bar(source: Source, nowMs: number): Problem | undefined {
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

/** A new id where the source takes every request for an event, or where nothing in this one tells a repeat. */
function idOf(
  { organization, config }: Source,
  identity: Identity,
  body: Uint8Array,
  nowMs: number,
): EventId {
  if (!config.deduplicate || identity.repeats === 'none') return newId('evt', nowMs)
  const { deliveryId } = identity
  return eventId(organization.id, config.name, deliveryId === undefined ? { body } : { id: deliveryId })
}

/** Most providers want any 2xx; some want an exact one (Discord 204, Xero an empty body), which the scheme knows. */
function accepted({ scheme }: Source, id: EventId, duplicate: boolean): Reply {
  return (
    scheme.accepted ?? {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"id":"${id}","duplicate":${duplicate}}`,
    }
  )
}

/** A handshake is answered and is no event. What follows it happens behind the answer. */
function shakeHands(
  request: IncomingMessage,
  source: Source,
  body: Uint8Array,
  handshake: Handshake,
  receiver: Receiver,
): Reply {
  const { status, headers, confirmUrl, offeredSecret } = handshake
  receiver.metrics.handshakes.inc({ provider: source.config.provider })
  if (source.lineBucket.take(receiver.now()) === 0)
    receiver.log.info({ ...whose(source), status }, 'handshake.answered')
  if (confirmUrl !== undefined) receiver.confirmations.confirm(confirmUrl, whose(source))
  if (offeredSecret !== undefined) {
    // Anyone who knows the URL can offer one: it is for a member to take, who knows what was just set up.
    const isKept = receiver.rejections.add(source, request, body, offered, offeredSecret)
    if (isKept) receiver.log.warn(whose(source), 'secret.offered')
  }
  return { status, headers, body: handshake.body }
}

const offered = {
  kind: 'invalid',
  reason: 'key_unavailable',
  detail:
    'the provider handed over a secret in its handshake: give it to the source, if you have just set this up',
} as const

/** For the organization's members: at which public URLs a signature over the URL was looked for. */
function withTried(verdict: InvalidVerdict, tried: readonly string[]): InvalidVerdict {
  if (tried.length === 0) return verdict
  const urls = `the public URL was taken to be ${tried.join(' or ')}`
  return { ...verdict, detail: verdict.detail ? `${verdict.detail}; ${urls}` : urls }
}

/** A request that did not verify: kept for "why 401?", and told no more than its code. */
function reject(
  request: IncomingMessage,
  source: Source,
  body: Uint8Array,
  verdict: InvalidVerdict,
  receiver: Receiver,
): Reply {
  if (request.method !== 'POST') return refuse(receiver, source, { code: 'method_not_allowed' })
  receiver.rejections.add(source, request, body, verdict)
  const code = codeOfRejection(verdict.reason)
  const reply = refuse(
    receiver,
    source,
    { code, ...(code === 'unavailable' && { retryAfterSeconds: 30 }) },
    verdict.reason,
  )
  // Xero checks that a wrong signature gets a 401 with nothing in it, or doesn't accept the URL.
  if (source.scheme.accepted?.body !== '') return reply
  const { 'content-type': _, ...headers } = reply.headers
  return { ...reply, headers, body: '' }
}

function tooLarge(maxBodyBytes: number): Problem {
  return { code: 'too_large', detail: `A body may have ${maxBodyBytes} bytes.` }
}

/** Refused by what is known before the body: counted, for there may be thousands. */
function turnAway(receiver: Receiver, source: Source | undefined, problem: Problem): Reply {
  receiver.refusals.count(source, problem.code, problem.code)
  return problemReply(problem)
}

/** Refused after the body, or while it was read. */
function refuse(
  receiver: Receiver,
  source: Source,
  problem: Problem,
  reason: RejectionReason | PublishError['code'] | 'aborted' | ProblemCode = problem.code,
): Reply {
  receiver.refusals.tell(source, problem.code, reason)
  return problemReply(problem)
}

export const whose = ({ organization, config }: Source) => ({
  organization: organization.slug,
  source: config.name,
  provider: config.provider,
})
