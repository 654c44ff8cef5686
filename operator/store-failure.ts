import { Code, ConnectError } from '@connectrpc/connect'
import type { ErrorDetail } from '@fairlead/wire/store/error'
import { storeErrorDetail } from '@fairlead/wire/store-client'

/** An error of the store: a refusal, or that it can't answer now. */
export type StoreFailure =
  | {
      readonly kind: 'refused'
      readonly code: Code
      readonly detail: ErrorDetail | undefined
      readonly message: string
    }
  | { readonly kind: 'unavailable'; readonly message: string }

/** Statuses of refusals; after all others the same call may work later. https://grpc.io/docs/guides/status-codes/ */
const refusals: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.AlreadyExists,
  Code.NotFound,
  Code.OutOfRange,
])

/** Reads an error of the store's client. Rethrows other errors. */
export function storeFailureOf(error: unknown): StoreFailure {
  if (!(error instanceof ConnectError)) throw error
  const { code, rawMessage } = error
  if (!refusals.has(code)) {
    const why = code === Code.Unavailable ? 'can’t be reached' : `failed (${Code[code]}: ${rawMessage})`
    return { kind: 'unavailable', message: `the store ${why}, trying again` }
  }
  const detail = storeErrorDetail(error)
  const field = detail?.field ? `${detail.field}: ` : ''
  return { kind: 'refused', code, detail, message: `the store refuses it: ${field}${rawMessage}` }
}
