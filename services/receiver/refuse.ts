import type { IncomingMessage } from 'node:http'
import type { InvalidVerdict, RejectionReason } from '@fairlead/webhook/scheme'
import type { PublishError } from '@fairlead/wire/publish'
import type { Receiver } from './context.ts'
import type { Source } from './directory.ts'
import { codeOfRejection, type Problem, type ProblemCode, problemReply, type Reply } from './problem.ts'
import type { BodyRead } from './read-body.ts'

/** Refuses a request before its body is read. Only counted, because there may be thousands a second. */
export function refuseEarly(receiver: Receiver, source: Source | undefined, problem: Problem): Reply {
  receiver.refusals.count(source, problem.code, problem.code)
  return problemReply(problem)
}

/**
 * Refuses a request after its body was read, or while it was read.
 * @param startedMs of `performance.now()`, at the request line
 */
export function refuse(
  receiver: Receiver,
  source: Source,
  problem: Problem,
  startedMs: number,
  reason: RejectionReason | PublishError['code'] | 'aborted' | ProblemCode = problem.code,
): Reply {
  receiver.refusals.tell(source, problem.code, reason)
  const reply = problemReply(problem)
  receiver.traces?.refused(source, { code: problem.code, status: reply.status, reason, startedMs })
  return reply
}

const overloaded: Problem = {
  code: 'unavailable',
  detail: 'too much is being received',
  retryAfterSeconds: 1,
}
const overloadedReply = problemReply(overloaded)

/** Refuses under overload. All of these requests get the same reply, which is made once. */
export function refuseOverloaded(receiver: Receiver, source: Source, startedMs: number): Reply {
  receiver.refusals.count(source, overloaded.code, 'overloaded')
  const { code } = overloaded
  receiver.traces?.refused(source, { code, status: overloadedReply.status, reason: 'overloaded', startedMs })
  return overloadedReply
}

/** Refuses a request whose body could not be read whole. */
export function refuseBody(
  read: Exclude<BodyRead, { kind: 'read' }>,
  source: Source,
  receiver: Receiver,
  startedMs: number,
): Reply {
  switch (read.kind) {
    case 'too_large':
      return refuse(
        receiver,
        source,
        { code: 'too_large', detail: `A body may have ${receiver.limits.maxBodyBytes} bytes.` },
        startedMs,
      )
    case 'too_slow':
      return refuse(receiver, source, { code: 'too_slow' }, startedMs)
    case 'no_room':
      return refuseOverloaded(receiver, source, startedMs)
    case 'aborted':
      return refuse(
        receiver,
        source,
        { code: 'unavailable', detail: 'the request broke off' },
        startedMs,
        'aborted',
      )
    default:
      return read satisfies never
  }
}

export interface Rejected {
  readonly verdict: InvalidVerdict
  /** Public URLs over which the signature was checked; none where the provider signs no URL. */
  readonly tried: readonly string[]
  readonly startedMs: number
}

/**
 * Refuses a request that did not verify, and keeps it in REJECTIONS for its organization's members. The reply tells the
 * sender only the problem's code.
 */
export function reject(
  request: IncomingMessage,
  source: Source,
  body: Uint8Array,
  { verdict, tried, startedMs }: Rejected,
  receiver: Receiver,
): Reply {
  if (request.method !== 'POST') return refuse(receiver, source, { code: 'method_not_allowed' }, startedMs)
  receiver.rejections.add(source, request, body, withUrls(verdict, tried), { publicUrls: tried })
  const code = codeOfRejection(verdict.reason)
  const problem = { code, ...(code === 'unavailable' && { retryAfterSeconds: 30 }) }
  const reply = refuse(receiver, source, problem, startedMs, verdict.reason)
  // Xero accepts a URL only if a wrong signature is answered 401 with an empty body.
  if (source.scheme.accepted?.body !== '') return reply
  const { 'content-type': _, ...headers } = reply.headers
  return { ...reply, headers, body: '' }
}

/** Adds the public URLs over which the signature was checked to the detail that members read. */
function withUrls(verdict: InvalidVerdict, triedUrls: readonly string[]): InvalidVerdict {
  if (triedUrls.length === 0) return verdict
  const urls = `the public URL was taken to be ${triedUrls.join(' or ')}`
  return { ...verdict, detail: verdict.detail ? `${verdict.detail}; ${urls}` : urls }
}
