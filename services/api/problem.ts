import { STATUS_CODES } from 'node:http'
import { z } from 'zod'

/**
 * Everything that this API refuses or fails with: one word, its HTTP status and a sentence. The word is what clients
 * branch on; it never changes. The one table of this service.
 */
export const problems = {
  // What was asked can't be read.
  request_invalid: [400, 'A parameter or the body is not what this operation takes; see `errors`.'],
  cursor_invalid: [400, 'The cursor is damaged, or belongs to a list with other filters.'],
  body_unreadable: [400, 'The body is not JSON.'],
  malformed: [400, 'This is no HTTP/1.1 request.'],
  unauthenticated: [401, 'Send a live API key (`Authorization: Bearer sk_live_fl_…`), or sign in.'],
  sign_in_refused: [401, 'The link or the code is wrong, used, or no longer good: ask for a new one.'],
  forbidden: [403, 'This is not yours to do.'],
  proof_too_old: [403, 'You signed in more than 10 minutes ago: sign in again for this, at /auth/sign-in.'],
  wrong_mode: [403, 'The key is for data of the other mode, or for test data alone.'],
  cross_site: [403, 'A browser sent this from a page of another site.'],
  // 404 also for what exists but belongs to somebody else: a key learns nothing about other organizations.
  not_found: [404, 'There is no such thing, or it is not yours to see.'],
  sign_in_off: [
    404,
    'Nobody signs in here: set FAIRLEAD_REDIS_URL, FAIRLEAD_CONSOLE_URL and FAIRLEAD_SIGN_IN_KEYS for that.',
  ],
  method_not_allowed: [405, 'This address does not take that method; see the `Allow` header.'],
  // What was asked can't be done now.
  conflict: [409, 'What was asked does not fit the state it is in.'],
  managed_by_kubernetes: [
    409,
    'A resource or a file declares this: change it there, as `resource` and `patch` say.',
  ],
  limit_reached: [409, 'The organization has as many of these as it may have: delete one first.'],
  precondition_failed: [
    412,
    'It is not in the state that `If-Match` or `If-None-Match` names; `current` has the present one.',
  ],
  precondition_required: [
    428,
    'Say by `If-Match` which state you have seen: the `ETag` of an answer, or * for any.',
  ],
  last_owner: [409, 'An organization keeps at least one owner: make somebody else owner first.'],
  rate_missing: [409, 'The table of rates lacks one: enter it by PUT …/billing/rates.'],
  event_expired: [409, 'The bytes of this event are no longer kept, so it can not be delivered again.'],
  too_large: [413, 'The body is larger than this API reads.'],
  media_type_unsupported: [415, 'Send the body as application/json.'],
  idempotency_in_progress: [
    409,
    'A request with this Idempotency-Key is under way; ask again for its answer.',
  ],
  idempotency_key_reused: [422, 'This Idempotency-Key was used for another request.'],
  rate_limited: [429, 'Too many requests; wait as long as `Retry-After` says.'],
  // What was asked failed here.
  internal: [500, 'This is a fault of ours.'],
  transfer_coding_unknown: [
    501,
    'Of transfer codings only chunked is known here: send the body without others.',
  ],
  unavailable: [503, 'The store does not answer; try again after `Retry-After` seconds.'],
  timed_out: [504, 'The store took too long; ask for less, or try again.'],
} as const satisfies Readonly<Record<string, readonly [status: number, sentence: string]>>

export type ProblemCode = keyof typeof problems

export const problemCodes = Object.keys(problems) as [ProblemCode, ...ProblemCode[]]

/**
 * A problem's `type`: the page about it, which this API serves itself. A reference with its full path, as RFC 9457 (3.1.1) has it,
 * so that it is the same text on each installation and leads to the one that answered.
 */
export const typeOfProblem = (code: ProblemCode): string => `/problems/${code}`

/** The body of every answer that is not a success (RFC 9457), sent as application/problem+json. */
export const problemSchema = z
  .object({
    type: z
      .string()
      .regex(/^\/problems\/[a-z_]+$/)
      .meta({
        description: 'The page about it, at this API: what it means, what to do.',
        example: '/problems/not_found',
      }),
    title: z.string().meta({ description: "The status' own name.", example: 'Not Found' }),
    status: z.int().meta({ example: 404 }),
    code: z.enum(problemCodes).meta({ example: 'not_found' }),
    detail: z.string(),
    requestId: z.string().meta({
      description: 'As in the header `x-request-id`: what to look for in the log.',
      example: 'req_5f2b8c1d9e3a4b6f8071c2d3e4f5a6b7',
    }),
    errors: z
      .array(
        z.object({ in: z.enum(['path', 'query', 'body', 'header']), name: z.string(), message: z.string() }),
      )
      .optional()
      .meta({ description: 'With request_invalid: every fault at once.' }),
    resource: z
      .object({
        apiVersion: z.string(),
        kind: z.string(),
        namespace: z.string().optional(),
        name: z.string(),
        file: z.string().optional(),
      })
      .optional()
      .meta({ description: 'With managed_by_kubernetes: which resource, and in which file if in one.' }),
    patch: z
      .string()
      .optional()
      .meta({ description: 'With managed_by_kubernetes: YAML that makes the change there.' }),
    current: z
      .unknown()
      .optional()
      .meta({ description: 'With precondition_failed: as it stands now, where it is there.' }),
    traceId: z
      .string()
      .optional()
      .meta({ description: 'With internal: the trace that the request belongs to.' }),
  })
  .meta({ id: 'Problem' })

export type Problem = z.infer<typeof problemSchema>
export type ProblemFacts = Pick<Problem, 'resource' | 'patch' | 'current'>
export type RequestFault = NonNullable<Problem['errors']>[number]

/** What a client is asked to wait where nothing says it better: no answer with these statuses is without `Retry-After`. */
const usualWaitSeconds: Readonly<Record<number, number>> = { 429: 2, 503: 2 }

/** Thrown to refuse a request; `answerProblem` in `app.ts` turns it into a response. */
export class ApiError extends Error {
  readonly code: ProblemCode
  readonly faults: readonly RequestFault[]
  /** Seconds that the client is asked to wait; always there with 429 and 503. */
  readonly retryAfterSeconds: number | undefined
  /** More fields of the problem. */
  readonly facts: ProblemFacts

  constructor(
    code: ProblemCode,
    detail: string = problems[code][1],
    options: ErrorOptions & {
      faults?: readonly RequestFault[]
      retryAfterSeconds?: number
      facts?: ProblemFacts
    } = {},
  ) {
    super(detail, options)
    this.name = 'ApiError'
    this.code = code
    this.faults = options.faults ?? []
    this.retryAfterSeconds = options.retryAfterSeconds ?? usualWaitSeconds[problems[code][0]]
    this.facts = options.facts ?? {}
  }
}

/** The document for an error. `traceId` is told only where the fault is ours. */
export function problemOf(
  error: ApiError,
  { requestId, traceId }: { readonly requestId: string; readonly traceId: string },
): Problem {
  const [status] = problems[error.code]
  return {
    type: typeOfProblem(error.code),
    title: STATUS_CODES[status]!,
    status,
    code: error.code,
    detail: error.message,
    requestId,
    ...(error.faults.length > 0 && { errors: [...error.faults] }),
    ...error.facts,
    ...(error.code === 'internal' && { traceId }),
  }
}
