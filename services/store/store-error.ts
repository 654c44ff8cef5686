import { Code } from '@connectrpc/connect'
import { ErrorReason } from '@fairlead/wire/store/error'

/** What the store answers on purpose: code → gRPC status and the reason in the error's detail. The one table. */
export const answers = {
  slug_taken: [Code.AlreadyExists, ErrorReason.SLUG_TAKEN],
  name_taken: [Code.AlreadyExists, ErrorReason.NAME_TAKEN],
  owned_by_another: [Code.FailedPrecondition, ErrorReason.OWNED_BY_ANOTHER],
  managed_by_owner: [Code.FailedPrecondition, ErrorReason.MANAGED_BY_OWNER],
  not_found: [Code.NotFound, ErrorReason.NOT_FOUND],
  invalid_field: [Code.InvalidArgument, ErrorReason.INVALID_FIELD],
  api_key_unknown: [Code.Unauthenticated, ErrorReason.API_KEY_UNKNOWN],
  content_expired: [Code.FailedPrecondition, ErrorReason.CONTENT_EXPIRED],
  destination_deleted: [Code.FailedPrecondition, ErrorReason.DESTINATION_DELETED],
  delivery_open: [Code.FailedPrecondition, ErrorReason.DELIVERY_OPEN],
  no_deliveries: [Code.FailedPrecondition, ErrorReason.NO_DELIVERIES],
  delivery_ended: [Code.FailedPrecondition, ErrorReason.DELIVERY_ENDED],
  replay_ended: [Code.FailedPrecondition, ErrorReason.REPLAY_ENDED],
  replay_too_large: [Code.FailedPrecondition, ErrorReason.REPLAY_TOO_LARGE],
  idempotency_in_progress: [Code.Aborted, ErrorReason.IDEMPOTENCY_IN_PROGRESS],
  idempotency_key_reused: [Code.InvalidArgument, ErrorReason.IDEMPOTENCY_KEY_REUSED],
  precondition_failed: [Code.FailedPrecondition, ErrorReason.PRECONDITION_FAILED],
  in_use: [Code.FailedPrecondition, ErrorReason.IN_USE],
  limit_reached: [Code.FailedPrecondition, ErrorReason.LIMIT_REACHED],
  test_untaken: [Code.Unavailable, ErrorReason.TEST_UNTAKEN],
  test_busy: [Code.ResourceExhausted, ErrorReason.TEST_BUSY],
  verifying_busy: [Code.ResourceExhausted, ErrorReason.VERIFYING_BUSY],
  not_testable: [Code.FailedPrecondition, ErrorReason.NOT_TESTABLE],
  rate_missing: [Code.FailedPrecondition, ErrorReason.RATE_MISSING],
  last_owner: [Code.FailedPrecondition, ErrorReason.LAST_OWNER],
  above_caller: [Code.PermissionDenied, ErrorReason.ABOVE_CALLER],
  busy: [Code.ResourceExhausted, ErrorReason.BUSY],
  postgres_unavailable: [Code.Unavailable, ErrorReason.POSTGRES_UNAVAILABLE],
  nats_unavailable: [Code.Unavailable, ErrorReason.NATS_UNAVAILABLE],
  secret_unreadable: [Code.Internal, ErrorReason.SECRET_UNREADABLE],
} as const

/** Codes that only commands and the start meet; they never reach a caller. */
type StartCode = 'role_unbound' | 'migration_changed' | 'schema_missing'

export type StoreErrorCode = keyof typeof answers | StartCode

export interface StoreErrorFacts {
  /** The field at fault, as a path in the request. */
  field?: string
  /** Who has what was asked for, for people. */
  owner?: string
  cause?: unknown
}

export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly field: string
  readonly owner: string

  constructor(code: StoreErrorCode, message: string, facts: StoreErrorFacts = {}) {
    super(message, { cause: facts.cause })
    this.name = 'StoreError'
    this.code = code
    this.field = facts.field ?? ''
    this.owner = facts.owner ?? ''
  }
}
