import { Code, ConnectError } from '@connectrpc/connect'
import { ErrorReason } from '@fairlead/wire/store/error'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { ApiError, type ProblemCode, type RequestFault } from './problem.ts'

/** Reason of the store's refusal → the API's problem code. */
const codeOfReason: Readonly<Record<ErrorReason, ProblemCode>> = {
  [ErrorReason.UNSPECIFIED]: 'internal',
  [ErrorReason.SLUG_TAKEN]: 'conflict',
  [ErrorReason.NAME_TAKEN]: 'conflict',
  [ErrorReason.OWNED_BY_ANOTHER]: 'conflict',
  [ErrorReason.MANAGED_BY_OWNER]: 'conflict',
  [ErrorReason.NOT_FOUND]: 'not_found',
  [ErrorReason.INVALID_FIELD]: 'request_invalid',
  [ErrorReason.API_KEY_UNKNOWN]: 'unauthenticated',
  [ErrorReason.CONTENT_EXPIRED]: 'event_expired',
  [ErrorReason.DESTINATION_DELETED]: 'conflict',
  [ErrorReason.DELIVERY_OPEN]: 'conflict',
  [ErrorReason.NO_DELIVERIES]: 'conflict',
  [ErrorReason.DELIVERY_ENDED]: 'conflict',
  [ErrorReason.REPLAY_ENDED]: 'conflict',
  [ErrorReason.REPLAY_TOO_LARGE]: 'conflict',
  [ErrorReason.IDEMPOTENCY_IN_PROGRESS]: 'idempotency_in_progress',
  [ErrorReason.IDEMPOTENCY_KEY_REUSED]: 'idempotency_key_reused',
  [ErrorReason.PRECONDITION_FAILED]: 'precondition_failed',
  [ErrorReason.IN_USE]: 'conflict',
  [ErrorReason.LIMIT_REACHED]: 'limit_reached',
  [ErrorReason.TEST_UNTAKEN]: 'unavailable',
  [ErrorReason.TEST_BUSY]: 'rate_limited',
  [ErrorReason.VERIFYING_BUSY]: 'rate_limited',
  [ErrorReason.NOT_TESTABLE]: 'conflict',
  [ErrorReason.BUSY]: 'rate_limited',
  [ErrorReason.RATE_MISSING]: 'rate_missing',
  [ErrorReason.LAST_OWNER]: 'last_owner',
  [ErrorReason.ABOVE_CALLER]: 'forbidden',
  [ErrorReason.POSTGRES_UNAVAILABLE]: 'unavailable',
  [ErrorReason.NATS_UNAVAILABLE]: 'unavailable',
  [ErrorReason.SECRET_UNREADABLE]: 'internal',
}

/** Reasons that the problem's code doesn't tell already: a sentence instead of the code's own. */
const sentenceOfReason: Partial<Record<ErrorReason, string>> = {
  [ErrorReason.NAME_TAKEN]: 'This name is in use.',
  [ErrorReason.MANAGED_BY_OWNER]:
    'This is declared by the resource or file that owns the organization: change it there.',
  [ErrorReason.ABOVE_CALLER]: 'Nobody gives, takes or touches a role above their own.',
  [ErrorReason.DESTINATION_DELETED]: 'The destination was deleted, so nothing can be delivered to it.',
  [ErrorReason.DELIVERY_OPEN]: 'The delivery has not ended: it is being tried already.',
  [ErrorReason.DELIVERY_ENDED]: 'The delivery has ended: there is no attempt to wait for.',
  [ErrorReason.REPLAY_ENDED]: 'The Replay has ended.',
  [ErrorReason.REPLAY_TOO_LARGE]:
    'More deliveries are matched than one Replay may make: narrow the selection.',
  [ErrorReason.TEST_UNTAKEN]: 'No worker took the test; try again after `Retry-After` seconds.',
  [ErrorReason.TEST_BUSY]: 'Two tests of this organization are under way; wait for them.',
  [ErrorReason.VERIFYING_BUSY]:
    'Other rejections of this organization are being verified: ask for one summary or promotion at a time.',
  [ErrorReason.BUSY]: 'Too many requests wait for the database; try again after `Retry-After` seconds.',
  [ErrorReason.NOT_TESTABLE]: 'It has no address to send a test to, or is not active.',
  [ErrorReason.NO_DELIVERIES]: 'No route sent this event anywhere, so there is no delivery to make again.',
}

