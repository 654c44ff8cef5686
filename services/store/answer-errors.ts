import { Code, ConnectError, type Interceptor } from '@connectrpc/connect'
import type { Log } from '@fairlead/daemon/log'
import { ErrorDetailSchema } from '@fairlead/wire/store/error'
import { WireError } from '@fairlead/wire/wire-error'
import { isUnavailable } from './scope.ts'
import { answers, StoreError } from './store-error.ts'
import { isUnknownTimeZone, noTimeZone } from './time-zone.ts'

export interface CallMetrics {
  seconds: { observe(labels: { call: string; code: string }, seconds: number): void }
}

/** Turns errors of calls into gRPC statuses by the table below, measures each call, and logs unexpected errors. */
export function answerErrors(metrics: CallMetrics, log: Log): Interceptor {
  return next => async request => {
    const startedMs = performance.now()
    const call = `${request.service.name}/${request.method.name}`
    const observe = (code: string) =>
      metrics.seconds.observe({ call, code }, (performance.now() - startedMs) / 1000)
    try {
      const response = await next(request)
      observe('ok')
      return response
    } catch (error) {
      const answer = answerOf(error)
      observe(Code[answer.code] ?? 'unknown')
      if (answer.code === Code.Internal || answer.code === Code.Unknown)
        log.error({ err: error, call }, 'call.failed')
      else log.debug({ call, code: Code[answer.code], reason: answer.rawMessage }, 'call.refused')
      throw answer
    }
  }
}

/** What a call that throws this answers. */
export function answerOf(thrown: unknown): ConnectError {
  const error = asStoreError(thrown)
  if (error instanceof ConnectError) return error
  if (!(error instanceof StoreError))
    return new ConnectError('the store failed; its log says why', Code.Internal)
  if (!(error.code in answers)) return new ConnectError(error.message, Code.Internal)
  const [code, reason] = answers[error.code as keyof typeof answers]
  const value = { reason, field: error.field, owner: error.owner }
  return new ConnectError(error.message, code, undefined, [{ desc: ErrorDetailSchema, value }])
}

function asStoreError(error: unknown): unknown {
  if (error instanceof WireError && error.code.startsWith('seal_')) {
    return new StoreError(
      'secret_unreadable',
      'a stored secret can not be opened with the keys of this store',
      {
        cause: error,
      },
    )
  }
  if (error instanceof StoreError) return error
  if (isUnavailable(error)) {
    return new StoreError('postgres_unavailable', 'Postgres can not be reached', { cause: error })
  }
  if (isUnknownTimeZone(error)) return noTimeZone(error)
  // lock_not_available: the holder of a row's lock has hung, or works for long.
  if (error instanceof Error && 'code' in error && error.code === '55P03') {
    return new StoreError('postgres_unavailable', 'others hold what this needs: try again', { cause: error })
  }
  // query_canceled: the statement ran past the call's deadline.
  if (error instanceof Error && 'code' in error && error.code === '57014') {
    return new ConnectError('the deadline passed', Code.DeadlineExceeded)
  }
  return error
}
