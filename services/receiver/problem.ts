import type { RejectionReason } from '@fairlead/webhook/scheme'

/*
 * Three words for a request that becomes no event:
 *
 *   refusal    any request that is not accepted: over a rate, too large, of no known source, or rejected
 *   rejection  the refusal of a request that did not verify; kept in REJECTIONS with its `RejectionReason`
 *   problem    the answer to a refusal: an RFC 9457 document, whose status is in the table below
 */

/** Why a request is refused: the `code` of the problem document, the log's word and the metric's label. */
export type ProblemCode =
  | 'unknown_source'
  | 'method_not_allowed'
  | 'organization_inactive'
  | 'signature_missing'
  | 'signature_mismatch'
  | 'timestamp_out_of_tolerance'
  | 'too_large'
  | 'too_slow'
  | 'rate_limited'
  | 'quota_exceeded'
  | 'unavailable'

interface ProblemKind {
  readonly status: number
  readonly title: string
}

/** code → HTTP status. */
const kinds: Readonly<Record<ProblemCode, ProblemKind>> = {
  unknown_source: { status: 404, title: 'There is no such source' },
  method_not_allowed: { status: 405, title: 'Webhooks come by POST' },
  organization_inactive: { status: 403, title: 'This organization takes no webhooks at present' },
  signature_missing: { status: 401, title: 'The request carries no signature' },
  signature_mismatch: { status: 401, title: 'The signature does not match' },
  timestamp_out_of_tolerance: { status: 401, title: 'The request is too old, or from the future' },
  too_large: { status: 413, title: 'The body is too large' },
  too_slow: { status: 408, title: 'The body came too slowly' },
  rate_limited: { status: 429, title: 'Too many requests at once' },
  quota_exceeded: { status: 429, title: "This month's limit of webhooks is used up" },
  unavailable: { status: 503, title: 'The event could not be stored; send it again' },
}

export interface Problem {
  readonly code: ProblemCode
  /** More exact than the code, for people. Never holds a secret, or a value that would have been right. */
  readonly detail?: string
  /** Seconds for Retry-After. */
  readonly retryAfterSeconds?: number
}

export const problemCodes = Object.keys(kinds) as readonly ProblemCode[]

/**
 * The code of a rejection. Verification knows more reasons than the answer tells a stranger: the exact reason goes to
 * the log, the metric and REJECTIONS, where the organization's own people see it.
 */
export function codeOfRejection(reason: RejectionReason): ProblemCode {
  switch (reason) {
    case 'signature_missing':
      return 'signature_missing'
    case 'timestamp_out_of_tolerance':
    case 'timestamp_missing':
    case 'timestamp_malformed':
      return 'timestamp_out_of_tolerance'
    // Our own inability to check is no fault of the sender's: it is asked to come again.
    case 'key_unavailable':
      return 'unavailable'
    case 'signature_malformed':
    case 'signature_mismatch':
    case 'body_hash_mismatch':
    case 'certificate_untrusted':
    case 'key_unknown':
    case 'algorithm_not_allowed':
    case 'claims_invalid':
    case 'body_unreadable':
      return 'signature_mismatch'
    default:
      return reason satisfies never
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function problemReply(problem: Problem): Reply {
  const { status, title } = kinds[problem.code]
  const { code, detail, retryAfterSeconds } = problem
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(retryAfterSeconds !== undefined && {
        'retry-after': `${Math.max(1, Math.ceil(retryAfterSeconds))}`,
      }),
      ...(code === 'method_not_allowed' && { allow: 'POST' }),
    },
    body: JSON.stringify({ type: 'about:blank', title, status, code, ...(detail && { detail }) }),
  }
}
