import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PreconditionSchema } from '@fairlead/wire/store/change'
import type { Request } from 'express'
import { needsMatch, type Operation } from './operation.ts'
import { ApiError } from './problem.ts'

/** More than anyone has read. */
const maxTags = 20

/**
 * What `If-Match` and `If-None-Match` ask for (RFC 9110, 13.1). Throws an ApiError: `request_invalid` for tags that are none,
 * `precondition_required` where a setting would be changed by someone who doesn't say what is known of it. A PUT may go
 * without: it then only creates. A GET asks for nothing here: see `isKnown`.
 */
export function readPrecondition(
  operation: Operation,
  request: Request,
): MessageInitShape<typeof PreconditionSchema> {
  if (!operation.versioned || operation.method === 'get') return {}
  const match = request.get('if-match')?.trim()
  const noneMatch = request.get('if-none-match')?.trim()
  if (noneMatch !== undefined) {
    if (noneMatch !== '*' || operation.method !== 'put' || match !== undefined) {
      throw invalid('If-None-Match', 'must be *, with PUT, without If-Match')
    }
    return { absent: true }
  }
  if (match === '*') return { exists: true }
  if (match !== undefined) return { etags: readTags(match) }
  if (operation.method === 'put') return { absent: true }
  if (needsMatch(operation)) throw new ApiError('precondition_required')
  return {}
}

/**
 * Whether who reads a setting has it as it is, by `If-None-Match` (RFC 9110, 13.1.2); what is no tag matches none. Express would ask no
 * further where `fetch` sends `Cache-Control: no-cache` along, as it does with each such request.
 */
export function isKnown(noneMatch: string | undefined, etag: string): boolean {
  const tags = (noneMatch ?? '').split(',').map(tag => tag.trim())
  return tags.includes('*') || tags.some(tag => tag.replace(/^W\//, '') === `"${etag}"`)
}

/** A weak tag matches nothing: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1 */
function readTags(text: string): string[] {
  const tags = text.split(',').map(tag => /^(W\/)?"([\x21\x23-\x7e]{1,100})"$/.exec(tag.trim()))
  if (tags.length > maxTags || tags.some(tag => tag === null))
    throw invalid('If-Match', `* or the ETag of an answer, in quotes; ${maxTags} at most`)
  return tags.map(tag => (tag![1] ? 'weak' : tag![2]!))
}

function invalid(name: string, message: string): ApiError {
  return new ApiError('request_invalid', undefined, { faults: [{ in: 'header', name, message }] })
}

/** Of a patch, which was merged with a state that was read: that state is meant, also by `*`. */
export function seen(
  precondition: MessageInitShape<typeof PreconditionSchema>,
  etag: string,
): MessageInitShape<typeof PreconditionSchema> {
  return precondition.exists ? { etags: [etag] } : precondition
}
