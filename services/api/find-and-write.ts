import { ErrorReason } from '@fairlead/wire/store/error'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import type { Call } from './operation.ts'
import { ApiError } from './problem.ts'

/**
 * Finds what a write is about, and does it. Where that is not there, or the request no longer fits it, the request may still be a
 * repeat, from before the thing was deleted or changed: the store is then asked for the answer that it keeps under the
 * Idempotency-Key, and changes nothing. Where none is kept, the refusal stands.
 *
 * @param find throws an ApiError where the write can't be done
 * @param write is given undefined where `find` threw: then its `change` asks for a kept answer alone
 */
export async function findAndWrite<Found, Answer>(
  { change, query }: Pick<Call, 'change' | 'query'>,
  find: () => Promise<Found>,
  write: (found: Found | undefined, change: Call['change']) => Promise<Answer>,
): Promise<Answer> {
  let found: Found
  try {
    found = await find()
  } catch (refusal) {
    const { dryRun } = query as { dryRun?: boolean | undefined }
    if (!change.idempotencyKey || dryRun || !mayFollowSuccess(refusal)) throw refusal
    try {
      return await write(undefined, { ...change, repeatOnly: true })
    } catch (error) {
      throw storeErrorDetail(error)?.reason === ErrorReason.NOT_FOUND ? refusal : error
    }
  }
  return await write(found, change)
}

/**
 * Whether a repeat of a request that was carried out can meet this refusal. A caller whose rights were taken since is refused without
 * the kept answer.
 */
const mayFollowSuccess = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 'not_found' || error.code === 'request_invalid')