/** Of `limit_reached`, by what has the limit; else it is the number of things of one kind. */
const sentenceOfLimit: Readonly<Record<string, string>> = {
  settings:
    'Sources, destinations and routes take 2 MiB together at most: shorten headers or certificates, or delete some.',
  event_types: 'The event types of all routes have 2,000 * together at most: write fewer.',
  names:
    'There are 1,000 names, with those that were deleted and have events still: take a name of before, or wait until those events are gone.',
}

function sentenceOf({
  reason,
  owner,
  field,
}: {
  reason: ErrorReason
  owner: string
  field: string
}): string | undefined {
  if (reason === ErrorReason.LIMIT_REACHED) return sentenceOfLimit[field]
  if (reason === ErrorReason.IN_USE) return `It is named by ${owner}: change or delete that first.`
  if (reason === ErrorReason.RATE_MISSING)
    return `The table of rates has none from ${owner}: enter it by PUT …/billing/rates.`
  if (reason === ErrorReason.NAME_TAKEN && owner) return `${owner} says the same already.`
  return sentenceOfReason[reason]
}

/** How long a client is asked to wait while the store is away, or works on its first request, in seconds. */
const retryAfterSeconds = 2

/**
 * An ApiError for whatever a call of the store rejected with. Anything unknown is `internal`.
 *
 * @param takesInBody whether the operation has a field of that name in its body; default: none
 */
export function storeProblem(
  error: unknown,
  takesInBody: (field: string) => boolean = () => false,
): ApiError {
  if (error instanceof ApiError) return error
  const detail = storeErrorDetail(error)
  const code = detail ? codeOfReason[detail.reason] : codeOfStatus(error)
  switch (code) {
    case undefined:
    case 'internal':
      return new ApiError('internal', undefined, { cause: error })
    case 'unavailable':
    case 'rate_limited':
    case 'idempotency_in_progress':
      return new ApiError(code, detail && sentenceOf(detail), { cause: error, retryAfterSeconds })
    case 'request_invalid':
      return invalidField(detail?.field ?? '', error, takesInBody)
    default:
      return new ApiError(code, detail && sentenceOf(detail), { cause: error })
  }
}

/** An error without a detail came from the connection, not from the store. */
function codeOfStatus(error: unknown): ProblemCode | undefined {
  if (!(error instanceof ConnectError)) return undefined
  // While an upgrade is under way a store may be older than this API: it answers once it is replaced.
  if (error.code === Code.Unavailable || error.code === Code.Unimplemented) return 'unavailable'
  if (error.code === Code.DeadlineExceeded) return 'timed_out'
  return undefined
}

/** The store's `selector.died_after` is `diedAfter` here. */
function invalidField(field: string, cause: unknown, takesInBody: (field: string) => boolean): ApiError {
  if (field === 'cursor') return new ApiError('cursor_invalid', undefined, { cause })
  const name = field
    .replace(/^(selector|settings)\./, '')
    .replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase())
    .replaceAll(/\[(\d{1,4})\]/g, '.$1')
  const said = cause instanceof ConnectError ? cause.rawMessage : 'is not allowed'
  const message = said.startsWith(`${field}: `) ? said.slice(field.length + 2) : said
  const faults: RequestFault[] = [{ in: takesInBody(name) ? 'body' : 'query', name, message }]
  return new ApiError('request_invalid', undefined, { cause, faults })
}
