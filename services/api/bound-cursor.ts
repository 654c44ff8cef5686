import { createHash } from 'node:crypto'
import { ApiError } from './problem.ts'

/** Which list a cursor belongs to. */
export interface CursorOwner {
  readonly operation: string
  /** Empty: the platform's. */
  readonly organizationId: string
  /** The query, parsed or not; `cursor` and `limit` don't count. */
  readonly query: Readonly<Record<string, unknown>>
}

/**
 * A cursor of the store, bound to its list: organization, operation and filters. In another list it would be some position, and
 * pages would lack rows without an error. The cursor holds no secret, so its digest needs no key.
 */
export const bindCursor = (cursor: string, owner: CursorOwner): string =>
  `${cursor}.${digestOf(cursor, owner)}`

/** The store's cursor. Throws an ApiError `cursor_invalid` for a damaged one, and for another list's. */
export function unbindCursor(bound: string, owner: CursorOwner): string {
  const at = bound.lastIndexOf('.')
  const cursor = bound.slice(0, Math.max(at, 0))
  if (at > 0 && bound.slice(at + 1) === digestOf(cursor, owner)) return cursor
  throw new ApiError('cursor_invalid')
}

function digestOf(cursor: string, { operation, organizationId, query }: CursorOwner): string {
  const filters = Object.entries(query)
    .filter(([name, value]) => name !== 'cursor' && name !== 'limit' && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([cursor, operation, organizationId, filters])
  return createHash('sha256').update(text).digest('base64url').slice(0, 12)
}
