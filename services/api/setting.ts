import type { JsonObject } from '@bufbuild/protobuf'
import { ErrorReason } from '@fairlead/wire/store/error'
import type { Organization } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { managedByKubernetes } from './managed-by-kubernetes.ts'
import { ApiError, type ProblemCode } from './problem.ts'

/** Fields and refusals that sources, destinations, routes and organizations share as settings that are changed by the API. */

export const settingFields = {
  settings: z.record(z.string(), z.unknown()).meta({
    description:
      'All that is declared of it, as PUT takes it: read, changed and written back. Secrets are named and never told; left out, they stay.',
  }),
  etag: z.string().meta({
    description: 'Names this state of `settings`; in quotes it is the `ETag`, for `If-Match`.',
    example: 'src_01jd3k5t9vexqa7w2m8zr4c6hs.3',
  }),
}

/** Bytes: eight secrets of several thousand characters, certificates, a scheme with its tests. */
export const maxSettingBytes = 256 * 1024

export const settingProblems: readonly ProblemCode[] = ['managed_by_kubernetes', 'conflict', 'limit_reached']

/** A merge patch: any fields of a setting. */
export const patchBody = z.record(z.string(), z.unknown()).meta({
  description:
    'A JSON merge patch (RFC 7396) of `settings`: what is named is replaced, null takes away, lists are replaced as a whole.',
})

type Spec = Readonly<Record<string, unknown>>

export interface Refusal {
  readonly organization: Pick<Organization, 'slug' | 'owner'>
  /** What its owner's declaration would have to say: the part of `spec` that differs. */
  readonly spec: () => Spec | Promise<Spec>
  /** The setting as it stands now; undefined: it isn't there. */
  readonly current: () => Promise<unknown>
}

/** Does a write. Turns the store's refusal into a problem that says what the caller can do. */
export async function orExplained<T>(write: Promise<T>, refusal: Refusal): Promise<T> {
  try {
    return await write
  } catch (error) {
    switch (storeErrorDetail(error)?.reason) {
      case ErrorReason.MANAGED_BY_OWNER:
      case ErrorReason.OWNED_BY_ANOTHER:
        throw managedByKubernetes(refusal.organization, await refusal.spec(), error)
      case ErrorReason.PRECONDITION_FAILED: {
        const current = await refusal.current()
        throw new ApiError('precondition_failed', undefined, {
          cause: error,
          facts: current === undefined ? {} : { current },
        })
      }
      default:
        throw error
    }
  }
}

/** Does the write of a POST. Turns the store's `precondition_failed` into `conflict`: the name is in use. */
export async function orNameTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (storeErrorDetail(error)?.reason !== ErrorReason.PRECONDITION_FAILED) throw error
    throw new ApiError('conflict', 'This name is in use.', { cause: error })
  }
}

/** Of an answer of the store. */
export function requireDeclared(declared: JsonObject | undefined): JsonObject {
  if (!declared) throw new TypeError('the store answered without what is declared')
  return declared
}
